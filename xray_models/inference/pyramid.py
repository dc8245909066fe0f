"""Segmentation networks put together for OpenVINO from their weights, without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xray_models.inference import openvino
from xray_models.networks.segmentation import lite0_pyramid

__all__ = ["Pass", "compiled"]

Pass = Callable[[np.ndarray], np.ndarray]
"""One input, float32 (1, height, width, 3) -> logits, float32 (1, height, width, classes)."""

_EPSILON = 1e-3  # of batch normalization


def compiled(weights: Mapping[str, np.ndarray], size: tuple[int, int], classes: int) -> Pass:
    """Compile a network for the processor.

    Args:
        weights: by the names of the layers' variables, as in a weights file.
        size: (height, width) of the input.
        classes: of pixels.

    Returns:
        A function that may be called by several threads at once.

    Raises:
        KeyError: a weight is missing; its name.
    """
    graph = openvino.operations()
    film = graph.parameter([1, *size, 3], np.float32, "film")
    channels_first = graph.transpose(film, np.array([0, 3, 1, 2], np.int64))
    logits = lite0_pyramid(_Graph(graph, weights), channels_first, classes)
    channels_last = graph.transpose(logits, np.array([0, 2, 3, 1], np.int64))
    run = openvino.put_together([channels_last], [film])
    return lambda image: run(image)[0]


class _Graph:
    """The operations of a network as nodes of OpenVINO; channels come before rows and columns."""

    def __init__(self, operations: Any, weights: Mapping[str, np.ndarray]) -> None:
        self._make = operations
        self._weights = weights

    def _weight(self, name: str) -> np.ndarray:
        return self._weights[name].astype(np.float32)

    def convolution(
        self,
        seen: Any,
        filters: int,  # noqa: ARG002 - the kernel says it
        kernel: int,  # noqa: ARG002
        stride: int,
        name: str,
        bias: bool = False,
    ) -> Any:
        values = self._weight(f"{name}/kernel").transpose(3, 2, 0, 1)
        found = self._make.convolution(
            seen, values, [stride] * 2, [0, 0], [0, 0], [1, 1], auto_pad="same_upper"
        )
        if not bias:
            return found
        return self._make.add(found, self._weight(f"{name}/bias").reshape(1, -1, 1, 1))

    def depthwise(
        self,
        seen: Any,
        kernel: int,  # noqa: ARG002 - as above
        stride: int,
        name: str,
    ) -> Any:
        # a group of one channel each: (channels, 1, 1, rows, columns)
        values = self._weight(f"{name}/kernel").transpose(2, 3, 0, 1)[:, :, None]
        return self._make.group_convolution(
            seen, values, [stride] * 2, [0, 0], [0, 0], [1, 1], auto_pad="same_upper"
        )

    def normalized(self, seen: Any, name: str) -> Any:
        gamma, beta, mean, variance = (
            self._weight(f"{name}/{one}")
            for one in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        factor = gamma / np.sqrt(variance + _EPSILON)
        shape = (1, -1, 1, 1)
        scaled = self._make.multiply(seen, factor.reshape(shape))
        return self._make.add(scaled, (beta - mean * factor).reshape(shape))

    def relu6(self, seen: Any, name: str) -> Any:  # noqa: ARG002
        return self._make.clamp(seen, 0.0, 6.0)

    def sum(self, one: Any, other: Any, name: str) -> Any:  # noqa: ARG002
        return self._make.add(one, other)

    def larger(self, seen: Any, times: int, name: str) -> Any:  # noqa: ARG002
        return self._make.interpolate(
            seen,
            np.array([times, times], np.float32),
            "linear_onnx",
            "scales",
            axes=np.array([2, 3], np.int64),
            coordinate_transformation_mode="half_pixel",
        )

    def channels(self, seen: Any) -> int:
        return int(seen.output(0).get_shape()[1])

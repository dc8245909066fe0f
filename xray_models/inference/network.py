"""The interface of a network that reads films and explains itself, whatever runs it.

`functions.Traced` runs it with TensorFlow, `converted.Converted` from files that need none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Cut", "Front", "Function", "Network", "missing_layer", "not_finite"]

Function = Callable[..., Any]
"""A function of arrays."""

Front = tuple[np.ndarray, list[np.ndarray], np.ndarray]
"""Activation of a layer, what else crosses the cut there, logits: each (1, ...)."""


@dataclass(frozen=True, eq=False)
class Cut:
    """Cut of a network at a layer: the parts below and above it as functions of arrays.

    Attributes:
        front: images -> `Front`, in the network's own numbers.
        rest: (activations, what crosses once) -> logits, float32, for many activations at once.
        gradient: (activation, what crosses, vectors) -> gradient of vector x logits per vector,
            float32; a ValueError says that it is not finite.
    """

    front: Function
    rest: Function
    gradient: Function


class Network(ABC):
    """Facts of a network, and its passes.

    Attributes:
        labels: number of logits.
        default_layer: name of the last activation.
    """

    labels: int
    default_layer: str

    @property
    @abstractmethod
    def grids(self) -> dict[str, tuple[int, int, int]]:
        """Grids of the layers -> (rows, columns, channels), from input to output."""

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the image."""

    @property
    @abstractmethod
    def pooled(self) -> str | None:
        """The layer that global average pooling reads just before a linear head, or None."""

    @property
    @abstractmethod
    def head(self) -> np.ndarray | None:
        """Linear head on the pooled default layer, float32, (channels, labels), or None."""

    @property
    @abstractmethod
    def guided(self) -> bool:
        """Whether guided gradients hold: ReLU is the only curve of the network."""

    @abstractmethod
    def goes_around(self, layer: str) -> bool:
        """Whether something goes around a layer, such as a skip connection.

        Raises:
            ValueError: no such layer, or its output is no grid.
        """

    @abstractmethod
    def forward(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Forward pass: (activation of the default layer, logits), float32.

        Args:
            images: float32, (batch, height, width, channels).
        """

    @abstractmethod
    def cut(self, layer: str) -> Cut:
        """Cut of the network at a layer.

        Raises:
            ValueError: no such layer, or its output is no grid.
        """

    @abstractmethod
    def input_gradient(
        self, images: np.ndarray, vector: np.ndarray, guided: bool = False
    ) -> np.ndarray:
        """Gradient of a weighted sum of logits by the image, float32, shape of `images`.

        Args:
            images: float32, (batch, height, width, channels).
            vector: float32, (labels,).
            guided: only positive gradients pass a ReLU (Springenberg et al. 2015).

        Raises:
            ValueError: the gradient is not finite.
        """

    def prepare(self) -> None:  # noqa: B027 - what is compiled already has nothing to do
        """Make the first pass as quick as those after it."""

    def read(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, Front]]:
        """Forward pass of one image, with whatever cuts come out of the same pass.

        Args:
            image: float32, (1, height, width, channels).

        Returns:
            Activation of the default layer and logits, as from `forward`, and layer -> `Front`.
        """
        activation, logits = self.forward(image)
        return activation, logits, {}

    def grid(self, layer: str) -> tuple[int, int, int]:
        """(rows, columns, channels) of a layer's output.

        Raises:
            ValueError: no such layer, or its output is no grid.
        """
        grids = self.grids
        if layer not in grids:
            raise missing_layer(layer, grids)
        return grids[layer]


def missing_layer(layer: str, known: Iterable[str]) -> ValueError:
    """Error of a layer that a network lacks, or whose output is no grid."""
    return ValueError(
        f"There is no layer {layer!r} with a grid to draw heat on. "
        f"The last ones are: {', '.join(list(known)[-5:])}."
    )


def not_finite(of: str) -> ValueError:
    """Error of a gradient that is not finite.

    Args:
        of: what it is taken by, in words.
    """
    return ValueError(
        f"The gradient by {of} is not finite: the network's numbers overflow (those of float16 "
        "end at 65504), or its weights are not finite. Build it in float32, check the weights, "
        "or choose a method without gradients, such as score-cam."
    )

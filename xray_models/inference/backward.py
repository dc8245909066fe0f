"""Gradients of operations written with ordinary operations, which OpenVINO can read.

TensorFlow's own name an operation for the way back, such as SigmoidGrad, that only TensorFlow
knows. Under `OVERRIDES` a graph that passes back through a network holds convolutions, products
and the like instead. Shapes must be known when the graph is traced.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import numpy as np

__all__ = ["OVERRIDES"]

OVERRIDES: dict[str, str] = {}
"""Operation -> name of its gradient here, for `tf.Graph.gradient_override_map`."""

_Gradient = Callable[[tf.Operation, tf.Tensor], object]


def _of(operation: str) -> Callable[[_Gradient], _Gradient]:
    def register(function: _Gradient) -> _Gradient:
        OVERRIDES[operation] = f"RadLens{operation}"
        registered: _Gradient = tf.RegisterGradient(OVERRIDES[operation])(function)
        return registered

    return register


@_of("Sigmoid")
def _sigmoid(operation: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
    value = operation.outputs[0]
    return gradient * value * (1.0 - value)


@_of("Relu")
def _relu(operation: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
    return gradient * tf.cast(operation.outputs[0] > 0, gradient.dtype)


@_of("Relu6")
def _relu6(operation: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
    value = operation.outputs[0]
    return gradient * tf.cast((value > 0) & (value < 6), gradient.dtype)


@_of("DepthwiseConv2dNative")
def _depthwise(operation: tf.Operation, gradient: tf.Tensor) -> tuple[tf.Tensor, None]:
    image, kernel = operation.inputs
    if any(one != 1 for one in operation.get_attr("dilations")) or kernel.shape[3] != 1:
        raise NotImplementedError("dilated or multiplied depthwise convolutions")
    return _spread(operation, image, gradient, kernel), None


@_of("AvgPool")
def _average(operation: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
    if operation.get_attr("padding") != b"VALID":
        raise NotImplementedError("mean pooling beyond the border")
    _, high, wide, _ = operation.get_attr("ksize")
    image = operation.inputs[0]
    kernel = tf.fill((high, wide, int(image.shape[3]), 1), 1.0 / (high * wide))
    return _spread(operation, image, gradient, kernel)


@_of("MaxPool")
def _maximum(operation: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
    """To the first of the highest in each window, as TensorFlow does; windows side by side."""
    _, high, wide, _ = operation.get_attr("ksize")
    _, down, across, _ = operation.get_attr("strides")
    if (high, wide) != (down, across) or operation.get_attr("padding") != b"VALID":
        raise NotImplementedError("windows of max pooling that overlap, or beyond the border")
    image, highest = operation.inputs[0], operation.outputs[0]
    count, rows, columns, channels = highest.shape
    tall, broad = rows * high, columns * wide
    left = tf.ones_like(highest)
    parts = []
    for i in range(high):
        for j in range(wide):
            here = image[:, i:tall:high, j:broad:wide] >= highest
            first = tf.cast(here, gradient.dtype) * left
            left = left - first
            parts.append(gradient * first)
    grid = tf.reshape(tf.stack(parts, axis=3), (count, rows, columns, high, wide, channels))
    found = tf.reshape(tf.transpose(grid, (0, 1, 3, 2, 4, 5)), (count, tall, broad, channels))
    beyond = [[0, 0], [0, image.shape[1] - tall], [0, image.shape[2] - broad], [0, 0]]
    return tf.pad(found, beyond)


@_of("ResizeBilinear")
def _resize(operation: tf.Operation, gradient: tf.Tensor) -> tuple[tf.Tensor, None]:
    if operation.get_attr("align_corners") or not operation.get_attr("half_pixel_centers"):
        raise NotImplementedError("bilinear resizing by corners")
    image = operation.inputs[0]
    count, rows, columns, channels = image.shape
    tall, broad = gradient.shape[1:3]
    down, across = _between(rows, tall), _between(columns, broad)
    # (rows, tall) x (tall, broad x channels), then the same along the other side
    first = tf.matmul(
        np.tile(down.T[None], (count, 1, 1)), tf.reshape(gradient, (count, tall, broad * channels))
    )
    turned = tf.transpose(tf.reshape(first, (count, rows, broad, channels)), (0, 2, 1, 3))
    second = tf.matmul(
        np.tile(across.T[None], (count, 1, 1)), tf.reshape(turned, (count, broad, rows * channels))
    )
    return tf.transpose(tf.reshape(second, (count, columns, rows, channels)), (0, 2, 1, 3)), None


def _between(cells: int, pixels: int) -> np.ndarray:
    """Linear interpolation between centers, flat outside them: float32, (pixels, cells)."""
    at = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(cells)), 0).astype(np.float32)


def _spread(
    operation: tf.Operation, image: tf.Tensor, gradient: tf.Tensor, kernel: tf.Tensor
) -> tf.Tensor:
    """Gradient of a depthwise convolution by its image: convolved with the kernel turned around.

    Args:
        operation: with strides and padding.
        image: (images, height, width, channels).
        gradient: by the output.
        kernel: (rows, columns, channels, 1).
    """
    if operation.get_attr("data_format") != b"NHWC":
        raise NotImplementedError("channels before rows")
    count, rows, columns, channels = gradient.shape
    high, wide = kernel.shape[:2]
    same = operation.get_attr("padding") == b"SAME"
    if not same and operation.get_attr("padding") != b"VALID":
        raise NotImplementedError("borders of one's own")
    _, down, across, _ = operation.get_attr("strides")
    sides = []
    for size, found, step, reach in (
        (int(image.shape[1]), rows, down, high),
        (int(image.shape[2]), columns, across, wide),
    ):
        border = max((found - 1) * step + reach - size, 0) // 2 if same else 0
        before = reach - 1 - border
        sides.append((before, size + reach - 1 - before - found * step))
    apart = tf.reshape(gradient, (count, rows, 1, columns, 1, channels))
    apart = tf.pad(apart, [[0, 0], [0, 0], [0, down - 1], [0, 0], [0, across - 1], [0, 0]])
    apart = tf.reshape(apart, (count, rows * down, columns * across, channels))
    (top, bottom), (left, right) = sides
    apart = apart[:, : rows * down + min(bottom, 0), : columns * across + min(right, 0)]
    padded = tf.pad(apart, [[0, 0], [top, max(bottom, 0)], [left, max(right, 0)], [0, 0]])
    return tf.nn.depthwise_conv2d(padded, kernel[::-1, ::-1], [1, 1, 1, 1], "VALID")

"""Augmentation of training batches: geometry, exposure, sharpness and noise."""

from __future__ import annotations

import tensorflow as tf
import numpy as np

from xray_models.train.recipe import Augmentation

__all__ = ["expose", "move"]


def move(
    layers: tf.Tensor,
    centers: tf.Tensor,
    size: tuple[int, int],
    how: Augmentation,
    random: tf.random.Generator,
) -> tf.Tensor:
    """Move, flip, turn and zoom a batch at random; all layers of a film alike.

    Args:
        layers: float32, shape (batch, height, width, layers).
        centers: float32, (batch, 2): x and y in 0..1 that must stay in view, or NaN.
        size: (height, width) of the result.
        how: the ranges.
        random: source of randomness.

    Returns:
        float32, shape (batch, *size, layers).
    """
    count, height, width, _ = layers.shape
    zoom = random.uniform([count], *how.zoom)
    half = 0.5 / zoom
    slack = tf.maximum(0.5 - half, 0.0) + how.shift
    center = 0.5 + random.uniform([count, 2], -1.0, 1.0) * slack[:, None]
    reach = 0.8 * half[:, None]
    in_view = tf.clip_by_value(center, centers - reach, centers + reach)
    center = tf.where(tf.math.is_nan(centers), center, in_view)

    angle = random.uniform([count], -how.rotation, how.rotation) * (np.pi / 180)
    mirror = tf.where(random.uniform([count]) < 0.5 * how.flip_horizontal, -1.0, 1.0)
    upset = tf.where(random.uniform([count]) < 0.5 * how.flip_vertical, -1.0, 1.0)
    cos, sin = tf.cos(angle) / zoom, tf.sin(angle) / zoom
    wider = tf.exp(random.uniform([count], -how.aspect, how.aspect))
    step_x, step_y = wider * width / size[1], height / size[0] / wider
    a, b = cos * mirror * step_x, -sin * upset * step_y
    d, e = sin * mirror * step_x, cos * upset * step_y
    middle_x, middle_y = (size[1] - 1) / 2, (size[0] - 1) / 2
    c = center[:, 0] * width - 0.5 - a * middle_x - b * middle_y
    f = center[:, 1] * height - 0.5 - d * middle_x - e * middle_y
    nothing = tf.zeros([count])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=layers,
        transforms=tf.stack([a, b, c, d, e, f, nothing, nothing], axis=1),
        output_shape=list(size),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def expose(gray: tf.Tensor, how: Augmentation, random: tf.random.Generator) -> tf.Tensor:
    """Change exposure, sharpness and noise of a batch at random.

    Args:
        gray: float32 in 0..1, shape (batch, height, width).
        how: the ranges.
        random: source of randomness.

    Returns:
        float32 in 0..1, shape (batch, height, width).
    """
    one = [gray.shape[0], 1, 1]
    gamma = tf.exp(random.uniform(one, -how.gamma, how.gamma))
    gain = 1 + random.uniform(one, -how.contrast, how.contrast)
    exposed = tf.pow(tf.clip_by_value(gray, 1e-4, 1.0), gamma) * gain
    if how.sharpness:
        share = random.uniform(one, -how.sharpness, how.sharpness)
        exposed += share * (_blur(exposed) - exposed)
    # half of the films stay clean, as films are when they are read: batch normalization would
    # otherwise know noisy films only
    grain = how.noise * tf.maximum(random.uniform(one, -1.0, 1.0), 0.0)
    exposed += grain * random.normal(gray.shape)
    exposed = tf.clip_by_value(exposed, 0.0, 1.0)
    return tf.where(random.uniform(one) < how.invert, 1.0 - exposed, exposed)


def _blur(gray: tf.Tensor) -> tf.Tensor:
    # binomial 5 x 5: a Gaussian of one pixel, near enough
    line = tf.constant([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    kernel = (line[:, None] * line[None, :])[..., None, None]
    padded = tf.pad(gray, [[0, 0], [2, 2], [2, 2]], mode="REFLECT")
    return tf.nn.conv2d(padded[..., None], kernel, strides=1, padding="VALID")[..., 0]

"""Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391).

A channel's weight is the mean gradient of the target over the grid; the map is the positive part
of the weighted sum. Our networks end in global average pooling and a linear head, so at the last
activation the gradient is the head's kernel over the number of cells: no backward pass, and
Grad-CAM equals CAM (Zhou et al. 2016) up to scale. Any other layer takes one backward pass from
the logits down to it.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from xray_models.explain.heatmap import Heatmap, normalized
from xray_models.explain.targets import Target
from xray_models.predicting import ForwardPass


def at_last_activation(done: ForwardPass, target: Target) -> Heatmap:
    """Grad-CAM at the input of the pooling layer, from a pass already made.

    Args:
        done: the forward pass.
        target: what to explain.
    """
    rows, columns, _ = done.activation.shape
    weights = done.head @ target.vector() / (rows * columns)
    return Heatmap(normalized(done.activation @ weights), done.placement, done.input_size)


def at_layer(network: keras.Model, inputs: np.ndarray, target: Target, layer: str) -> np.ndarray:
    """Grad-CAM at any convolutional layer, with one backward pass.

    Args:
        network: a flat functional graph that returns logits.
        inputs: float32, (1, height, width, 3), scaled as the network needs.
        target: what to explain.
        layer: name of a layer whose output has shape (1, rows, columns, channels).

    Returns:
        float32 in 0..1, (rows, columns).

    Raises:
        ValueError: no such layer, or its output is no grid.
    """
    output = network.get_layer(layer).output
    if len(output.shape) != 4:
        raise ValueError(f"Layer {layer!r} of {network.name} has no grid to draw heat on.")
    both = keras.Model(network.input, [output, network.output])
    with tf.GradientTape() as tape:
        batch = tf.constant(inputs)
        tape.watch(batch)
        activation, logits = both(batch, training=False)
        score = tf.reduce_sum(logits * target.vector())
    gradient = tape.gradient(score, activation)
    weights = tf.reduce_mean(gradient, axis=(1, 2))
    heat: np.ndarray = tf.einsum("brck,bk->brc", activation, weights)[0].numpy()
    return normalized(heat)

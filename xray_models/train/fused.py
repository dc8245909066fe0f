"""Fused operations: training's elementwise work in one pass over memory, on processors.

Keras 3 normalizes a batch in about ten operations and differentiates swish in five, each of which
reads and writes whole activations: half of a training step of EfficientNet. The results are the
same to rounding; `python -m benchmarks.training` measures what it is worth.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType

import tensorflow as tf
import keras

__all__ = ["fuse", "swish"]


def fuse(network: keras.Model) -> None:
    """Make the layers of a network that is going to be trained use fused operations, in place.

    Weights, outputs and the files that weights are saved to stay as they are.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            channels_last = len(layer.input.shape) == 4 and layer.axis in (-1, 3)
            if channels_last and layer.center and layer.scale:
                layer.call = MethodType(_normalize, layer)
        elif getattr(getattr(layer, "activation", None), "__name__", "") in ("silu", "swish"):
            layer.activation = swish


def _normalize(
    self: keras.layers.BatchNormalization,
    inputs: tf.Tensor,
    training: bool | None = None,
    mask: tf.Tensor | None = None,
) -> tf.Tensor:
    if not training or not self.trainable:
        return keras.layers.BatchNormalization.call(self, inputs, training=training, mask=mask)
    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        inputs,
        tf.cast(self.gamma, tf.float32),  # float32 also where activations are halves
        tf.cast(self.beta, tf.float32),
        epsilon=self.epsilon,
        is_training=True,
    )
    for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
        moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
    return outputs


@tf.custom_gradient
def swish(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """The input times its sigmoid (Ramachandran et al. 2017, arXiv:1710.05941)."""
    return _forward(x), lambda upstream: _backward(x, upstream)


@tf.function(jit_compile=True)
def _forward(x: tf.Tensor) -> tf.Tensor:
    return x * tf.sigmoid(x)


@tf.function(jit_compile=True)
def _backward(x: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
    gate = tf.sigmoid(x)
    return upstream * (gate * (1 + x * (1 - gate)))

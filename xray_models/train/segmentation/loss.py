"""Loss of a lung segmentation: cross-entropy where the side is known or not, and overlap."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["lung_loss"]

_TINY = 1e-6


def lung_loss(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of the pixels, plus one minus the soft Dice coefficient of both lungs.

    Where only "lung" is known, either side is right. What is to be ignored counts nowhere. Soft
    Dice: Milletari et al. 2016, arXiv:1606.04797.

    Args:
        targets: float32 in 0..1, (films, height, width, 4): shares of `batches.KINDS`.
        logits: float32, (films, height, width, 3): outside, right, left.

    Returns:
        float32 scalar.
    """
    right, left, either, ignored = tf.unstack(targets, axis=-1)
    counted = 1.0 - ignored
    lung = right + left + either
    logs = tf.nn.log_softmax(logits)
    any_lung = tf.reduce_logsumexp(logs[..., 1:], axis=-1)
    outside = tf.maximum(counted - lung, 0.0)
    entropy = -(
        outside * logs[..., 0] + right * logs[..., 1] + left * logs[..., 2] + either * any_lung
    )
    entropy = tf.reduce_sum(entropy) / (tf.reduce_sum(counted) + _TINY)

    probability = tf.exp(any_lung) * counted
    both = tf.reduce_sum(probability * lung, axis=(1, 2))
    each = tf.reduce_sum(probability, axis=(1, 2)) + tf.reduce_sum(lung, axis=(1, 2))
    return entropy + tf.reduce_mean(1.0 - (2.0 * both + 1.0) / (each + 1.0))

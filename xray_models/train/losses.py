"""What training minimizes where not everything is known."""

import tensorflow as tf

_COVERED_WEIGHT = 10.0
"""Of a cell in a lesion, beside 1 of any other: they are one in a hundred."""


def known(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean binary cross-entropy over the labels that somebody knows; NaN targets do not count.

    Args:
        targets: float32 in 0..1 or NaN, (films, labels).
        logits: float32, (films, labels).

    Returns:
        float32 scalar; 0 where nothing is known.
    """
    there = tf.math.is_finite(targets)
    each = tf.nn.sigmoid_cross_entropy_with_logits(tf.where(there, targets, 0.0), logits)
    return tf.math.divide_no_nan(
        tf.reduce_sum(tf.where(there, each, 0.0)), tf.reduce_sum(tf.cast(there, tf.float32))
    )


def located(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Weighted mean binary cross-entropy over the cells of a local map; NaN cells do not count.

    Args:
        targets: float32 in 0..1 or NaN, (films, rows, columns, 1): share of a lesion.
        logits: float32, (films, rows, columns, 1).

    Returns:
        float32 scalar; 0 where nothing is known.
    """
    there = tf.math.is_finite(targets)
    truth = tf.where(there, targets, 0.0)
    weight = tf.where(there, 1.0 + (_COVERED_WEIGHT - 1.0) * truth, 0.0)
    each = tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)
    return tf.math.divide_no_nan(tf.reduce_sum(weight * each), tf.reduce_sum(weight))

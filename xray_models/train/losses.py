"""Losses of a training: of labels that not everybody knows, weighted by class, and of a local map.

Weighted, every class counts the same, however rare its films are, as the MURA paper weighs abnormal
and normal films (Rajpurkar et al. 2018, arXiv:1712.06957). Unlike drawing rare classes more often,
this shows every film once in an epoch.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import numpy as np

__all__ = [
    "Loss",
    "class_weights",
    "local_map",
    "sigmoid",
    "weighted_sigmoid",
    "weighted_softmax",
]

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def sigmoid(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
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


def class_weights(targets: np.ndarray, activation: str) -> np.ndarray:
    """Weight of a film of each class: films / (classes * films of the class).

    Args:
        targets: in 0..1 or NaN (unknown), (films, labels).
        activation: "sigmoid", where each label has the classes absent and present, or "softmax".

    Returns:
        float32 of shape (2, labels), absent first, or (labels,). Their mean over the films is 1
        unless a class has none, which weighs 0.
    """
    present = (targets > 0.5).sum(axis=0)
    if activation == "softmax":
        films = present
    else:
        films = np.stack([np.isfinite(targets).sum(axis=0) - present, present])
    total = films.sum(axis=0)
    share = np.divide(films * len(films), total, out=np.zeros(films.shape), where=total > 0)
    return np.divide(1.0, share, out=np.zeros_like(share), where=share > 0).astype(np.float32)


def weighted_sigmoid(weights: np.ndarray) -> Loss:
    """Mean weighted binary cross-entropy over the labels that somebody knows.

    Args:
        weights: of absent and present labels, (2, labels).

    Returns:
        (targets in 0..1 or NaN, logits), both float32 of (films, labels) -> float32 scalar.
    """
    absent, present = weights

    def loss(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        there = tf.math.is_finite(targets)
        weight = tf.where(there, tf.where(targets > 0.5, present, absent), 0.0)
        each = tf.nn.sigmoid_cross_entropy_with_logits(tf.where(there, targets, 0.0), logits)
        return tf.math.divide_no_nan(
            tf.reduce_sum(weight * each), tf.reduce_sum(tf.cast(there, tf.float32))
        )

    return loss


def weighted_softmax(weights: np.ndarray) -> Loss:
    """Mean weighted cross-entropy of films that each are of one class.

    Args:
        weights: of the classes, (labels,).

    Returns:
        (targets in 0..1, logits), both float32 of (films, labels) -> float32 scalar.
    """

    def loss(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        weight = tf.gather(tf.constant(weights), tf.argmax(targets, axis=1))
        return tf.reduce_mean(weight * tf.nn.softmax_cross_entropy_with_logits(targets, logits))

    return loss


_COVERED_WEIGHT = 10.0
"""Of a cell in a lesion, beside 1 of any other: they are one in a hundred."""


def local_map(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean binary cross-entropy over the cells of a local map, weighted; NaN cells do not count.

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

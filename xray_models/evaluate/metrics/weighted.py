"""Means, shares and areas over films, for many weightings of the films at once.

All take weights of shape (replicates, films), not negative, and return float64 of
shape (replicates,): in row r, film i counts weights[r, i] times. A row of ones gives the plain
measure, rows of resampled counts give a bootstrap. NaN says that a measure is not defined there,
for want of positives, negatives or any film.
"""

from __future__ import annotations

import numpy as np

from xray_models.evaluate.metrics.counts import ratio
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.metrics.sums import weighted_sums

__all__ = ["auc", "average_precision", "mean", "share"]


def auc(weights: np.ndarray, truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the receiver operating characteristic: P(score of a positive > of a negative).

    A tie counts one half (Hanley & McNeil 1982, doi 10.1148/radiology.143.1.7063747).

    Args:
        weights: shape (replicates, films).
        truth: bool of shape (films,).
        scores: higher means more likely positive, shape (films,).

    Raises:
        ValueError: shapes differ, or a score is not finite.
    """
    return _ranking(weights, truth, scores).auc(weights)


def average_precision(weights: np.ndarray, truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Precision at every distinct score, weighted by the recall gained there (no interpolation).

    Args:
        weights: shape (replicates, films).
        truth: bool of shape (films,).
        scores: higher means more likely positive, shape (films,).

    Raises:
        ValueError: shapes differ, or a score is not finite.
    """
    return _ranking(weights, truth, scores).average_precision(weights)


def share(weights: np.ndarray, of: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Share of films that are `of` among those that are `among` (all films if None).

    Sensitivity is share(weights, called, among=diseased); accuracy is share(weights, right).

    Args:
        weights: shape (replicates, films).
        of: bool of shape (films,).
        among: bool of shape (films,), or None.
    """
    of = np.asarray(of, bool)
    base = np.ones(len(of), bool) if among is None else np.asarray(among, bool)
    return ratio(*weighted_sums(weights, np.stack([of & base, base], axis=1)).T)


def mean(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weighted mean of `values`, shape (films,). The Brier score is the mean of (p - truth)**2."""
    return ratio(weighted_sums(weights, values), np.sum(weights, axis=1))


def _ranking(weights: np.ndarray, truth: np.ndarray, scores: np.ndarray) -> Ranking:
    if not (np.shape(weights)[1:] == np.shape(truth) == np.shape(scores)):
        raise ValueError(
            f"Weights for {np.shape(weights)[1:]} films, truth for {np.shape(truth)}, "
            f"scores for {np.shape(scores)}: the shapes must agree."
        )
    return Ranking(truth, scores)

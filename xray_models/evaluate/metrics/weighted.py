"""Measures of agreement between truth and prediction, for many weightings of the films at once.

All but `confusion` take weights of shape (replicates, films), not negative, and return float64 of
shape (replicates,): in row r, film i counts weights[r, i] times. A row of ones gives the plain
measure, rows of resampled counts give a bootstrap. NaN says that a measure is not defined there,
for want of positives, negatives or any film.
"""

from __future__ import annotations

import numpy as np

from xray_models.evaluate.metrics import weighted
from xray_models.evaluate.metrics.bootstrap import REPLICATES, SEED, Estimate, bootstraps
from xray_models.evaluate.metrics.ranking import Ranking

__all__ = ["at_balanced_mix", "auc", "average_precision", "confusion", "macro_f1", "mean", "share"]


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
    weights = np.asarray(weights, np.float64)
    base = np.ones(weights.shape[1], bool) if among is None else np.asarray(among, bool)
    return _ratio(weights @ (np.asarray(of, bool) & base), weights @ base)


def mean(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weighted mean of `values`, shape (films,). The Brier score is the mean of (p - truth)**2."""
    weights = np.asarray(weights, np.float64)
    return _ratio(weights @ np.asarray(values, np.float64), weights.sum(axis=1))


def macro_f1(
    weights: np.ndarray, truth: np.ndarray, predicted: np.ndarray, classes: int
) -> np.ndarray:
    """Mean over classes of F1 = 2 TP / (2 TP + FP + FN).

    A class without a true film has no F1 worth averaging; then the mean is not defined.

    Args:
        weights: shape (replicates, films).
        truth, predicted: class indices, int of shape (films,).
        classes: how many classes there are.
    """
    weights = np.asarray(weights, np.float64)
    kinds = np.arange(classes)
    is_true, is_predicted = truth[:, None] == kinds, predicted[:, None] == kinds
    hits = weights @ (is_true & is_predicted)
    present = weights @ is_true
    f1 = _ratio(2 * hits, present + weights @ is_predicted)
    return np.where(present > 0, f1, np.nan).mean(axis=1)


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts of films, int of shape (classes, classes): rows are truth, columns predictions.

    Args:
        truth, predicted: class indices, int of shape (films,).
        classes: how many classes there are.

    Raises:
        ValueError: shapes differ, or an index is outside 0..classes - 1.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape:
        raise ValueError(f"Truth has shape {truth.shape}, predictions {predicted.shape}.")
    for values in (truth, predicted):
        if values.size and (values.min() < 0 or values.max() >= classes):
            raise ValueError(f"Class indices must lie in 0..{classes - 1}.")
    counts = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def _ranking(weights: np.ndarray, truth: np.ndarray, scores: np.ndarray) -> Ranking:
    if not (np.shape(weights)[1:] == np.shape(truth) == np.shape(scores)):
        raise ValueError(
            f"Weights for {np.shape(weights)[1:]} films, truth for {np.shape(truth)}, "
            f"scores for {np.shape(scores)}: the shapes must agree."
        )
    return Ranking(truth, scores)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def at_balanced_mix(
    truth: np.ndarray,
    called: np.ndarray,
    groups: np.ndarray,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> dict[str, Estimate]:
    """Accuracy, precision and recall of the positive class at one positive film to one negative.

    Precision depends on the mix of films: models can only be compared at one mix. With sensitivity
    s and specificity t, a balanced mix gives the accuracy (s + t) / 2 and the precision
    s / (s + 1 - t).

    Args:
        truth, called: bool of shape (films,).
        groups: group of each film; the intervals resample whole groups.
        replicates: resamples.
        seed: of the resampling.

    Returns:
        "accuracy", "precision" and "recall" with 95 % intervals; NaN where not defined.

    Raises:
        ValueError: there is no film.
    """
    truth, called = np.asarray(truth, bool), np.asarray(called, bool)

    def measures(weights: np.ndarray) -> dict[str, np.ndarray]:
        recall = weighted.share(weights, of=called, among=truth)
        false = weighted.share(weights, of=called, among=~truth)
        both = recall + false
        precision = np.divide(recall, both, out=np.full_like(both, np.nan), where=both > 0)
        return {"accuracy": (recall + 1 - false) / 2, "precision": precision, "recall": recall}

    return bootstraps(measures, groups, replicates, seed)

"""Calibration, or whether 30 % means 30 %: reliability curve, expected error, Brier score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.bootstrap import LEVEL
from xray_models.evaluate.metrics.sums import weighted_sums

__all__ = ["BINS", "Reliability", "calibration_error", "reliability", "wilson"]

BINS = 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """Reliability curve: films in bins by score; arrays of shape (bins,), NaN for an empty bin.

    Attributes:
        edges: bounds of the bins, shape (bins + 1,), from 0 to 1.
        films: how many films lie in each bin, int.
        score: their mean score.
        share: share of them that have the finding; on the diagonal (equal to `score`) at best.
        low, high: Wilson 95 % interval of `share`, which takes films as independent.
        error: expected calibration error, the mean of |share - score| over films; NaN without any.
        brier: Brier score, the mean squared distance of score and truth; NaN without films.
    """

    edges: np.ndarray
    films: np.ndarray
    score: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: float
    brier: float


def reliability(
    truth: np.ndarray, scores: np.ndarray, bins: int = BINS, quantiles: bool = False
) -> Reliability:
    """Reliability curve with its histogram.

    Args:
        truth: bool of shape (films,).
        scores: probabilities in 0..1, shape (films,).
        bins: how many, at least 1.
        quantiles: bins of about equally many films instead of equal width; where scores crowd
            near 0, as those of rare findings do, equal widths leave most bins empty.

    Raises:
        ValueError: shapes differ, a score is not in 0..1, or bins is below 1.
    """
    truth, scores = _checked(truth, scores)
    if bins < 1:
        raise ValueError("A reliability curve needs at least one bin.")
    edges = np.linspace(0, 1, bins + 1)
    if quantiles and len(scores):
        inner = np.quantile(scores, edges[1:-1])
        edges = np.unique(np.concatenate([[0.0], inner, [1.0]]))
    place = _place(scores, edges)
    count = len(edges) - 1
    films = np.bincount(place, minlength=count)
    score = _mean(np.bincount(place, scores, count), films)
    positive = np.bincount(place, truth, count)
    share = _mean(positive, films)
    low, high = wilson(positive, films)
    total = max(len(scores), 1)
    error = np.nansum(films * np.abs(share - score)) / total if len(scores) else float("nan")
    brier = float(np.mean((scores - truth) ** 2)) if len(scores) else float("nan")
    return Reliability(edges, films, score, share, low, high, float(error), brier)


def calibration_error(
    weights: np.ndarray, truth: np.ndarray, scores: np.ndarray, bins: int = BINS
) -> np.ndarray:
    """Expected calibration error (Naeini et al. 2015) in bins of equal width, of many resamples.

    Args:
        weights: how often each film counts, shape (replicates, films).
        truth: bool of shape (films,).
        scores: probabilities in 0..1, shape (films,).
        bins: how many.

    Returns:
        The mean over films of |share of positives - mean score| of their bin, shape (replicates,).

    Raises:
        ValueError: shapes differ, or a score is not in 0..1.
    """
    off = np.abs(weighted_sums(weights, calibration_gaps(truth, scores, bins))).sum(axis=1)
    films = np.sum(weights, axis=1)
    return np.divide(off, films, out=np.full(len(weights), np.nan), where=films > 0)


def calibration_gaps(truth: np.ndarray, scores: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Truth minus score of each film in the column of its bin, shape (films, bins).

    The size of a column's sum is the films of its bin times |share of positives - mean score|.

    Args:
        truth: bool of shape (films,).
        scores: probabilities in 0..1, shape (films,).
        bins: how many.

    Raises:
        ValueError: shapes differ, or a score is not in 0..1.
    """
    truth, scores = _checked(truth, scores)
    place = _place(scores, np.linspace(0, 1, bins + 1))
    gaps: np.ndarray = (truth - scores)[:, None] * (place[:, None] == np.arange(bins))
    return gaps


def wilson(
    positives: np.ndarray, films: np.ndarray, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of a share (Wilson 1927); NaN where there is no film.

    Args:
        positives: counts, any shape.
        films: counts, same shape, at least `positives`.
        level: of the interval.
    """
    from scipy.stats import norm

    z = float(norm.ppf((1 + level) / 2))
    films = np.asarray(films, np.float64)
    share = _mean(np.asarray(positives, np.float64), films)
    with np.errstate(divide="ignore", invalid="ignore"):
        center = (share + z**2 / (2 * films)) / (1 + z**2 / films)
        half = z / (1 + z**2 / films) * np.sqrt(share * (1 - share) / films + (z / films) ** 2 / 4)
    return np.clip(center - half, 0, 1), np.clip(center + half, 0, 1)


def _checked(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth, scores = np.asarray(truth, np.float64), np.asarray(scores, np.float64)
    if truth.shape != scores.shape:
        raise ValueError(
            f"Truth for {truth.shape}, scores for {scores.shape}: the shapes must agree."
        )
    # a sum of rounded probabilities may exceed 1 by a rounding
    if not ((scores >= 0) & (scores <= 1.001)).all():
        raise ValueError("Calibration is of probabilities: every score must lie in 0..1.")
    return truth, np.minimum(scores, 1.0)


def _place(scores: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin of each score: lower edges belong to a bin, the last one holds 1 as well."""
    return np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)


def _mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)

"""AUC and average precision of many resamples, from scores that are sorted only once.

Sorting does not depend on how often a film is drawn. So positives and negatives are put in order
once, each positive is placed among the negatives once, and what a resample costs is one running sum
over the weights in that order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["Ranking"]

_IN_CACHE = 2**15  # weights


class Ranking:
    """Positives and negatives of one finding, in the order of their scores.

    All measures take weights of shape (replicates, films), not negative, and return float64 of
    shape (replicates,): in row r, film i counts weights[r, i] times. With whole weights the sums
    behind them are exact.
    """

    def __init__(self, truth: np.ndarray, scores: np.ndarray) -> None:
        """Sort.

        Args:
            truth: 1 positive, 0 negative, NaN unknown (left out); shape (films,), or (films,
                labels) to rank all pairs of film and label together.
            scores: higher means more likely positive, same shape.

        Raises:
            ValueError: shapes differ, or a score with known truth is not finite.
        """
        truth, scores = np.asarray(truth, np.float64), np.asarray(scores, np.float64)
        if truth.shape != scores.shape:
            raise ValueError(
                f"Truth for {truth.shape}, scores for {scores.shape}: the shapes must agree."
            )
        self.films = len(truth)
        if not np.isfinite(scores[~np.isnan(truth)]).all():
            raise ValueError("A score is not a finite number.")
        self._positives, found = _in_order(truth == 1, scores)
        self._negatives, spared = _in_order(truth == 0, scores)
        # where each positive stands among the negatives, and among the positives
        self._below = np.searchsorted(spared, found, side="left")
        self._not_above = np.searchsorted(spared, found, side="right")
        self._positives_below = np.searchsorted(found, found, side="left")

    @property
    def positives(self) -> int:
        """How many films are positive."""
        return len(self._positives)

    @property
    def negatives(self) -> int:
        """How many films are negative."""
        return len(self._negatives)

    @property
    def defined(self) -> bool:
        """Whether there are both positives and negatives to rank."""
        return bool(self.positives and self.negatives)

    def auc(self, weights: np.ndarray) -> np.ndarray:
        """P(score of a positive > of a negative), a tie counting one half; NaN without both.

        That is the area under the ROC curve (Hanley & McNeil 1982,
        doi 10.1148/radiology.143.1.7063747).
        """
        values = []
        for positive, negative in self._rows(weights):
            below = _running_sums(negative)
            places = below[:, self._below] + below[:, self._not_above]
            wins = np.einsum("ij,ij->i", positive, places)
            values.append(_ratio(wins, 2.0 * positive.sum(axis=1) * below[:, -1]))
        return np.concatenate([np.empty(0), *values])

    def average_precision(self, weights: np.ndarray) -> np.ndarray:
        """Precision at every distinct score, weighted by the recall gained there; NaN without any.

        Not interpolated (as scikit-learn's).
        """
        values = []
        for positive, negative in self._rows(weights):
            found, false = _running_sums(positive), _running_sums(negative)
            hits = (found[:, -1:] - found[:, self._positives_below]).astype(np.float64)
            called = hits + (false[:, -1:] - false[:, self._below])
            # where nothing is called the positive itself has no weight, and the term is zero
            precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
            gained = np.einsum("ij,ij->i", positive.astype(np.float64), precision)
            values.append(_ratio(gained, found[:, -1]))
        return np.concatenate([np.empty(0), *values])

    def _rows(self, weights: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Weights of positives and of negatives, ascending by score, some resamples at a time."""
        weights = np.asarray(weights)
        if weights.ndim != 2 or weights.shape[1] != self.films:
            raise ValueError(
                f"Weights for {weights.shape[1:]} films, scores for ({self.films},): "
                "the shapes must agree."
            )
        # few enough that they stay in the processor's cache, the more so in half the bytes
        narrow = np.int32 if np.issubdtype(weights.dtype, np.integer) else np.float64
        many = max(1, _IN_CACHE // max(1, self.films))
        for first in range(0, len(weights), many):
            light = weights[first : first + many].astype(narrow)
            yield light[:, self._positives], light[:, self._negatives]


def _in_order(chosen: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Films of the chosen entries, and their scores, ascending by score."""
    films = np.nonzero(chosen)[0]
    values = scores[chosen]
    order = np.argsort(values, kind="stable")
    return films[order], values[order]


def _running_sums(weights: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1, ... weights of each row, whole numbers in 64 bits."""
    wide = np.int64 if weights.dtype == np.int32 else np.float64
    total = np.zeros((len(weights), weights.shape[1] + 1), wide)
    np.cumsum(weights, axis=1, out=total[:, 1:])
    return total


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    nothing = np.full(len(above), np.nan)
    return np.divide(above, below, out=nothing, where=below > 0)

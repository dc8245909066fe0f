"""AUC and average precision of many resamples, from scores that are sorted only once.

Sorting does not depend on how often a film is drawn. So films are put in the order of their scores
once, between the scores of the positives. What a resample costs is one sparse product, which adds
up the weights of the films of each step, and running sums over the steps.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from xray_models.evaluate.metrics.sums import added, adder, running

__all__ = ["Ranking"]


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
        found, spared = scores[truth == 1], scores[truth == 0]
        self._counts = len(found), len(spared)
        steps, step = np.unique(found, return_inverse=True)
        # negatives between two steps lie above the lower one; those at a step are ties with it
        above = np.searchsorted(steps, spared, side="right")
        tied = np.isin(spared, steps)
        films = np.nonzero(truth == 1)[0], np.nonzero(truth == 0)[0]
        self._positives = self._adder(step, films[0], len(steps))
        self._between = self._adder(above[~tied], films[1][~tied], len(steps) + 1)
        self._ties = self._adder(above[tied] - 1, films[1][tied], len(steps))

    @property
    def positives(self) -> int:
        """How many films are positive."""
        return self._counts[0]

    @property
    def negatives(self) -> int:
        """How many films are negative."""
        return self._counts[1]

    @property
    def defined(self) -> bool:
        """Whether there are both positives and negatives to rank."""
        return bool(self.positives and self.negatives)

    def auc(self, weights: np.ndarray) -> np.ndarray:
        """P(score of a positive > of a negative), a tie counting one half; NaN without both.

        That is the area under the ROC curve (Hanley & McNeil 1982,
        doi 10.1148/radiology.143.1.7063747).
        """
        positive, between, tied = self._by_step(weights)
        lower = running(between[:-1])  # negatives below a step, but for ties further down
        if tied is not None:
            lower += running(tied) - tied / 2
        wins = np.einsum("ij,ij->j", positive, lower)
        total = between.sum(axis=0) + (0 if tied is None else tied.sum(axis=0))
        return _ratio(wins, positive.sum(axis=0) * total)

    def average_precision(self, weights: np.ndarray) -> np.ndarray:
        """Precision at every distinct score, weighted by the recall gained there; NaN without any.

        Not interpolated (as scikit-learn's).
        """
        positive, between, tied = self._by_step(weights)
        hits = running(positive[::-1])[::-1]
        false = between[1:] if tied is None else between[1:] + tied
        called = hits + running(false[::-1])[::-1]
        # where nothing is called the positive itself has no weight, and the term is zero
        precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
        return _ratio(np.einsum("ij,ij->j", positive, precision), positive.sum(axis=0))

    def _by_step(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Weights of the positives of each step, of negatives between steps, and of ties if any.

        A row per step, from the lowest score, a column per resample; negatives have a row more,
        for those above the highest step.
        """
        weights = np.asarray(weights, np.float64)
        if weights.ndim != 2 or weights.shape[1] != self.films:
            raise ValueError(
                f"Weights for {weights.shape[1:]} films, scores for ({self.films},): "
                "the shapes must agree."
            )
        ties = added(self._ties, weights) if self._ties.nnz else None
        return added(self._positives, weights), added(self._between, weights), ties

    def _adder(self, step: np.ndarray, films: np.ndarray, steps: int) -> sparse.csr_matrix:
        order = np.argsort(step, kind="stable")
        return adder(step[order], films[order], steps, self.films)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    nothing = np.full(len(above), np.nan)
    return np.divide(above, below, out=nothing, where=below > 0)

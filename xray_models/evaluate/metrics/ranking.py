"""AUC and average precision of many resamples, from scores that are sorted only once.

Sorting does not depend on how often a film is drawn. So films are put in the order of their scores
once, between the scores of the positives. What a resample costs is one sparse product, which adds
up the weights of the films of each step, and running sums over the steps. Findings of the same
films are ranked side by side: one sort and one product serve all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse

from xray_models.evaluate.metrics.sums import added, adder, run_up

__all__ = ["Ranking", "Rankings"]


class Rankings:
    """Positives and negatives of each of several findings, in the order of their scores.

    All measures take weights of shape (replicates, films), not negative, and return float64 of
    shape (findings, replicates): in row r, film i counts weights[r, i] times. With whole weights
    the sums behind them are exact.

    Attributes:
        films: how many there are.
        positives, negatives: how many of them have each finding or have it not, int of shape
            (findings,).
    """

    def __init__(self, truth: np.ndarray, scores: np.ndarray, pooled: bool = False) -> None:
        """Sort.

        Args:
            truth: 1 positive, 0 negative, NaN unknown (left out); shape (films, findings).
            scores: higher means more likely positive, same shape.
            pooled: rank all pairs of film and finding together, as one finding.

        Raises:
            ValueError: shapes differ, or a score with known truth is not finite.
        """
        truth, scores = np.asarray(truth, np.float64), np.asarray(scores, np.float64)
        if truth.shape != scores.shape:
            raise ValueError(
                f"Truth for {truth.shape}, scores for {scores.shape}: the shapes must agree."
            )
        known = (truth == 0) | (truth == 1)
        if not np.isfinite(scores[~np.isnan(truth)]).all():
            raise ValueError("A score is not a finite number.")
        self.films, findings = len(truth), 1 if pooled else truth.shape[1]
        film, finding = np.nonzero(known)
        finding = finding * (not pooled)
        order = np.lexsort((scores[known], finding))
        self._film, self._finding = film[order], finding[order]
        self._positive, score = truth[known][order] == 1, scores[known][order]
        # films of one finding and score are tied; a tie with a positive among them is a step
        new = np.ones(len(score), bool)
        new[1:] = (np.diff(score) != 0) | (np.diff(self._finding) != 0)
        tie = np.cumsum(new) - 1
        is_step = np.zeros(int(new.sum()), bool)
        is_step[tie[self._positive]] = True
        self._tied = is_step[tie] & ~self._positive
        # steps up to a film, its own included; between the steps of findings lies one gap more each
        self._step = np.cumsum(is_step)[tie]
        self._gap = self._step + self._finding
        self._steps = np.concatenate(
            [[0], np.bincount(self._finding[new][is_step], minlength=findings).cumsum()]
        )
        self.positives = np.bincount(self._finding[self._positive], minlength=findings)
        self.negatives = np.bincount(self._finding[~self._positive], minlength=findings)

    @property
    def defined(self) -> np.ndarray:
        """Whether there are both positives and negatives to rank, bool of shape (findings,)."""
        return (self.positives > 0) & (self.negatives > 0)

    def auc(self, weights: np.ndarray) -> np.ndarray:
        """P(score of a positive > of a negative), a tie counting one half; NaN without both.

        That is the area under the ROC curve (Hanley & McNeil 1982,
        doi 10.1148/radiology.143.1.7063747).
        """
        found = []
        for positive, lower in self._by_finding(weights, self._halved):
            run_up(lower)
            wins = np.einsum("ij,ij->j", positive, lower[:-1])
            found.append(_ratio(wins, positive.sum(axis=0) * lower[-1]))
        return np.array(found)

    def average_precision(self, weights: np.ndarray) -> np.ndarray:
        """Precision at every distinct score, weighted by the recall gained there; NaN without any.

        Not interpolated (as scikit-learn's).
        """
        found = []
        for positive, between in self._by_finding(weights, self._negatives):
            hits, called = positive[::-1].copy(), between[:0:-1]
            run_up(hits)
            run_up(called)
            called += hits
            # where nothing is called the positive itself has no weight, and the term is zero
            precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)[::-1]
            found.append(_ratio(np.einsum("ij,ij->j", positive, precision), positive.sum(axis=0)))
        return np.array(found)

    def _by_finding(
        self, weights: np.ndarray, negatives: sparse.csr_matrix
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Weights of the positives of each step of a finding, and of the negatives between steps.

        A row per step, from the lowest score, a column per resample; negatives have a row more,
        for those above the highest step. The arrays may be written to.
        """
        weights = np.asarray(weights, np.float64)
        if weights.ndim != 2 or weights.shape[1] != self.films:
            raise ValueError(
                f"Weights for {weights.shape[1:]} films, scores for ({self.films},): "
                "the shapes must agree."
            )
        positive, between = added(self._positives, weights), added(negatives, weights)
        for finding, (first, end) in enumerate(pairwise(self._steps)):
            yield positive[first:end], between[first + finding : end + finding + 1]

    @cached_property
    def _positives(self) -> sparse.csr_matrix:
        which = self._positive
        return adder(self._step[which] - 1, self._film[which], self._steps[-1], self.films)

    @cached_property
    def _negatives(self) -> sparse.csr_matrix:
        """Adds up the negatives of each gap; those tied with a step stand in the gap above it."""
        which = ~self._positive
        return adder(self._gap[which], self._film[which], self._gaps, self.films)

    @cached_property
    def _halved(self) -> sparse.csr_matrix:
        """The same, but those tied with a step stand half in the gap above it, half below."""
        tied = self._tied
        if not tied.any():
            return self._negatives
        which = ~self._positive
        gap = np.concatenate([self._gap[which], self._gap[tied] - 1])
        film = np.concatenate([self._film[which], self._film[tied]])
        shares = np.concatenate([np.where(tied[which], 0.5, 1.0), np.full(tied.sum(), 0.5)])
        order = np.argsort(gap, kind="stable")
        return adder(gap[order], film[order], self._gaps, self.films, shares[order])

    @property
    def _gaps(self) -> int:
        return int(self._steps[-1]) + len(self._steps) - 1


class Ranking:
    """Positives and negatives of one finding: `Rankings` with measures of shape (replicates,)."""

    def __init__(self, truth: np.ndarray, scores: np.ndarray) -> None:
        """Sort.

        Args:
            truth: 1 positive, 0 negative, NaN unknown (left out); shape (films,), or (films,
                labels) to rank all pairs of film and label together.
            scores: higher means more likely positive, same shape.

        Raises:
            ValueError: shapes differ, or a score with known truth is not finite.
        """
        truth, scores = np.asarray(truth), np.asarray(scores)
        if truth.ndim == scores.ndim == 1:
            truth, scores = truth[:, None], scores[:, None]
        self._only = Rankings(truth, scores, pooled=True)
        self.films = self._only.films

    @property
    def positives(self) -> int:
        """How many films are positive."""
        return int(self._only.positives[0])

    @property
    def negatives(self) -> int:
        """How many films are negative."""
        return int(self._only.negatives[0])

    @property
    def defined(self) -> bool:
        """Whether there are both positives and negatives to rank."""
        return bool(self._only.defined[0])

    def auc(self, weights: np.ndarray) -> np.ndarray:
        """See `Rankings.auc`."""
        found: np.ndarray = self._only.auc(weights)[0]
        return found

    def average_precision(self, weights: np.ndarray) -> np.ndarray:
        """See `Rankings.average_precision`."""
        found: np.ndarray = self._only.average_precision(weights)[0]
        return found


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    nothing = np.full(len(above), np.nan)
    return np.divide(above, below, out=nothing, where=below > 0)

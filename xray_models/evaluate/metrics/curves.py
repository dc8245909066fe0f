"""ROC and precision-recall curves, with bootstrap bands on a fixed grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from xray_models.evaluate.metrics.bootstrap import LEVEL, REPLICATES, SEED, resamples
from xray_models.evaluate.metrics.ranking import Ranking

__all__ = ["GRID", "Band", "Curve", "precision_recall", "precision_recall_band", "roc", "roc_band"]

GRID = np.linspace(0, 1, 101)
"""Where bands are computed: every hundredth of the false-positive rate, or of the recall."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Curve with a point per threshold that calls different films, from the strictest on.

    Attributes:
        x: false-positive rate of a ROC curve, recall of a precision-recall curve.
        y: true-positive rate, or precision.
        thresholds: of each point; a film is called positive when its score reaches it. The first
            is infinite and calls none.
        area: AUC, or average precision; NaN where not defined, and then the curve is empty.
        no_skill: height of the line without skill of a precision-recall curve (the prevalence);
            for a ROC curve that is the diagonal, and this is NaN.
    """

    x: np.ndarray
    y: np.ndarray
    thresholds: np.ndarray
    area: float
    no_skill: float

    def thinned(self, most: int = 500) -> Curve:
        """The same curve with at most so many points, both ends kept: enough for a screen."""
        if len(self.x) <= most:
            return self
        kept = np.unique(np.linspace(0, len(self.x) - 1, most).round().astype(int))
        return replace(self, x=self.x[kept], y=self.y[kept], thresholds=self.thresholds[kept])


@dataclass(frozen=True, eq=False)
class Band:
    """Bounds of a curve: at each x, 95 % of the resampled curves lie between low and high.

    Pointwise, so that a whole curve may leave it more often than 5 %.

    Attributes:
        x: shape (points,).
        low, high: of y; NaN where there is no interval.
    """

    x: np.ndarray
    low: np.ndarray
    high: np.ndarray


def roc(truth: np.ndarray, scores: np.ndarray) -> Curve:
    """Receiver operating characteristic: all its points but those inside a straight line.

    Args:
        truth: bool of shape (films,).
        scores: higher means more likely positive, shape (films,).

    Returns:
        An empty curve without positives or without negatives.
    """
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not (positives and negatives):
        return _nothing()
    cuts, found, called = _at_each_score(truth, scores)
    false = called - found
    thresholds = np.concatenate([[np.inf], cuts])
    x = np.concatenate([[0.0], false / negatives])
    y = np.concatenate([[0.0], found / positives])
    corner = np.ones(len(x), bool)
    steps = np.diff(np.concatenate([[0], false])), np.diff(np.concatenate([[0], found]))
    # a point is in a straight line when the step to it and the step from it are parallel
    corner[1:-1] = steps[0][:-1] * steps[1][1:] != steps[1][:-1] * steps[0][1:]
    area = Ranking(truth, scores).auc(np.ones((1, len(truth)), int))[0]
    return Curve(x[corner], y[corner], thresholds[corner], float(area), float("nan"))


def precision_recall(truth: np.ndarray, scores: np.ndarray) -> Curve:
    """Precision against recall, from recall 0 (precision 1 by convention).

    The points are those of scikit-learn's precision_recall_curve, in the opposite order.

    Args:
        truth, scores: as in `roc`.

    Returns:
        An empty curve without positives.
    """
    positives = int(truth.sum())
    if not positives:
        return _nothing()
    cuts, found, called = _at_each_score(truth, scores)
    area = Ranking(truth, scores).average_precision(np.ones((1, len(truth)), int))[0]
    return Curve(
        np.concatenate([[0.0], found / positives]),
        np.concatenate([[1.0], found / called]),
        np.concatenate([[np.inf], cuts]),
        float(area),
        positives / len(truth),
    )


def roc_band(
    truth: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray,
    replicates: int = REPLICATES,
    seed: int = SEED,
    level: float = LEVEL,
) -> Band:
    """Bounds of the true-positive rate at each false-positive rate of the grid.

    Groups are resampled; each resampled curve is read at the grid, where it rises straight up at
    its upper end (vertical averaging, Fawcett 2006, doi 10.1016/j.patrec.2005.10.010).

    Args:
        truth, scores: as in `roc`.
        groups: patient or the like, drawn together; shape (films,).
        replicates: resamples of the groups.
        seed: of the resampling.
        level: share of the resampled curves within the bounds.
    """
    if not truth.any() or truth.all():
        return _no_band()
    drawn = []
    for found, false in _resampled(truth, scores, groups, replicates, seed):
        if found[-1] and false[-1]:
            drawn.append(np.interp(GRID, false / false[-1], found / found[-1]))
    return _band(drawn, groups, level)


def precision_recall_band(
    truth: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray,
    replicates: int = REPLICATES,
    seed: int = SEED,
    level: float = LEVEL,
) -> Band:
    """Bounds of the precision where each recall of the grid is first reached (no interpolation).

    Groups are resampled. At recall 0 it is the precision of the first positive film found.

    Args:
        truth, scores, groups, replicates, seed, level: as in `roc_band`.
    """
    if not truth.any():
        return _no_band()
    drawn = []
    for found, false in _resampled(truth, scores, groups, replicates, seed):
        if found[-1]:
            needed = np.maximum(np.ceil(GRID * found[-1] - 1e-9), 1)
            place = np.searchsorted(found, needed, side="left")
            drawn.append(found[place] / (found[place] + false[place]))
    return _band(drawn, groups, level)


def _at_each_score(
    truth: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct scores, descending; positives and films at or above each, int."""
    negated, place = np.unique(-scores, return_inverse=True)
    films = np.bincount(place, minlength=len(negated))
    positives = np.bincount(place[truth], minlength=len(negated))
    return -negated, np.cumsum(positives), np.cumsum(films)


def _resampled(
    truth: np.ndarray, scores: np.ndarray, groups: np.ndarray, replicates: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positives and negatives at or above each distinct score, from none to all, resampled."""
    order = np.argsort(-scores, kind="stable")
    in_order = scores[order]
    positive = truth[order]
    ends = np.flatnonzero(np.concatenate([in_order[1:] != in_order[:-1], [True]]))
    found, called = np.zeros(len(ends) + 1), np.zeros(len(ends) + 1)
    for block in resamples(groups, replicates, seed):
        for row in np.ascontiguousarray(block):
            weights = row[order]
            called[1:] = np.cumsum(weights)[ends]
            found[1:] = np.cumsum(weights * positive)[ends]
            yield found, called - found


def _band(drawn: list[np.ndarray], groups: np.ndarray, level: float) -> Band:
    if not drawn or (groups == groups[0]).all():
        return _no_band()
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Band(GRID, low, high)


def _nothing() -> Curve:
    return Curve(np.zeros(0), np.zeros(0), np.zeros(0), float("nan"), float("nan"))


def _no_band() -> Band:
    nothing = np.full(len(GRID), np.nan)
    return Band(GRID, nothing, nothing)

"""Paired comparison of two models: DeLong test, bootstrap, and where they disagree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.bootstrap import LEVEL, REPLICATES, SEED, Estimate, bootstrap
from xray_models.evaluate.metrics.ranking import Ranking

__all__ = [
    "WHO_IS_RIGHT",
    "DeLong",
    "Disagreement",
    "Pair",
    "auc_covariance",
    "bootstrap_difference",
    "delong",
    "disagreement",
]


@dataclass(frozen=True, eq=False)
class Pair:
    """Films on which two models are compared, for one finding of known truth.

    Attributes:
        names: of the two models.
        truth: bool of shape (films,).
        scores: of the first and the second model, float64 of shape (2, films).
        groups: str of shape (films,).
        images: str of shape (films,).
    """

    names: tuple[str, str]
    truth: np.ndarray
    scores: np.ndarray
    groups: np.ndarray
    images: np.ndarray


@dataclass(frozen=True)
class DeLong:
    """AUCs of two models on the same films, their difference, and its test.

    Attributes:
        first, second: AUC with its 95 % interval.
        difference: first minus second, with its interval.
        z: difference over its standard error; NaN where that is zero.
        p: two-sided; NaN with z.
    """

    first: Estimate
    second: Estimate
    difference: Estimate
    z: float
    p: float


def delong(
    truth: np.ndarray, scores: np.ndarray, groups: np.ndarray | None = None, level: float = LEVEL
) -> DeLong:
    """Compare two AUCs measured on the same films (DeLong et al. 1988, doi 10.2307/2531595).

    Args:
        truth: bool of shape (films,).
        scores: of the two models, shape (2, films).
        groups: of shape (films,), to allow for films of one patient being alike (Obuchowski 1997,
            doi 10.2307/2533958); None takes films as independent, as the original test does.
        level: of the intervals.

    Returns:
        All NaN where there are no positives or no negatives.

    Raises:
        ValueError: shapes differ, or a score is not finite.
    """
    from scipy.stats import norm  # takes a second, and not every report tests

    areas, covariance = auc_covariance(truth, scores, groups)
    z_level = float(norm.ppf((1 + level) / 2))
    deviation = np.sqrt(np.diag(covariance))
    first, second = (
        _clipped(area, z_level * error, 0.0) for area, error in zip(areas, deviation, strict=True)
    )
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    error = float(np.sqrt(max(variance, 0.0))) if variance == variance else float("nan")
    z = difference / error if error > 1e-12 else float("nan")
    return DeLong(
        first,
        second,
        _clipped(difference, z_level * error, -1.0),
        z,
        float(2 * norm.sf(abs(z))),
    )


def auc_covariance(
    truth: np.ndarray, scores: np.ndarray, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """AUCs of several models on the same films, and their covariance, from midranks.

    The fast algorithm of Sun & Xu 2014, doi 10.1109/LSP.2014.2337313.

    Args:
        truth: bool of shape (films,).
        scores: shape (models, films).
        groups: as in `delong`.

    Returns:
        AUCs of shape (models,), covariance of shape (models, models): NaN without positives or
        negatives, the covariance also with fewer than two of either (or two groups with them).

    Raises:
        ValueError: shapes differ, or a score is not finite.
    """
    from scipy.stats import rankdata

    truth, scores = np.asarray(truth, bool), np.asarray(scores, np.float64)
    if scores.ndim != 2 or scores.shape[1:] != truth.shape:
        raise ValueError(
            f"Truth for {truth.shape}, scores for {scores.shape[1:]}: the shapes must agree."
        )
    if not np.isfinite(scores).all():
        raise ValueError("A score is not a finite number.")
    models, m, n = len(scores), int(truth.sum()), int((~truth).sum())
    undefined = np.full((models, models), np.nan)
    if not (m and n):
        return np.full(models, np.nan), undefined
    ranks = rankdata(scores, axis=1)
    # placement values: the share of the other class that each film is on the right side of
    of_positives = (ranks[:, truth] - rankdata(scores[:, truth], axis=1)) / n
    of_negatives = 1 - (ranks[:, ~truth] - rankdata(scores[:, ~truth], axis=1)) / m
    areas = of_positives.mean(axis=1)
    names = np.arange(len(truth)) if groups is None else np.asarray(groups)
    _, group = np.unique(names, return_inverse=True)
    count = int(group.max()) + 1
    # sums over each group of the deviations from the AUC
    x = _sums(of_positives - areas[:, None], group[truth], count)
    y = _sums(of_negatives - areas[:, None], group[~truth], count)
    with_x, with_y = len(np.unique(group[truth])), len(np.unique(group[~truth]))
    if min(with_x, with_y) < 2:
        return areas, undefined
    cross = x @ y.T
    covariance = (
        with_x / (with_x - 1) * (x @ x.T) / m**2
        + with_y / (with_y - 1) * (y @ y.T) / n**2
        + count / (count - 1) * (cross + cross.T) / (m * n)
    )
    return areas, covariance


def bootstrap_difference(
    films: Pair, replicates: int = REPLICATES, seed: int = SEED, measure: str = "auc"
) -> Estimate:
    """Difference, first minus second, on the same resamples of the groups.

    Args:
        films: both models.
        replicates: resamples of the groups.
        seed: of the resampling.
        measure: "auc" or "average_precision".

    Raises:
        ValueError: another measure.
    """
    if measure not in ("auc", "average_precision"):
        raise ValueError(f"There is no measure {measure!r}; known are auc, average_precision.")
    first, second = (Ranking(films.truth, scores) for scores in films.scores)
    one: Callable[[np.ndarray], np.ndarray] = getattr(first, measure)
    other: Callable[[np.ndarray], np.ndarray] = getattr(second, measure)
    return bootstrap(lambda weights: one(weights) - other(weights), films.groups, replicates, seed)


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Calls of two models on the same films.

    Attributes:
        counts: films by truth (with the finding, without), by who is right (both, only the first,
            only the second, neither); int of shape (2, 4).
        p: exact McNemar test of equal accuracy (1947), which takes films as independent; NaN where
            the two never differ.
        apart: films that are called differently, indices into the pair, those with the largest
            difference of scores first.
    """

    counts: np.ndarray
    p: float
    apart: np.ndarray


WHO_IS_RIGHT = ("both", "only the first", "only the second", "neither")


def disagreement(films: Pair, thresholds: tuple[float, float]) -> Disagreement:
    """Counts of which model is right, at a threshold for each.

    Args:
        films: both models.
        thresholds: of the first and the second; a film is called positive when its score reaches
            it.
    """
    from scipy.stats import binomtest

    called = films.scores >= np.asarray(thresholds, np.float64)[:, None]
    right = called == films.truth
    kind = np.select([right[0] & right[1], right[0], right[1]], [0, 1, 2], default=3)
    counts = np.array(
        [np.bincount(kind[truth], minlength=4) for truth in (films.truth, ~films.truth)]
    )
    only_first, only_second = int(counts[:, 1].sum()), int(counts[:, 2].sum())
    differing = only_first + only_second
    p = float(binomtest(only_first, differing).pvalue) if differing else float("nan")
    apart = np.flatnonzero(called[0] != called[1])
    distance = np.abs(films.scores[0] - films.scores[1])[apart]
    return Disagreement(counts, p, apart[np.argsort(-distance, kind="stable")])


def _sums(values: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    return np.stack([np.bincount(group, row, minlength=count) for row in values])


def _clipped(value: float, width: float, least: float) -> Estimate:
    if np.isnan(width):
        return Estimate(float(value), float("nan"), float("nan"))
    return Estimate(float(value), float(max(value - width, least)), float(min(value + width, 1.0)))

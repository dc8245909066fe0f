"""Several readers, several ways to read, the same films: the analysis of Obuchowski and Rockette.

Obuchowski & Rockette 1995 (doi 10.1080/03610919508813243), with the degrees of freedom of Hillis
2007 (doi 10.1002/sim.2532). Readers and films are taken as drawn from larger groups of both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.evaluate.metrics.paired import auc_covariance

__all__ = ["Comparison", "Mrmc", "jackknife_covariance", "obuchowski_rockette"]

_LEAST = 2
_NOTHING = 1e-15  # a mean square that is but rounding


@dataclass(frozen=True)
class Comparison:
    """Two ways to read against each other.

    Attributes:
        first, second: their indices.
        difference: mean AUC of the first minus that of the second, with its 95 % interval.
        error: standard error of the difference.
        p: two-sided.
    """

    first: int
    second: int
    difference: Estimate
    error: float
    p: float


@dataclass(frozen=True, eq=False)
class Mrmc:
    """Table of the analysis.

    Attributes:
        areas: AUC of each way to read and reader, shape (ways, readers).
        means: mean over readers of each way, with its 95 % interval.
        mean_squares: "T" between ways, "R" between readers, "T*R" of both.
        error, covariances: variance of the error, and its covariances: of one reader in two ways,
            of two readers in one way, of two readers in two ways.
        reader, interaction: variance components of the readers, and of readers and ways; they may
            come out negative.
        f: statistic of the test that all ways have the same mean AUC.
        degrees: of freedom, of the numerator and the denominator.
        p: of that test.
        comparisons: of each pair of ways.
    """

    areas: np.ndarray
    means: tuple[Estimate, ...]
    mean_squares: dict[str, float]
    error: float
    covariances: tuple[float, float, float]
    reader: float
    interaction: float
    f: float
    degrees: tuple[float, float]
    p: float
    comparisons: tuple[Comparison, ...]


def obuchowski_rockette(
    truth: np.ndarray, scores: np.ndarray, covariance: str = "jackknife", level: float = 0.95
) -> Mrmc:
    """Analyze readers who read the same films in several ways.

    Args:
        truth: bool of shape (films,).
        scores: shape (ways, readers, films); higher means more likely positive.
        covariance: "jackknife" over films, or "delong".
        level: of the intervals.

    Raises:
        ValueError: shapes differ, fewer than two ways, readers, positives or negatives, an unknown
            covariance, or readings that do not differ at all.
    """
    from scipy.stats import f as f_distribution

    truth, scores = np.asarray(truth, bool), np.asarray(scores, np.float64)
    if scores.ndim != 3 or scores.shape[2:] != truth.shape:
        raise ValueError(
            f"Truth for {truth.shape}, scores of shape {scores.shape}: scores need the shape "
            "(ways, readers, films)."
        )
    ways, readers, _ = scores.shape
    if min(ways, readers, int(truth.sum()), int((~truth).sum())) < _LEAST:
        raise ValueError(
            "The table needs two ways to read, two readers, and two films of each kind at least."
        )
    flat = scores.reshape(ways * readers, -1)
    if covariance == "delong":
        areas, spread = auc_covariance(truth, flat)
    elif covariance == "jackknife":
        areas, spread = jackknife_covariance(truth, flat)
    else:
        raise ValueError(f"There is no covariance {covariance!r}; known are jackknife, delong.")
    areas = areas.reshape(ways, readers)
    spread = spread.reshape(ways, readers, ways, readers)
    error, covariances = _components(spread)
    squares = _mean_squares(areas)
    apart = covariances[1] - covariances[2]
    below = squares["T*R"] + readers * max(apart, 0.0)
    if below < _NOTHING:
        raise ValueError("All readers read alike in every way, so there is nothing to compare.")
    degrees = math.inf
    if squares["T*R"] > _NOTHING:
        degrees = below**2 / (squares["T*R"] ** 2 / ((ways - 1) * (readers - 1)))
    ratio = squares["T"] / below
    return Mrmc(
        areas,
        tuple(_single(areas[way], spread[way, :, way], level) for way in range(ways)),
        squares,
        error,
        covariances,
        # what is left of the mean squares without errors
        (squares["R"] - squares["T*R"]) / ways - covariances[0] + covariances[2],
        squares["T*R"] - error + covariances[0] + apart,
        ratio,
        (ways - 1, degrees),
        float(f_distribution.sf(ratio, ways - 1, degrees)),
        tuple(
            _compared(areas, first, second, below, degrees, level)
            for first in range(ways)
            for second in range(first + 1, ways)
        ),
    )


def jackknife_covariance(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUCs of several readings of the same films, and their covariance by leaving out each film.

    Args:
        truth: bool of shape (films,), with two of each kind at least.
        scores: shape (readings, films).

    Returns:
        AUCs of shape (readings,), covariance of shape (readings, readings).
    """
    truth = np.asarray(truth, bool)
    found, spared = scores[:, truth], scores[:, ~truth]
    m, n = found.shape[1], spared.shape[1]
    wins = np.sign(found[:, :, None] - spared[:, None, :]) / 2 + 0.5
    total = wins.sum(axis=(1, 2))
    left = np.empty(scores.shape)
    left[:, truth] = (total[:, None] - wins.sum(axis=2)) / ((m - 1) * n)
    left[:, ~truth] = (total[:, None] - wins.sum(axis=1)) / (m * (n - 1))
    apart = left - left.mean(axis=1, keepdims=True)
    films = m + n
    return total / (m * n), (films - 1) / films * (apart @ apart.T)


def _components(spread: np.ndarray) -> tuple[float, tuple[float, float, float]]:
    """Means of the covariance by what two readings share: all, the reader, the way, nothing."""
    ways, readers = spread.shape[:2]
    same_way = np.eye(ways, dtype=bool)[:, None, :, None]
    same_reader = np.eye(readers, dtype=bool)[None, :, None, :]
    kinds = (
        same_way & same_reader,
        ~same_way & same_reader,
        same_way & ~same_reader,
        ~same_way & ~same_reader,
    )
    error, *others = (float(spread[kind].mean()) for kind in kinds)
    return error, (others[0], others[1], others[2])


def _mean_squares(areas: np.ndarray) -> dict[str, float]:
    ways, readers = areas.shape
    by_way = areas.mean(axis=1, keepdims=True)
    by_reader = areas.mean(axis=0, keepdims=True)
    rest = areas - by_way - by_reader + areas.mean()
    return {
        "T": float(readers * ((by_way - areas.mean()) ** 2).sum() / (ways - 1)),
        "R": float(ways * ((by_reader - areas.mean()) ** 2).sum() / (readers - 1)),
        "T*R": float((rest**2).sum() / ((ways - 1) * (readers - 1))),
    }


def _single(areas: np.ndarray, spread: np.ndarray, level: float) -> Estimate:
    """Mean AUC of one way with its interval, from this way alone."""
    from scipy.stats import t as t_distribution

    readers = len(areas)
    square = float(areas.var(ddof=1))
    shared = max(float(spread[~np.eye(readers, dtype=bool)].mean()), 0.0)
    below = square + readers * shared
    degrees = below**2 / (square**2 / (readers - 1)) if square > _NOTHING else math.inf
    width = t_distribution.ppf((1 + level) / 2, degrees) * math.sqrt(below / readers)
    mean = float(areas.mean())
    return Estimate(mean, mean - float(width), mean + float(width))


def _compared(
    areas: np.ndarray, first: int, second: int, below: float, degrees: float, level: float
) -> Comparison:
    from scipy.stats import t as t_distribution

    difference = float(areas[first].mean() - areas[second].mean())
    error = math.sqrt(2 / areas.shape[1] * below)
    width = float(t_distribution.ppf((1 + level) / 2, degrees)) * error
    p = float(2 * t_distribution.sf(abs(difference) / error, degrees))
    return Comparison(
        first, second, Estimate(difference, difference - width, difference + width), error, p
    )

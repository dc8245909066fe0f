"""Bootstrap intervals that respect groups: films of one patient are drawn together or not."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

__all__ = [
    "LEVEL",
    "REPLICATES",
    "SEED",
    "Estimate",
    "Measure",
    "Measures",
    "bootstrap",
    "bootstraps",
    "percentiles",
    "resamples",
]

REPLICATES = 1000
LEVEL = 0.95
SEED = 0

_MOST_WEIGHTS = 2**20  # of a block of resamples, 8 MB: enough to vectorize, and few enough to fit
_LEAST_ROWS = 32  # of a block, however many films there are
_BLOCKS = 4  # at least, so that all processors have some
_MOST_AT_ONCE = 30_000  # films of which all blocks may be in memory together: 240 MB

Measure = Callable[[np.ndarray], np.ndarray]
"""Weights of shape (replicates, films) -> values of shape (replicates,), NaN where not defined."""

Name = TypeVar("Name", bound=Hashable)

Measures = Callable[[np.ndarray], Mapping[Name, np.ndarray]]
"""Several measures at once, by name."""


@dataclass(frozen=True)
class Estimate:
    """A measure with its interval.

    Attributes:
        value: on the films as they are; NaN where it is not defined.
        low, high: bounds of the interval; NaN with fewer than two groups.
        undefined: replicates that were left out because the measure is not defined there.
    """

    value: float
    low: float
    high: float
    undefined: int = 0


def resamples(
    groups: np.ndarray, replicates: int = REPLICATES, seed: int = SEED
) -> Iterator[np.ndarray]:
    """Draw whole groups with replacement: how often each film is drawn.

    Args:
        groups: group of each film, shape (films,).
        replicates: how many resamples.
        seed: the same seed gives the same resamples, whatever is measured on them.

    Yields:
        Blocks of whole float64, shape (rows, films), each film's side by side in memory, as sums
        over films like them; `replicates` rows in all.
    """
    names, group_of_film = np.unique(np.asarray(groups), return_inverse=True)
    count = len(names)
    random = np.random.default_rng(seed)
    most = min(_MOST_WEIGHTS // max(1, len(group_of_film)), -(-replicates // _BLOCKS))
    block = max(_LEAST_ROWS, most)
    for first in range(0, replicates, block):
        rows = min(block, replicates - first)
        drawn = random.integers(count, size=(rows, count)) * rows + np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(count, rows)
        yield times.astype(np.float64)[group_of_film].T


def bootstrap(
    measure: Measure,
    groups: np.ndarray,
    replicates: int = REPLICATES,
    seed: int = SEED,
    level: float = LEVEL,
) -> Estimate:
    """A measure with its percentile bootstrap interval (Efron & Tibshirani 1993, ch. 13).

    Args:
        measure: from weights of shape (rows, films) to values of shape (rows,).
        groups: group of each film, shape (films,).
        replicates: how many resamples of the groups.
        seed: of the resampling.
        level: share of the replicates inside the interval.

    Returns:
        The measure with its bounds. Replicates where the measure is not defined, for example
        because no positive film was drawn, are left out and counted.

    Raises:
        ValueError: there is no film, or replicates or level are out of range.
    """
    return bootstraps(lambda weights: {"": measure(weights)}, groups, replicates, seed, level)[""]


def bootstraps(
    measures: Measures[Name],
    groups: np.ndarray,
    replicates: int = REPLICATES,
    seed: int = SEED,
    level: float = LEVEL,
) -> dict[Name, Estimate]:
    """Measures with their intervals, on the same resamples, which are drawn only once.

    Args:
        measures: from weights of shape (rows, films) to values of shape (rows,), by name.
        groups: group of each film, shape (films,).
        replicates: how many resamples of the groups.
        seed: of the resampling.
        level: share of the replicates inside the interval.

    Returns:
        Estimates by name, in the order of `measures`.

    Raises:
        ValueError: there is no film, or replicates or level are out of range.
    """
    groups = np.asarray(groups)
    if not groups.size:
        raise ValueError("There is no film to measure on.")
    if replicates < 1 or not 0 < level < 1:
        raise ValueError("Replicates must be at least 1, and the level between 0 and 1.")
    values = {name: float(one[0]) for name, one in measures(np.ones((1, len(groups)))).items()}
    if (groups == groups[0]).all() or np.isnan(list(values.values())).all():
        return {name: Estimate(value, float("nan"), float("nan")) for name, value in values.items()}
    blocks = _each(measures, resamples(groups, replicates, seed), len(groups))
    return {
        name: percentiles(value, np.concatenate([block[name] for block in blocks]), level)
        for name, value in values.items()
    }


def _each(
    measures: Measures[Name], blocks: Iterator[np.ndarray], films: int
) -> list[Mapping[Name, np.ndarray]]:
    """Measures of each block of resamples, on every processor where that takes little memory."""
    workers = os.cpu_count() or 1
    if films > _MOST_AT_ONCE or workers == 1:
        return [measures(block) for block in blocks]
    with ThreadPoolExecutor(workers) as pool:  # numpy lets go of the lock for what takes long
        return list(pool.map(measures, blocks))


def percentiles(value: float, drawn: np.ndarray, level: float = LEVEL) -> Estimate:
    """A value with the percentiles of its replicates, those that are NaN left out and counted.

    Args:
        value: on the films as they are; without it there is no interval.
        drawn: on each resample, shape (replicates,).
        level: share of the replicates inside the interval.
    """
    defined = drawn[~np.isnan(drawn)]
    if np.isnan(value):
        return Estimate(value, float("nan"), float("nan"))
    if not len(defined):
        return Estimate(value, float("nan"), float("nan"), len(drawn))
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), len(drawn) - len(defined))

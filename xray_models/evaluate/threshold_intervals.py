"""Intervals of calls at a threshold that moves: groups are drawn once, then counted at any cut.

`label_measures.measure` draws the groups anew at every call, which takes seconds on a large table.
Here the draws are kept, and a move costs one product of matrices. Same draws, same intervals.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from xray_models.evaluate.metrics.bootstrap import (
    REPLICATES,
    SEED,
    Estimate,
    percentiles,
    resamples,
)
from xray_models.evaluate.metrics.counts import Counts, predictive_values
from xray_models.evaluate.predictions.predictions import LabelPredictions

__all__ = ["ThresholdIntervals"]

# 24 million draws of 4 bytes: what a server can keep for the few tables that are looked at
_MOST_DRAWS = 24_000_000
_FEWEST = 200


class ThresholdIntervals:
    """Films of one label, their groups drawn with replacement many times."""

    def __init__(
        self, one: LabelPredictions, replicates: int = REPLICATES, seed: int = SEED
    ) -> None:
        """Prepare.

        Args:
            one: films of known truth.
            replicates: how many; fewer, but at least 200, where there are very many groups.
            seed: of the resampling.
        """
        self._one = one
        _, self._group = np.unique(one.groups, return_inverse=True)
        self._groups = int(self._group.max()) + 1 if len(self._group) else 0
        self.replicates = min(replicates, max(_FEWEST, _MOST_DRAWS // max(self._groups, 1)))
        self._seed = seed

    def measures(self, threshold: float, prevalence: float | None = None) -> dict[str, Estimate]:
        """Every measure of the calls at a threshold, with 95 % percentile intervals.

        Args:
            threshold: a film is called positive when its score reaches it.
            prevalence: recompute PPV and NPV for it, in 0..1; None for that of the films.

        Returns:
            Estimates by the names of `counts.MEASURES`; NaN where not defined.

        Raises:
            ValueError: a prevalence outside 0..1.
        """
        one = self._one
        called = one.scores >= threshold
        cells = np.stack(
            [one.truth & called, ~one.truth & called, one.truth & ~called, ~one.truth & ~called]
        )
        values = _measures(Counts(*cells.sum(axis=1)), prevalence)
        if self._groups < 2:  # one is always drawn whole: there is nothing to learn from it
            return {
                name: Estimate(float(value), float("nan"), float("nan"))
                for name, value in values.items()
            }
        per_group = [np.bincount(self._group, cell, minlength=self._groups) for cell in cells]
        # whole numbers below 2^24 are exact in float32
        draws = _draws(self._groups, self.replicates, self._seed)
        counts = (draws @ np.stack(per_group, axis=1).astype(np.float32)).astype(np.float64)
        resampled = _measures(Counts(*counts.T), prevalence)
        return {name: percentiles(float(value), resampled[name]) for name, value in values.items()}


@lru_cache(maxsize=3)
def _draws(groups: int, replicates: int, seed: int) -> np.ndarray:
    """How often each group is drawn, float32 of (replicates, groups): shared by all labels."""
    blocks = resamples(np.arange(groups), replicates, seed)
    return np.concatenate([block.astype(np.float32) for block in blocks])


def _measures(counts: Counts, prevalence: float | None) -> dict[str, np.ndarray]:
    found = counts.measures()
    if prevalence is not None:
        ppv, npv = predictive_values(counts.sensitivity, counts.specificity, prevalence)
        found |= {"PPV": ppv, "NPV": npv}
    return found

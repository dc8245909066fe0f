"""Measures of one label, with intervals, beside what no skill would give.

Cards quote a few of these (`card_figures`); reports and pages show them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from xray_models.evaluate.metrics.bootstrap import REPLICATES, SEED, Estimate, bootstraps
from xray_models.evaluate.metrics.calibration import BINS, calibration_gaps
from xray_models.evaluate.metrics.counts import Counts, called_cells, ratio
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.metrics.sums import added, matrix_of
from xray_models.evaluate.predictions.predictions import LabelPredictions, Predictions

__all__ = ["NO_ESTIMATE", "LabelMeasure", "measure", "measures"]

NO_ESTIMATE = Estimate(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class LabelMeasure:
    """Measure of one label.

    Attributes:
        estimate: value and 95 % interval.
        no_skill: what scores without any relation to the truth give on the same films; for calls,
            calls by chance, equally often positive. NaN where that is not defined.
    """

    estimate: Estimate
    no_skill: float


def measure(
    predictions: Predictions,
    label: str,
    called: np.ndarray | None = None,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> dict[str, LabelMeasure]:
    """All measures of one label: `measures` of it alone.

    Args:
        predictions: films, truth and scores.
        label: one of its labels.
        called: 1 called positive, 0 negative, NaN not called; shape (films,). None for no calls.
        replicates: resamples of the groups.
        seed: of the resampling.

    Raises:
        ValueError: no such label.
    """
    calls = {} if called is None else {label: called}
    return measures(predictions, [label], calls, replicates, seed)[label]


def measures(
    predictions: Predictions,
    labels: Sequence[str],
    called: Mapping[str, np.ndarray],
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> dict[str, dict[str, LabelMeasure]]:
    """All measures of labels: of their scores, and, where they are called, of their calls.

    Intervals are percentiles of a bootstrap over groups. That of the calibration error is biased
    upwards: resampling adds scatter, and scatter is error.

    Args:
        predictions: films, truth and scores.
        labels: some of its labels.
        called: of a label 1 called positive, 0 negative, NaN not called; shape (films,).
        replicates: resamples of the groups.
        seed: of the resampling.

    Returns:
        For each label its measures by name, in the order to print them; NaN where not defined, as
        all are without a film of known truth.

    Raises:
        ValueError: no such label.
    """
    ones = [_Measured(predictions.of(label), called.get(label)) for label in labels]
    same_films: dict[bytes, list[_Measured]] = {}  # these share their resamples
    for one in ones:
        same_films.setdefault(one.films.rows.tobytes(), []).append(one)
    found: dict[tuple[str, str], Estimate] = {}
    for some in same_films.values():
        if len(some[0].films.rows):
            found |= bootstraps(partial(_together, some), some[0].films.groups, replicates, seed)
    return {
        one.label: {
            name: LabelMeasure(found.get((one.label, name), NO_ESTIMATE), chance)
            for name, chance in one.no_skill().items()
        }
        for one in ones
    }


def _together(ones: Sequence[_Measured], weights: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    return {
        (one.label, name): values for one in ones for name, values in one.measured(weights).items()
    }


class _Measured:
    """One label, prepared for any weights of its films."""

    def __init__(self, films: LabelPredictions, called: np.ndarray | None) -> None:
        self.films, self.label = films, films.label
        truth, scores = films.truth, films.scores
        self._ranking = Ranking(truth, scores)
        columns = [((scores - truth) ** 2)[:, None], calibration_gaps(truth, scores)]
        self._called = called is not None
        if called is not None:
            calls = np.asarray(called, np.float64)[films.rows]
            self._cells = called_cells(np.where(np.isnan(calls), np.nan, truth), calls == 1)
            columns.append(self._cells)
        self._columns = matrix_of(np.hstack(columns))

    def measured(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Measures by name, of shape (replicates,), for weights of shape (replicates, films)."""
        sums, films = added(self._columns, weights), np.sum(weights, axis=1)
        found = {
            "AUC": self._ranking.auc(weights),
            "average precision": self._ranking.average_precision(weights),
            "Brier score": ratio(sums[0], films),
            "expected calibration error": ratio(np.abs(sums[1 : 1 + BINS]).sum(axis=0), films),
        }
        return found | (Counts(*sums[1 + BINS :]).measures() if self._called else {})

    def no_skill(self) -> dict[str, float]:
        """What scores and calls without any relation to the truth give."""
        one = self.films
        share = one.positives / len(one.truth) if len(one.truth) else float("nan")
        chance = {
            "AUC": 0.5 if not one.problem else float("nan"),
            "average precision": share if one.positives else float("nan"),
            "Brier score": share * (1 - share),  # of always predicting the share itself
            "expected calibration error": share * 0,
        }
        if self._called:
            counts = Counts(*self._cells.sum(axis=0, dtype=np.float64))
            chance |= {name: float(value) for name, value in counts.no_skill().items()}
        return chance

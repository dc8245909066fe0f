"""How the models did on films of known truth, label by label, at the thresholds of their cards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.counts import Counts
from xray_models.evaluate.intervals import Estimate
from xray_models.evaluate.judged import Judged
from xray_models.evaluate.operating import ThresholdIndex
from xray_models.evaluate.summary import summary

REPLICATES = 200  # enough for an interval to two digits, and quick


@dataclass(frozen=True)
class Performance:
    """Figures of one label of one model.

    Attributes:
        model: its name.
        label: of the finding.
        films, positives: of known truth.
        auc: with its 95 % interval, NaN where not defined.
        average_precision: likewise.
        threshold: of the model's card.
        counts: at that threshold.
        note: a sentence to show beside it; empty if there is nothing to say.
    """

    model: str
    label: str
    films: int
    positives: int
    auc: Estimate
    average_precision: Estimate
    threshold: float
    counts: Counts
    note: str


def performance(judged: Judged, replicates: int = REPLICATES) -> list[Performance]:
    """A row per label.

    Args:
        judged: a model on films of known truth, with a threshold for each label.
        replicates: resamples of the groups, for the intervals.
    """
    index = ThresholdIndex(judged)
    cuts = np.array([judged.thresholds[label] for label in judged.labels])
    counts = index.counts(cuts)
    return [
        Performance(
            judged.name,
            row.name,
            row.films,
            row.positives,
            row.auc,
            row.average_precision,
            float(cuts[k]),
            Counts(counts.tp[k], counts.fp[k], counts.fn[k], counts.tn[k]),
            row.note,
        )
        for k, row in enumerate(summary(judged, replicates)[: len(judged.labels)])
    ]


def with_interval(one: Estimate) -> str:
    """A figure in words: value and 95 % interval, a dash where it is not defined."""
    if np.isnan(one.value):
        return "–"
    if np.isnan(one.low):
        return f"{one.value:.3f}"
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def share(value: float | np.ndarray) -> str:
    """A share in words, a dash where it is not defined."""
    return "–" if np.isnan(value) else f"{float(value):.1%}".replace("%", " %")

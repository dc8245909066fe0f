"""Performance of a model at the thresholds of its card, on films of known truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.label_table import label_table
from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.evaluate.metrics.counts import Counts
from xray_models.evaluate.metrics.thresholds import ThresholdIndex
from xray_models.evaluate.predictions.predictions import FEW, Predictions
from xray_models.number_text import with_interval

__all__ = ["REPLICATES", "Performance", "performance"]

REPLICATES = 200  # enough for an interval to two digits, and quick


@dataclass(frozen=True)
class Performance:
    """Figures of one label of a model.

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

    @property
    def auc_in_words(self) -> str:
        """AUC with its interval, and on how few films it stands, where these are few."""
        text = with_interval(self.auc)
        negatives = self.films - self.positives
        fewest, which = min((self.positives, "with"), (negatives, "without"))
        if math.isnan(self.auc.value) or fewest >= FEW:
            return text
        return f"{text}, on {fewest} {'film' if fewest == 1 else 'films'} {which} it"


def performance(predictions: Predictions, replicates: int = REPLICATES) -> list[Performance]:
    """Performance of each label.

    Args:
        predictions: a model on films of known truth, with a threshold for each label.
        replicates: resamples of the groups, for the intervals.
    """
    index = ThresholdIndex(predictions.labels, predictions.truth, predictions.scores)
    cuts = np.array([predictions.thresholds[label] for label in predictions.labels])
    counts = index.counts(cuts)
    return [
        Performance(
            predictions.name,
            row.name,
            row.films,
            row.positives,
            row.auc,
            row.average_precision,
            float(cuts[k]),
            Counts(counts.tp[k], counts.fp[k], counts.fn[k], counts.tn[k]),
            row.note,
        )
        for k, row in enumerate(label_table(predictions, replicates)[: len(predictions.labels)])
    ]

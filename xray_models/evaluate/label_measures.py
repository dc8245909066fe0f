"""Measures of one label, with intervals, beside what no skill would give.

Cards quote a few of these (`card_figures`); reports and pages show them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics import weighted
from xray_models.evaluate.metrics.bootstrap import REPLICATES, SEED, Estimate, bootstraps
from xray_models.evaluate.metrics.calibration import calibration_error
from xray_models.evaluate.metrics.counts import weighted_counts
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.predictions.predictions import Predictions

__all__ = ["NO_ESTIMATE", "LabelMeasure", "measure"]

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
    """All measures of one label: of its scores, and, if it is called, of its calls.

    Intervals are percentiles of a bootstrap over groups. That of the calibration error is biased
    upwards: resampling adds scatter, and scatter is error.

    Args:
        predictions: films, truth and scores.
        label: one of its labels.
        called: 1 called positive, 0 negative, NaN not called; shape (films,). None for no calls.
        replicates: resamples of the groups.
        seed: of the resampling.

    Returns:
        Measures by name, in the order to print them; NaN where not defined, as all are without a
        film of known truth.

    Raises:
        ValueError: no such label.
    """
    one = predictions.of(label)
    truth, scores = one.truth, one.scores
    ranking = Ranking(truth, scores)
    calls = None if called is None else np.asarray(called, np.float64)[one.rows]

    def weighted_measures(weights: np.ndarray) -> Mapping[str, np.ndarray]:
        found = {
            "AUC": ranking.auc(weights),
            "average precision": ranking.average_precision(weights),
            "Brier score": weighted.mean(weights, (scores - truth) ** 2),
            "expected calibration error": calibration_error(weights, truth, scores),
        }
        if calls is not None:
            of_called = np.where(np.isnan(calls), np.nan, truth)
            found |= weighted_counts(weights, of_called, calls == 1).measures()
        return found

    share = one.positives / len(truth) if len(truth) else float("nan")
    chance = {
        "AUC": 0.5 if not one.problem else float("nan"),
        "average precision": share if one.positives else float("nan"),
        "Brier score": share * (1 - share),  # of always predicting the share itself
        "expected calibration error": share * 0,
    }
    once = np.ones((1, len(truth)))
    if calls is not None:
        counts = weighted_counts(once, np.where(np.isnan(calls), np.nan, truth), calls == 1)
        chance |= {name: float(value[0]) for name, value in counts.no_skill().items()}
    if not len(truth):
        return {name: LabelMeasure(NO_ESTIMATE, float("nan")) for name in chance}
    found = bootstraps(weighted_measures, one.groups, replicates, seed)
    return {name: LabelMeasure(estimate, chance[name]) for name, estimate in found.items()}

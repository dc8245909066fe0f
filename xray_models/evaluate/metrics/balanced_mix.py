"""Accuracy, precision and recall at one positive film to one negative.

Precision depends on the mix of films: models can only be compared at one mix.
"""

from __future__ import annotations

import numpy as np

from xray_models.evaluate.metrics.bootstrap import REPLICATES, SEED, Estimate, bootstraps
from xray_models.evaluate.metrics.counts import predictive_values, weighted_counts

__all__ = ["at_balanced_mix"]


def at_balanced_mix(
    truth: np.ndarray,
    called: np.ndarray,
    groups: np.ndarray,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> dict[str, Estimate]:
    """Accuracy, precision and recall of the positive class at one positive film to one negative.

    With sensitivity s and specificity t, a balanced mix gives the accuracy (s + t) / 2 and the
    precision s / (s + 1 - t).

    Args:
        truth, called: bool of shape (films,).
        groups: group of each film; the intervals resample whole groups.
        replicates: resamples.
        seed: of the resampling.

    Returns:
        "accuracy", "precision" and "recall" with 95 % intervals; NaN where not defined.

    Raises:
        ValueError: there is no film.
    """

    def measures(weights: np.ndarray) -> dict[str, np.ndarray]:
        counts = weighted_counts(weights, np.asarray(truth, bool), called)
        recall, specificity = counts.sensitivity, counts.specificity
        precision, _ = predictive_values(recall, specificity, 0.5)
        return {
            "accuracy": (recall + specificity) / 2,
            "precision": precision,
            "recall": recall,
        }

    return bootstraps(measures, groups, replicates, seed)

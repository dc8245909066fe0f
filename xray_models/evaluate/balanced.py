"""Figures as if both classes were equally frequent, whatever mix of films they are measured on."""

from __future__ import annotations

import numpy as np

from xray_models.evaluate import metrics
from xray_models.evaluate.intervals import REPLICATES, SEED, Estimate, bootstraps


def at_balanced_mix(
    truth: np.ndarray,
    called: np.ndarray,
    groups: np.ndarray,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> dict[str, Estimate]:
    """Accuracy, precision and recall of the positive class at one positive film to one negative.

    Precision depends on the mix of films: models can only be compared at one mix. With sensitivity
    s and specificity t, a balanced mix gives the accuracy (s + t) / 2 and the precision
    s / (s + 1 - t).

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
    truth, called = np.asarray(truth, bool), np.asarray(called, bool)

    def measures(weights: np.ndarray) -> dict[str, np.ndarray]:
        recall = metrics.share(weights, of=called, among=truth)
        false = metrics.share(weights, of=called, among=~truth)
        both = recall + false
        precision = np.divide(recall, both, out=np.full_like(both, np.nan), where=both > 0)
        return {"accuracy": (recall + 1 - false) / 2, "precision": precision, "recall": recall}

    return bootstraps(measures, groups, replicates, seed)

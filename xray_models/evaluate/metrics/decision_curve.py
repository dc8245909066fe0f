"""Decision curves: net benefit of acting on a model, on all films, or on none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["GRID", "DecisionCurve", "decision_curve"]

GRID = np.linspace(0.01, 0.99, 99)


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Decision curve: net benefit per film; arrays of shape (points,), NaN without films.

    Attributes:
        threshold: the probability at which a reader would act. It says how many false alarms a
            found case is worth: at 0.2, four.
        model: of acting on films whose score reaches the threshold.
        treat_all: of acting on every film.
        treat_none: of acting on none, which is zero.
    """

    threshold: np.ndarray
    model: np.ndarray
    treat_all: np.ndarray
    treat_none: np.ndarray


def decision_curve(
    truth: np.ndarray, scores: np.ndarray, thresholds: np.ndarray = GRID
) -> DecisionCurve:
    """Decision curve: net benefit = TP / n - FP / n x t / (1 - t) at each threshold t.

    From Vickers & Elkin 2006, doi 10.1177/0272989X06295361. It means something for calibrated
    probabilities only, and for the prevalence of these films.

    Args:
        truth: bool of shape (films,).
        scores: calibrated probabilities, shape (films,).
        thresholds: each in 0 to below 1, shape (points,).

    Raises:
        ValueError: shapes differ, or a threshold outside [0, 1).
    """
    truth, scores = np.asarray(truth, bool), np.asarray(scores, np.float64)
    cuts = np.asarray(thresholds, np.float64)
    if truth.shape != scores.shape:
        raise ValueError(
            f"Truth for {truth.shape}, scores for {scores.shape}: the shapes must agree."
        )
    if not ((cuts >= 0) & (cuts < 1)).all():
        raise ValueError("The thresholds of a decision curve lie from 0 to below 1.")
    if not len(truth):
        nothing = np.full(len(cuts), np.nan)
        return DecisionCurve(cuts, nothing, nothing, nothing)
    positives, negatives = np.sort(scores[truth]), np.sort(scores[~truth])
    hits = len(positives) - np.searchsorted(positives, cuts, side="left")
    alarms = len(negatives) - np.searchsorted(negatives, cuts, side="left")
    odds = cuts / (1 - cuts)
    return DecisionCurve(
        cuts,
        (hits - alarms * odds) / len(truth),
        (len(positives) - len(negatives) * odds) / len(truth),
        np.zeros(len(cuts)),
    )

"""Errors of a model at a threshold, and the films of which it is most and least certain."""

from __future__ import annotations

import numpy as np

from xray_models.evaluate.predictions.predictions import LabelPredictions

__all__ = ["KINDS", "films", "outcome"]

KINDS = ("false positives", "false negatives", "most certain", "least certain")
"""False positives and negatives begin with the most confident mistake. The most certain films are
those farthest from the threshold whatever their truth, the least certain those nearest to it."""


def films(one: LabelPredictions, threshold: float, kind: str) -> np.ndarray:
    """Films of a kind, as indices into the `Predictions` that `one` is of, the most telling first.

    How far a score lies from the threshold is measured in log odds: from 0.02 to 0.01 is as far as
    from 0.98 to 0.99.

    Args:
        one: films of known truth.
        threshold: a film is called positive when its score reaches it.
        kind: one of `KINDS`.

    Raises:
        ValueError: another kind.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no kind {kind!r}; known are {', '.join(KINDS)}.")
    distance = np.abs(_log_odds(one.scores) - _log_odds(np.array(threshold)))
    called = one.scores >= threshold
    chosen = np.ones(len(one.scores), bool)
    if kind == "false positives":
        chosen = called & ~one.truth
    elif kind == "false negatives":
        chosen = ~called & one.truth
    order = np.argsort(distance if kind == "least certain" else -distance, kind="stable")
    return one.rows[order[chosen[order]]]


def outcome(truth: bool, score: float, threshold: float) -> str:
    """Outcome of one film: "true positive", "false positive"..."""
    called = score >= threshold
    return f"{'true' if called == truth else 'false'} {'positive' if called else 'negative'}"


def _log_odds(scores: np.ndarray) -> np.ndarray:
    inside = np.clip(np.asarray(scores, np.float64), 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))

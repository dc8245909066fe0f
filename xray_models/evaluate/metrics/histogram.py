"""Histograms of the scores of films with and without a finding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Distribution", "distribution"]


@dataclass(frozen=True, eq=False)
class Distribution:
    """Histograms of both kinds of films over the same bins.

    Attributes:
        edges: bounds of the bins, ascending, shape (bins + 1,).
        positive, negative: films in each bin, int of shape (bins,); the last bin holds its upper
            bound as well.
    """

    edges: np.ndarray
    positive: np.ndarray
    negative: np.ndarray


def distribution(
    truth: np.ndarray, scores: np.ndarray, bins: int = 40, logarithmic: bool = False
) -> Distribution:
    """Count films by score and truth.

    Args:
        truth: bool of shape (films,).
        scores: probabilities in 0..1, shape (films,); beyond the bounds they go to the last bin.
        bins: how many, at least 1.
        logarithmic: bins of equal width in the logit, from 0.0001 to 0.9999, for scores that crowd
            at 0 or at 1.

    Raises:
        ValueError: shapes differ, or bins is below 1.
    """
    truth, scores = np.asarray(truth, bool), np.asarray(scores, np.float64)
    if truth.shape != scores.shape:
        raise ValueError(
            f"Truth for {truth.shape}, scores for {scores.shape}: the shapes must agree."
        )
    if bins < 1:
        raise ValueError("A histogram needs at least one bin.")
    edges = np.linspace(0, 1, bins + 1)
    if logarithmic:
        end = np.log(0.9999 / 0.0001)
        edges = 1 / (1 + np.exp(-np.linspace(-end, end, bins + 1)))
    inside = np.clip(scores, edges[0], edges[-1])
    return Distribution(
        edges,
        np.histogram(inside[truth], edges)[0],
        np.histogram(inside[~truth], edges)[0],
    )

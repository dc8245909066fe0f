"""Place of one film's probability among films of known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.predictions.predictions import LabelPredictions

__all__ = ["Place", "place_of"]


@dataclass(frozen=True)
class Place:
    """Place of a probability among the scores of films with a finding and without.

    Attributes:
        probability: of the film, in 0..1.
        above_with: share of the films with the finding that score lower; NaN without such films.
        above_without: share of the films without it that score lower; NaN without such films.
    """

    probability: float
    above_with: float
    above_without: float


def place_of(probability: float, films: LabelPredictions) -> Place:
    """Place of a film among those of known truth; films of the same score do not count as lower.

    Args:
        probability: of the finding on the film, in 0..1.
        films: of known truth.
    """
    lower = films.scores < probability
    return Place(probability, _share(lower[films.truth]), _share(lower[~films.truth]))


def _share(which: np.ndarray) -> float:
    return float(which.mean()) if len(which) else float("nan")

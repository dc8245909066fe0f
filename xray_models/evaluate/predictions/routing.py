"""Routing by body part, for many films at once: one part, two that are close, or none.

A film is refused for being unlike all parts, never for lying between two of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xray_models import NONE_OF_THESE

__all__ = ["ABSTAINS", "CLOSE", "Routed", "route"]

ABSTAINS = -1

CLOSE = 1 / 3
"""A second part is named, too, where it has this share of the first one's probability.

On the detector's validation films the right part is then among those named on 97 % of the films
that are read, and 4 % of them name two.
"""


@dataclass(frozen=True, eq=False)
class Routed:
    """Where films are sent.

    Attributes:
        part: index of the most probable part among the labels, or `ABSTAINS`; int, (films,).
        also: index of a second part that is close, or `ABSTAINS`; int, (films,).
    """

    part: np.ndarray
    also: np.ndarray

    @property
    def read(self) -> np.ndarray:
        """Whether a film is sent anywhere, bool, (films,)."""
        return self.part != ABSTAINS

    def names(self, truth: np.ndarray) -> np.ndarray:
        """Whether one of the parts that are named is the true one, bool, (films,).

        Args:
            truth: index of each film's part among the labels, int, (films,).
        """
        return self.read & ((self.part == truth) | (self.also == truth))


def route(
    probabilities: np.ndarray,
    labels: Sequence[str],
    thresholds: Mapping[str, float | np.ndarray],
) -> Routed:
    """Send each film to its most probable part, unless it is too likely none of them.

    Args:
        probabilities: of every label including "none of these", shape (films, labels).
        labels: the body-part model's labels, in the order of the columns.
        thresholds: the probability of "none of these" from which a film is refused, for all films
            or each, shape (films,). Thresholds of other labels are not looked at.

    Raises:
        ValueError: shapes differ, or there is no threshold or column for "none of these".
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != len(labels):
        raise ValueError(
            f"Probabilities of shape {probabilities.shape} do not fit {len(labels)} labels."
        )
    if NONE_OF_THESE not in labels or NONE_OF_THESE not in thresholds:
        raise ValueError(f"Routing needs a column and a threshold for {NONE_OF_THESE!r}.")
    none = list(labels).index(NONE_OF_THESE)
    read = probabilities[:, none] < thresholds[NONE_OF_THESE]
    of_parts = np.delete(probabilities, none, axis=1)
    columns = np.delete(np.arange(len(labels)), none)
    order = np.argsort(-of_parts, axis=1, kind="stable")
    films = np.arange(len(probabilities))
    first, second = order[:, 0], order[:, 1]
    close = of_parts[films, second] >= CLOSE * of_parts[films, first]
    return Routed(
        np.where(read, columns[first], ABSTAINS), np.where(read & close, columns[second], ABSTAINS)
    )

"""Routing of films to body parts, or to none: `pipeline.route`, for many films at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["ABSTAINS", "route"]

ABSTAINS = -1


def route(
    probabilities: np.ndarray,
    labels: Sequence[str],
    thresholds: Mapping[str, float | np.ndarray],
) -> np.ndarray:
    """Send each film to its most probable label, if that is a part and probable enough.

    Args:
        probabilities: of every label including "none of these", shape (films, labels).
        labels: the body-part model's labels, in the order of the columns.
        thresholds: least probability for each part, for all films or each, shape (films,); a label
            without a threshold is never routed to.

    Returns:
        Index into `labels`, or -1 where the model abstains; int of shape (films,).

    Raises:
        ValueError: shapes differ, or a threshold is for a label that the model does not have.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != len(labels):
        raise ValueError(
            f"Probabilities of shape {probabilities.shape} do not fit {len(labels)} labels."
        )
    unknown = sorted(set(thresholds) - set(labels))
    if unknown:
        raise ValueError(f"Threshold for unknown label(s) {', '.join(unknown)}.")
    first = probabilities.argmax(axis=1)
    films = np.arange(len(probabilities))
    least = np.empty(probabilities.shape)
    for column, label in enumerate(labels):
        least[:, column] = thresholds.get(label, np.inf)
    return np.where(probabilities[films, first] >= least[films, first], first, ABSTAINS)

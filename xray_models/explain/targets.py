"""Targets of heatmaps: weighted sums of logits, apart from how they are explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Target", "combined", "difference", "logit"]


@dataclass(frozen=True)
class Target:
    """A target: the score that is explained, sum over labels of weight x logit.

    Attributes:
        weights: one per label.
    """

    weights: tuple[float, ...]

    def vector(self) -> np.ndarray:
        """Weights of the labels, float32, (labels,)."""
        return np.array(self.weights, np.float32)

    def __neg__(self) -> Target:
        return Target(tuple(-weight for weight in self.weights))


def logit(labels: Sequence[str], label: str) -> Target:
    """Target of one label, its logit: what speaks for it.

    Raises:
        ValueError: the model has no such label.
    """
    return combined(labels, (label,))


def combined(labels: Sequence[str], members: Sequence[str]) -> Target:
    """Target of several labels: their mean logit against the mean of the others.

    For a single member this is its plain logit.

    Raises:
        ValueError: the model lacks one of the members, or they are all of its labels.
    """
    for member in members:
        if member not in labels:
            raise ValueError(f"The model has no label {member!r}. Labels: {', '.join(labels)}.")
    if len(members) == 1:
        return Target(tuple(float(label == members[0]) for label in labels))
    others = len(labels) - len(members)
    if others == 0:
        raise ValueError("A finding made of every label of a model has nothing to stand against.")
    return Target(tuple(1 / len(members) if label in members else -1 / others for label in labels))


def difference(labels: Sequence[str], label: str, other: str) -> Target:
    """Target of `label` over `other`: the difference of their logits.

    Raises:
        ValueError: the model lacks one of the two.
    """
    first, second = logit(labels, label).weights, logit(labels, other).weights
    return Target(tuple(a - b for a, b in zip(first, second, strict=True)))

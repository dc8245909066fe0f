"""Queries to a model: what speaks for a finding, against it, or for it over another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xray_models.catalogue import Card
from xray_models.catalogue.display_names import display_name
from xray_models.explain import targets
from xray_models.explain.targets import Target
from xray_models.inference.predict import calibrated

__all__ = ["DIRECTIONS", "Query", "rivals"]

DIRECTIONS = ("for", "against", "over")


@dataclass(frozen=True)
class Query:
    """A query to a model: a label and a direction.

    Attributes:
        label: one of its labels or combined findings.
        direction: one of `DIRECTIONS`.
        other: for "over", the label or combined finding that it is set against.
    """

    label: str
    direction: str = "for"
    other: str = ""

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise ValueError(
                f"There is no direction {self.direction!r}. Known: {', '.join(DIRECTIONS)}."
            )

    @property
    def words(self) -> str:
        """The query in words, such as "what speaks against pneumonia"."""
        if self.direction == "over":
            return (
                f"what speaks for {display_name(self.label)} rather than {display_name(self.other)}"
            )
        return f"what speaks {self.direction} {display_name(self.label)}"

    def target(self, card: Card) -> Target:
        """Target that answers the query: a weighted sum of logits.

        Raises:
            ValueError: the model has no such label, or "over" sets a finding against itself or
                against a part of itself.
        """
        members = card.members(self.label)
        if self.direction == "over":
            others = card.members(self.other)
            if self.label == self.other:
                raise ValueError(
                    f"{self.label} cannot be set against itself. Name another label to set it "
                    f"against: {', '.join(rivals(card, self.label))}."
                )
            if both := set(members) & set(others):
                part = f"{self.label} cannot be set against {self.other}, a part of it."
                whole = f"{self.label} cannot be set against {self.other}, which it is a part of."
                raise ValueError(part if set(others) == both else whole)
            apart = [
                targets.difference(card.labels, one, other).vector()
                for one in members
                for other in others
            ]
            return Target(tuple(float(weight) for weight in np.mean(apart, axis=0)))
        found = targets.combined(card.labels, members)
        return -found if self.direction == "against" else found

    def probability(self, card: Card, logits: np.ndarray) -> np.ndarray:
        """Probability, by the model, of what was asked for.

        Args:
            card: of the model.
            logits: (inputs, labels), before calibration.

        Returns:
            float64 in 0..1, (inputs,): the finding's calibrated probability; its complement for
            "against"; for "over" its share in the sum of both.
        """
        values = calibrated(logits, card.calibration, card.activation)
        own = values[:, np.isin(card.labels, card.members(self.label))].sum(axis=1)
        if self.direction == "against":
            return 1 - own
        if self.direction == "over":
            other = values[:, np.isin(card.labels, card.members(self.other))].sum(axis=1)
            return own / np.maximum(own + other, np.finfo(np.float64).tiny)
        return own


def rivals(card: Card, label: str) -> tuple[str, ...]:
    """Labels of a model that a finding can be set against."""
    return tuple(one for one in card.labels if one not in card.members(label))

"""Subgroups of films: the AUC of each, and whether it stands out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xray_models.evaluate.metrics.bootstrap import REPLICATES, SEED, Estimate, bootstraps
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.predictions.predictions import FEW, Predictions

__all__ = ["Subgroup", "by"]


@dataclass(frozen=True)
class Subgroup:
    """Subgroup of films: one value of a column, for one label.

    Attributes:
        column, value: for example view, PA; an empty value means that it is not known.
        films, positives: of known truth.
        auc: with its 95 % interval; NaN without positives or without negatives.
        difference: of this AUC from that of all other films, with its 95 % interval.
        notes: sentences to show beside it: small, or different; empty if neither.
    """

    column: str
    value: str
    films: int
    positives: int
    auc: Estimate
    difference: Estimate
    notes: tuple[str, ...]

    @property
    def small(self) -> bool:
        """Whether there are too few films with or without the finding to say much."""
        return min(self.positives, self.films - self.positives) < FEW

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference leaves out zero."""
        return self.difference.low > 0 or self.difference.high < 0


def by(
    predictions: Predictions,
    label: str,
    column: str,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> list[Subgroup]:
    """AUC of one label in each subgroup, with bootstrap intervals over groups.

    Subgroup and rest are measured on the same resamples, so that patients with films in both count
    as they should. Intervals are not corrected for how many subgroups are looked at.

    Args:
        predictions: films with `column` among their subgroups.
        label: one of its labels.
        column: by which to divide the films.
        replicates: resamples of the groups.
        seed: of the resampling.

    Returns:
        A subgroup per value, in alphabetical order, those without known truth left out.

    Raises:
        ValueError: no such label or column.
    """
    if column not in predictions.subgroups:
        known = ", ".join(predictions.subgroups) or "none"
        raise ValueError(
            f"{predictions.name} has no column {column!r} to divide by. Columns: {known}."
        )
    one = predictions.of(label)
    values = predictions.subgroups[column][one.rows]
    if not len(values):
        return []
    names = [str(value) for value in np.unique(values)]
    inside = {name: values == name for name in names}
    # films outside get no truth, so that they are left out
    own = {name: _ranking(one.truth, one.scores, inside[name]) for name in names}
    rest = {name: _ranking(one.truth, one.scores, ~inside[name]) for name in names}

    def measures(weights: np.ndarray) -> dict[str, np.ndarray]:
        found = {}
        for name in names:
            found[f"auc {name}"] = own[name].auc(weights)
            found[f"difference {name}"] = found[f"auc {name}"] - rest[name].auc(weights)
        return found

    found = bootstraps(measures, one.groups, replicates, seed)
    return [
        _noted(
            Subgroup(
                column,
                name,
                int(inside[name].sum()),
                int(one.truth[inside[name]].sum()),
                found[f"auc {name}"],
                found[f"difference {name}"],
                (),
            )
        )
        for name in names
    ]


def _ranking(truth: np.ndarray, scores: np.ndarray, chosen: np.ndarray) -> Ranking:
    return Ranking(np.where(chosen, truth, np.nan), scores)


def _noted(one: Subgroup) -> Subgroup:
    notes = []
    if one.small:
        notes.append(
            f"Small: {one.positives} films with and {one.films - one.positives} without the "
            "finding; read its figure with care."
        )
    if one.differs:
        side = "lower" if one.difference.value < 0 else "higher"
        notes.append(
            f"Differs: its AUC is {abs(one.difference.value):.3f} {side} than that of the other "
            f"films (95 % interval {one.difference.low:+.3f} to {one.difference.high:+.3f})."
        )
    return replace(one, notes=tuple(notes))

"""Text on how far to trust the map that is shown: a graded line, and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass

from xray_models.catalogue import Card
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.explanations.evidence import Localization, evidence
from xray_models.evaluate.predictions.predictions import FEW
from xray_models.explain import MethodSpec
from xray_models.explain.queries import Query
from xray_models.report import heatmap_text

__all__ = ["GRADES", "Trust", "graded", "trust"]

GRADES = ("well", "weakly", "not at all")
"""How well the place that a map shows was measured."""

_UNMEASURED = (
    "Nobody has measured how well such a map shows {what}, so take it as a hint of where to look "
    "and no more."
)


@dataclass(frozen=True)
class Trust:
    """How far to trust a map.

    Attributes:
        grade: how well its place was measured, one of `GRADES`.
        line: a sentence that says so, and on what.
        numbers: what was measured, in two sentences; see `trust`.
    """

    grade: str
    line: str
    numbers: str


def graded(
    card: Card,
    query: Query,
    spec: MethodSpec | str,
    probability: float | None = None,
) -> Trust:
    """Grade of a map, as a line, with the numbers behind it. Arguments and errors as of `trust`."""
    numbers = trust(card, query, spec, probability)
    found = None
    if query.direction == "for" and query.label in card.thresholds:
        found = evidence(card.id, query.label, spec, positive=True).localization
    grade, why = _grade(found)
    if grade == GRADES[-1]:
        return Trust(grade, f"Place not measured at all: {why}.", numbers)
    return Trust(grade, f"Place measured {grade}: {why}.", numbers)


def _grade(found: Localization | None) -> tuple[str, str]:
    """Grade of what was measured against boxes that people drew, and why."""
    well, weakly, never = GRADES
    if found is None:
        return never, "take the map as a hint of where to look"
    pointing, share = found.pointing, found.share
    on = f"on {share.films:,} films"
    if share.others:
        return weakly, f"{on}, most or all with other findings"
    if pointing.worse or share.worse:
        return weakly, f"{on} the usual place was the better guess"
    if not (pointing.better or share.better):
        return weakly, f"{on} it was no better than guessing the usual place"
    if share.seen:
        return weakly, f"{on} that the model was trained on"
    if share.films < FEW:
        return weakly, f"{on} only"
    return well, f"{on} it was better than guessing the usual place"


def trust(
    card: Card,
    query: Query,
    spec: MethodSpec | str,
    probability: float | None = None,
) -> str:
    """Two sentences on how far to trust a map, drawn from stored figures.

    Figures are of findings, explained by methods at layers that were measured.

    Args:
        card: of the model.
        query: what was asked.
        spec: method and layers of the map, or their text.
        probability: of the query's label on this film; None for a label that is no finding.

    Raises:
        MethodTableError: a stored table cannot be used.
    """
    threshold = card.thresholds.get(query.label)
    label = display_name(query.label)
    name = f"{label[0].upper()}{label[1:]}"
    if threshold is None or probability is None:
        call = f"{name} is no finding with a threshold, so there is no call to explain."
    elif query.direction == "for":
        positive = probability >= threshold
        return heatmap_text.trust(evidence(card.id, query.label, spec, positive))
    else:
        side = "above" if probability >= threshold else "below"
        call = f"The finding {label} is {side} its threshold here."
    return f"{_UNMEASURED.format(what=query.words)} {call}"

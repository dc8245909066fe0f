"""Text on how far to trust the map that is shown, whatever was asked: two sentences."""

from __future__ import annotations

from xray_models.catalogue import Card
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.explanations.evidence import evidence
from xray_models.explain import MethodSpec
from xray_models.explain.queries import Query
from xray_models.report import heatmap_text

__all__ = ["trust"]

_UNMEASURED = (
    "Nobody has measured how well such a map shows {what}, so take it as a hint of where to look "
    "and no more."
)


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

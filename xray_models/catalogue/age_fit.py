"""Rule on whom a model was made for: whether it may speak first about a patient of some age."""

from __future__ import annotations

from xray_models.catalogue.cards import Card
from xray_models.radiograph.ages import ADULT, CHILD

__all__ = ["misfit"]

_GROUPS = {"children": CHILD, "adults": ADULT}


def misfit(card: Card, age_group: str | None) -> str:
    """Sentence on why a model does not fit a patient's age; empty where it does.

    A model that was made for one age group fits nobody whose age is not known to be in it: its
    answer for the others has no measure.

    Args:
        card: of the model.
        age_group: "child", "adult", or None where nobody knows.
    """
    group = _GROUPS.get(card.ages)
    if group in (None, age_group):
        return ""
    if age_group is None:
        return f"It was made for {card.ages}, and this patient's age is not known."
    whose = "a child's" if age_group == CHILD else "an adult's"
    return f"It was made for {card.ages}, and this is {whose} film."

"""Model in two short sentences: the figure that says most, and its gravest limit."""

from __future__ import annotations

from xray_models.catalogue import Card
from xray_models.report.worth_text import UNMEASURED

__all__ = ["gravest", "held_out"]

_WORDS = 20  # of a sentence that is read at a glance


def held_out(card: Card) -> str:
    """Figure that says most about how good a model is, in a sentence."""
    figures = card.held_out.figures
    if not figures:
        return UNMEASURED
    combined = tuple(f"AUC, {name} " for name in card.combined)
    asked = f", {card.asked.name}" if card.asked else ""
    name = min(
        figures,
        key=lambda one: (
            not one.endswith(asked),
            one not in ("AUC", "mean AUC"),
            not one.startswith(combined),
            not one.startswith("AUC"),
        ),
    )
    one = figures[name]
    among = f"the {card.asked.name} among " if card.asked else ""
    return (
        f"{name[0].upper()}{name[1:].removesuffix(asked)} {one.value:.2f} ({one.low:.2f} to "
        f"{one.high:.2f}) on {among}{card.held_out.counted} held out."
    )


def gravest(card: Card) -> str:
    """Gravest limit of a model, in a sentence; empty where its card names none."""
    first, _, _ = "".join(card.limits[:1]).partition(". ")
    if len(first.split()) > _WORDS:  # what follows a colon is why
        first, _, _ = first.partition(":")
    return f"{first.removesuffix('.')}." if first else ""

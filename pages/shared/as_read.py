"""Sentences on a bone model as part of the app, for pages."""

from __future__ import annotations

from xray_models.catalogue import Card
from xray_models.report import whole_films_text

__all__ = ["as_read"]


def as_read(card: Card | None = None) -> str:
    """What the app reaches on whole films; "" for other models, or where tables cannot be used.

    Args:
        card: of a model; None for all bone models together.
    """
    try:
        return whole_films_text.sentences(card)
    except ValueError:
        return ""

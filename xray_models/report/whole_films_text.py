"""Text on a bone model as part of the app: films that the detector refuses count as missed."""

from __future__ import annotations

from xray_models.catalogue import Card
from xray_models.evaluate.whole_films import WholeFilms, of_catalogue
from xray_models.number_text import with_interval

__all__ = ["ALONE", "sentences"]

ALONE = "this model alone, on films that reach it"
"""Name of the figures that do not count what the detector refuses."""


def sentences(card: Card | None = None) -> str:
    """Sentences on whole films, detector and bone models together; "" for other models.

    Args:
        card: of the model whose part is counted too; None for all of them together.

    Raises:
        TableError: a held-out table cannot be used.
    """
    asked = card is None or (card.task == "bone" and card.measured)
    found = of_catalogue() if asked else None
    if found is None:
        return ""
    parts = card.parts if card is not None else ()
    return _over_all(found) + (_of_part(*parts, found) if len(parts) == 1 else "")


def _over_all(found: WholeFilms) -> str:
    return (
        f"On {found.films} whole films of arms and shoulders, the detector and the models together "
        f"reach AUC {with_interval(found.figures['AUC'])}. "
        f"{found.fractured} of these are fractured, and no model learned from any. "
        f"The {found.refused} that the detector refuses count as missed."
    )


def _of_part(part: str, found: WholeFilms) -> str:
    one = found.parts.get(part)
    if one is None:
        return f" None of them shows the {part}."
    others = one.films - one.fractured
    called = [
        f"{count} of {among} {which}"
        for count, among, which in (
            (one.found, one.fractured, "with a fracture"),
            (one.false_alarms, others, "without"),
        )
        if among
    ]
    return (
        f" Of the {one.films} films of the {part}, the app refuses {one.refused}. "
        f"It calls {' and '.join(called)}."
    )

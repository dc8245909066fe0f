"""Text about a model's heatmaps, from the stored tables."""

from __future__ import annotations

from collections.abc import Sequence

from xray_models.catalogue import Card
from xray_models.evaluate.explanations import scoreboard
from xray_models.evaluate.explanations.scoreboard import PLACES, SCRAMBLED, SHUFFLED, USES, Worth
from xray_models.number_text import UNDEFINED, with_interval
from xray_models.report.text_table import grid

__all__ = ["lines"]


def lines(card: Card) -> list[str]:
    """Lines of text: a table for each collection of films with boxes, then one without boxes.

    The measurements themselves take hours: `measure localization`, `faithfulness`, `sanity`.

    Raises:
        ValueError: a stored table cannot be used.
    """
    found: list[str] = []
    for films in scoreboard.films(card.id):
        seen = ", which it was trained on" if films.seen else ""
        title = f"Heatmaps against boxes of {films.label}: {films.count} of {films.data}{seen}"
        found += _table(title, scoreboard.worth(card.id, films), PLACES)
    without = scoreboard.worth(card.id, None)
    return found + _table("Heatmaps without boxes", without, (*USES, SCRAMBLED, SHUFFLED))


def _table(title: str, rows: Sequence[Worth], measures: Sequence[str]) -> list[str]:
    measured = [row for row in rows if any(name in row.figures for name in measures)]
    columns = [name for name in measures if any(name in row.figures for row in measured)]
    if not measured:
        return []
    return [
        "",
        title,
        *grid(
            ["", "films", *columns],
            [
                [
                    row.name,
                    _films(row, columns),
                    *(
                        with_interval(row.figures[name]) if name in row.figures else UNDEFINED
                        for name in columns
                    ),
                ]
                for row in measured
            ],
        ),
    ]


def _films(row: Worth, columns: Sequence[str]) -> str:
    counts = [row.films[name] for name in columns if name in row.films]
    return str(max(counts)) if counts else UNDEFINED

"""Text on when a model cannot tell, recomputed from its held-out films."""

from __future__ import annotations

from collections.abc import Sequence

from xray_models.catalogue import Card
from xray_models.evaluate import conformal
from xray_models.evaluate.conformal import Coverage
from xray_models.number_text import decimals, percent
from xray_models.report.text_table import grid

__all__ = ["lines"]

_HEAD = ("", "with", "covered", "without", "covered", "cannot tell", "right of clear")


def lines(card: Card) -> list[str]:
    """Lines of text: bands and their coverage by cross-validation; none for a body-part detector.

    Raises:
        TableError: a held-out table cannot be used.
    """
    found = conformal.cross_validated(card)
    if not found:
        return []
    named = [
        f"{label}: cannot tell from {band.low:.4f} to below {band.high:.4f}"
        for label, band in card.bands.items()
    ]
    same = card.bands == conformal.bands(card)
    rows = [(_name(one), one) for one in found]
    rows += [(f"{one.label}, {name}", one) for name, one in conformal.elsewhere(card).items()]
    return [
        "",
        f"Clear answers and none, for {conformal.COVERAGE:.0%} coverage of each class",
        *named,
        *_table(rows),
        "The card quotes the same bands." if same else "The card quotes other bands: measure them.",
    ]


def _name(one: Coverage) -> str:
    return f"{one.label}, {one.column} {one.value or '(empty)'}" if one.column else one.label


def _table(rows: Sequence[tuple[str, Coverage]]) -> list[str]:
    return grid(
        list(_HEAD),
        [
            [
                name,
                f"{one.films_with:,}",
                decimals(one.with_it),
                f"{one.films_without:,}",
                decimals(one.without),
                percent(one.cannot_tell, 0),
                decimals(one.right),
            ]
            for name, one in rows
        ],
    )

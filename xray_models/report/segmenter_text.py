"""Text about a segmentation network: its figures, recomputed from the stored tables."""

from __future__ import annotations

from xray_models.catalogue.cards import HeldOut
from xray_models.catalogue.segmenters import SegmenterCard, table_path
from xray_models.evaluate import segmentation

__all__ = ["report"]


def report(card: SegmenterCard) -> str:
    """Every figure of a segmentation network with its 95 % interval.

    Raises:
        TableError: a table is missing or malformed.
    """
    lines = [f"{card.id}: {card.name}", *_lines("Held out", card.held_out)]
    for name, check in card.checks.items():
        lines += _lines(f"Check, {name}", check)
    return "\n".join(lines)


def _lines(title: str, held_out: HeldOut) -> list[str]:
    table = segmentation.load(table_path(held_out))
    lines = [f"{title}: {held_out.films:,} films of {held_out.groups:,} groups"]
    for name, one in segmentation.estimates(table).items():
        lines.append(f"  {name:<28} {one.value:.3f} ({one.low:.3f} to {one.high:.3f})")
    return lines

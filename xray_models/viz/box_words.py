"""Words of boxes, the same on the screen and in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_models.catalogue.display_names import display_name
from xray_models.number_text import percent

if TYPE_CHECKING:
    from xray_models.explain.boxes import Box

__all__ = ["caption"]


def caption(box: Box) -> str:
    """Caption of a box: its label and its share of the heat."""
    if box.mass is None:
        return display_name(box.label)
    return f"{display_name(box.label)}, {percent(box.mass)} of the heat"

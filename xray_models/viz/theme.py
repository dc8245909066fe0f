"""Theme of the Plotly figures, each of which carries its numbers and words for it.

Text takes the color of whatever theme the page has. Every color below stands at 3:1 or better on a
light and on a dark page, and no meaning is told by color alone: lines differ in their dashes,
points in their shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

__all__ = [
    "DASHES",
    "HEIGHT",
    "MODEL",
    "OTHER",
    "QUIET",
    "SERIES",
    "SYMBOLS",
    "Plot",
    "faded",
    "laid_out",
    "unit_axis",
]

MODEL = "#1c87a8"
OTHER = "#d97706"
QUIET = "#7b8a97"
SERIES = (MODEL, OTHER, "#8b6fc0", "#5a8f3c", "#c2577e")
"""Of models that are compared."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "square", "triangle-up", "cross", "x")

HEIGHT = 340


@dataclass(frozen=True, eq=False)
class Plot:
    """Figure with the numbers behind it and words for it.

    Attributes:
        name: of its files, without an ending.
        figure: for the screen; its points may be thinned.
        data: gives all its numbers; only made when somebody wants them.
        alt: what it shows, for those who can't see it.
    """

    name: str
    figure: go.Figure
    data: Callable[[], pd.DataFrame]
    alt: str


def faded(color: str, opacity: float) -> str:
    """Translucent color of a color "#rrggbb", as "rgba(...)"."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def laid_out(figure: go.Figure, x: str, y: str, height: int = HEIGHT, **layout: Any) -> go.Figure:
    """Lay a figure out with margins, axes and legend as all have them.

    Args:
        figure: to lay out; it is changed.
        x, y: what the axes tell.
        height: in pixels.
        layout: more of Plotly's layout.
    """
    figure.update_layout(
        height=height,
        margin={"l": 56, "r": 12, "t": 12, "b": 48},
        xaxis_title={"text": x, "standoff": 8},
        yaxis_title={"text": y, "standoff": 4},
        # on touch screens a finger must be able to scroll past
        dragmode=False,
        hoverlabel={"namelength": -1},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_layout(**layout)
    return figure


def unit_axis(**more: Any) -> dict[str, Any]:
    """An axis of shares, from 0 to 1 with room for a point at its ends."""
    return {"range": [-0.02, 1.02], "tickformat": ".1f", "dtick": 0.2, "zeroline": False} | more

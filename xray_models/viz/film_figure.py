"""Films and overlays side by side in one Plotly figure with one zoom, answering the mouse."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from xray_models.catalogue.display_names import display_name
from xray_models.viz.overlay import BOX_COLOR, encode
from xray_models.viz.plotly_text import escaped

if TYPE_CHECKING:
    from xray_models.explain.boxes import Box
from xray_models.number_text import percent

__all__ = ["CONFIG", "Grid", "Hover", "Picture", "caption", "figure"]

_GAP = 0.02  # between pictures, in widths of a picture
_LINE = 0.066  # of the words under each, in widths of a picture
_LINE_NARROW = 0.1  # where at most two are beside each other
_TALLEST = 1.45  # a taller film gets black sides instead of a picture that no screen holds
_TALLEST_NARROW = 2.0
_WORDS = "#e5ebf0"  # on black, whatever the theme
CONFIG = {
    "displaylogo": False,
    "modeBarButtons": [["zoom2d", "zoomIn2d", "zoomOut2d", "pan2d", "resetScale2d"]],
}
"""For Plotly: what its tool bar offers."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Picture of a figure, with its lines and boxes.

    Attributes:
        pixels: uint8 RGB, of the film's proportions.
        lines: of words under it, the first in bold.
        boxes: to draw, in pixels of the film.
        named: whether boxes carry their label and share of the heat.
    """

    pixels: np.ndarray
    lines: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    named: bool = True


@dataclass(frozen=True, eq=False)
class Hover:
    """Values that a figure tells where the mouse points: the same in each picture.

    Attributes:
        intensity: of the film in percent, uint8, (rows, columns).
        heats: name -> heat in percent, uint8, same shape.
    """

    intensity: np.ndarray
    heats: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Grid:
    """Grid in which the pictures of a figure lie.

    Attributes:
        count: of pictures.
        columns: at most so many beside each other.
        film: (height, width) of the film in pixels.
        lines: of words under each picture that there is room for.
    """

    count: int
    columns: int
    film: tuple[int, int]
    lines: int = 0

    @property
    def across(self) -> int:
        """Number of pictures beside each other."""
        return max(1, min(self.columns, self.count))

    @property
    def down(self) -> int:
        """Number of rows of pictures."""
        return -(-self.count // self.across)

    @property
    def shape(self) -> tuple[float, float]:
        """Heights of a picture and of its words, in widths of a picture."""
        tallest = _TALLEST_NARROW if self.columns == 1 else _TALLEST
        line = _LINE_NARROW if self.columns <= 2 else _LINE
        return min(self.film[0] / self.film[1], tallest), line * self.lines

    @property
    def size(self) -> tuple[float, float]:
        """Size (height, width) of the figure, in widths of a picture."""
        height = self.down * sum(self.shape) + (self.down - 1) * _GAP
        return height, self.across + (self.across - 1) * _GAP

    @property
    def ratio(self) -> float:
        """Width of the figure over its height: a frame of this ratio has no empty bands."""
        height, width = self.size
        return width / height

    def domain(self, index: int) -> tuple[list[float], list[float]]:
        """Domain of a picture: ([left, right], [bottom, top]) in shares of the figure."""
        height, width = self.size
        picture, strip = self.shape
        row, column = divmod(index, self.across)
        left = column * (1 + _GAP)
        top = height - row * (picture + strip + _GAP)
        across = [left / width, (left + 1) / width]
        down = [(top - picture) / height, top / height]
        # Plotly refuses a hair's breadth outside
        return [min(max(one, 0.0), 1.0) for one in across], [
            min(max(one, 0.0), 1.0) for one in down
        ]


def figure(pictures: Sequence[Picture], grid: Grid, hover: Hover) -> go.Figure:
    """Figure of pictures in the film's own coordinates; zooming or moving one does so to all.

    Args:
        pictures: of one film, as many as the grid says.
        grid: how they lie.
        hover: what they say where the mouse points.

    Returns:
        A figure without a size: its frame should have the grid's ratio.
    """
    shown = go.Figure()
    height, width = grid.film
    layout: dict[str, object] = {}
    for index, picture in enumerate(pictures):
        end = "" if index == 0 else str(index + 1)
        shown.add_trace(_answers(hover, grid.film, f"x{end}", f"y{end}"))
        across, down = grid.domain(index)
        axis = {"visible": False, "constrain": "domain"}
        layout[f"xaxis{end}"] = axis | {
            "domain": across,
            "range": [0, width],
            "anchor": f"y{end}",
            **({"matches": "x"} if index else {}),
        }
        layout[f"yaxis{end}"] = axis | {
            "domain": down,
            "range": [height, 0],
            "anchor": f"x{end}",
            "scaleanchor": f"x{end}",
            **({"matches": "y"} if index else {}),
        }
        encoded = base64.b64encode(encode(picture.pixels, "JPEG")).decode()
        shown.add_layout_image(
            source=f"data:image/jpeg;base64,{encoded}",
            xref=f"x{end}",
            yref=f"y{end}",
            x=0,
            y=0,
            sizex=width,
            sizey=height,
            sizing="stretch",
            layer="below",
        )
        for box in picture.boxes:
            _draw_box(shown, box, grid.film, end, picture.named)
        if picture.lines:
            first, *others = map(escaped, picture.lines)
            shown.add_annotation(
                text="<br>".join([f"<b>{first}</b>", *others]),
                xref="paper",
                yref="paper",
                x=across[0],
                y=down[0],
                xanchor="left",
                yanchor="top",
                align="left",
                showarrow=False,
                font={"color": _WORDS, "size": 12},
            )
    shown.update_layout(
        **layout,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor="black",  # films are read on black, whatever the theme
        plot_bgcolor="black",
        dragmode=False,  # a finger must be able to scroll past
        hoverlabel={"align": "left"},
        uirevision=f"{grid}",  # keep the zoom while controls move
    )
    return shown


def _answers(hover: Hover, film: tuple[int, int], x: str, y: str) -> go.Heatmap:
    """An invisible grid over a picture that tells position, intensity and heat."""
    rows, columns = hover.intensity.shape
    cell_y, cell_x = film[0] / rows, film[1] / columns
    lines = [
        f"{escaped(name)} %{{customdata[{index}]}} %" for index, name in enumerate(hover.heats)
    ]
    return go.Heatmap(
        z=hover.intensity,
        customdata=np.stack([*hover.heats.values()], axis=-1) if lines else None,
        x0=cell_x / 2,
        dx=cell_x,
        y0=cell_y / 2,
        dy=cell_y,
        xaxis=x,
        yaxis=y,
        opacity=0,  # only there to answer the mouse
        showscale=False,
        hovertemplate="<br>".join(["x %{x:.0f}, y %{y:.0f} px", "intensity %{z} %", *lines])
        + "<extra></extra>",
    )


def _draw_box(shown: go.Figure, box: Box, film: tuple[int, int], end: str, named: bool) -> None:
    """A box with a dark edge, so that it shows on bright bone and on bright heat."""
    x0, y0, x1, y1 = box.corners
    where = {"xref": f"x{end}", "yref": f"y{end}"}
    for color, line in (("black", 4), (BOX_COLOR, 2)):
        shown.add_shape(
            type="rect", x0=x0, y0=y0, x1=x1, y1=y1, line={"color": color, "width": line}, **where
        )
    if not named:
        return
    to_the_left = (x0 + x1) / 2 > 0.5 * film[1]
    above = y0 > 0.08 * film[0]
    shown.add_annotation(
        text=escaped(caption(box)),
        x=x1 if to_the_left else x0,
        y=y0,
        xanchor="right" if to_the_left else "left",
        yanchor="bottom" if above else "top",
        showarrow=False,
        bgcolor="rgba(0, 0, 0, 0.72)",
        font={"color": BOX_COLOR, "size": 12},
        **where,
    )


def caption(box: Box) -> str:
    """Caption of a box: its label and its share of the heat."""
    if box.mass is None:
        return display_name(box.label)
    return f"{display_name(box.label)}, {percent(box.mass)} of the heat"

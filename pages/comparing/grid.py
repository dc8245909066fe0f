"""Grid of the film and its maps, aligned, under one zoom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.comparing.tiles import Tile
from pages.explaining import maps, queries
from xray_models.viz import film_figure, html, overlay
from xray_models.viz.film_figure import Grid, Hover, Picture

if TYPE_CHECKING:
    from xray_models.evaluate.explanations.single_film import TimedMap
    from xray_models.radiograph import Radiograph

__all__ = ["ACROSS", "ANSWERS", "FILM", "cost", "show"]

ACROSS = 5  # pictures beside each other on a desktop, at most
ANSWERS = 350_000  # cells of all hover grids together: they are sent at every move
FILM = "Radiograph"


def show(
    film: Radiograph,
    done: dict[Tile, TimedMap],
    words: dict[Tile, tuple[str, ...]],
    style: overlay.Style,
    phone: bool,
) -> None:
    """Draw the grid of the film and its maps.

    Args:
        film: the radiograph.
        done: its maps, in their order.
        words: the lines that name each map.
        style: of the heat.
        phone: whether there is room for two beside each other and no more.
    """
    gray = overlay.shrink(film.pixels, queries.SCREEN * 2 // 3)
    names = {tile: ", ".join(words[tile]) for tile in done}
    pictures = [Picture(overlay.film(gray), (FILM, f"{film.width} × {film.height} pixels"))]
    for tile, one in done.items():
        heat = one.heatmap.on_radiograph(gray.shape)
        pictures.append(Picture(overlay.overlay(gray, heat, style), (*words[tile], *cost(one))))
    count = len(pictures)
    rows = -(-count // ACROSS)
    across = 2 if phone else -(-count // rows)  # rows of like length
    lines = max(len(picture.lines) for picture in pictures)
    grid = Grid(count, across, (film.height, film.width), lines)
    cells = int(min(300, np.sqrt(ANSWERS / (count * max(1, count - 1)))))
    heats = {names[tile]: one.heatmap for tile, one in done.items()}
    figure = film_figure.figure(pictures, grid, Hover(*queries.percent_grid(film, heats, cells)))
    said = {names[tile]: maps.message(film, one.heatmap) for tile, one in done.items()}
    message = " ".join(f"{name}: {where}" for name, where in said.items())
    queries.frame("lightbox", grid)
    with st.container(key="lightbox"):
        st.plotly_chart(
            figure,
            theme=None,
            key="tiles",
            height="stretch",
            config=film_figure.CONFIG,
            alt=f"The radiograph and {len(done)} maps of it. {message}",
        )
    st.html(html.legend(overlay.ramp(style.colormap), style.threshold))
    st.markdown("\n".join(f"- **{name}**: {where}" for name, where in said.items()))
    st.caption(
        "One color scale for all, each map relative to its own hottest point on the film. Point at "
        "a picture to read every map there; zoom in one and all follow."
    )


def cost(one: TimedMap) -> tuple[str, str]:
    """Time and passes of a map, a line each."""
    time = queries.took(one.seconds)
    forward, backward = round(one.cost.forward), round(one.cost.backward)
    if backward:
        return time, f"{forward:,} + {backward:,} back passes"
    return time, queries.counted(forward, "pass") if forward else "no further pass"

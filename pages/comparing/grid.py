"""Film and its maps beside each other in the viewer, under one zoom and one color scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.comparing.tiles import Tile
from pages.explaining import maps, queries
from pages.explaining.overlay import film_data
from pages.viewer import component
from xray_models.viz import viewer_data
from xray_models.viz.viewer_data import MapSprite, View

if TYPE_CHECKING:
    from xray_models.evaluate.explanations.single_film import TimedMap
    from xray_models.radiograph import Radiograph

__all__ = ["cost", "show", "tile_id"]


def show(
    film_key: str,
    film: Radiograph,
    done: dict[Tile, TimedMap],
    words: dict[Tile, tuple[str, ...]],
) -> None:
    """Show the film and its maps; any two of them can be swiped or take turns.

    Args:
        film_key: of the film.
        film: the radiograph.
        done: its maps, in their order.
        words: the lines that name each map.
    """
    names = {tile: ", ".join(words[tile]) for tile in done}
    said = {
        tile: maps.message(film, one.heatmap, tile.question.model) for tile, one in done.items()
    }
    ids = {tile: tile_id(tile) for tile in done}
    component.show(
        View(
            film=film_data(film_key, film),
            title=f"The radiograph, {film.width} × {film.height} pixels.",
            # methods and layers differ in their grids
            sprites=tuple(MapSprite.of({ids[tile]: one.heatmap}) for tile, one in done.items()),
            where={ids[tile]: message for tile, message in said.items()},
            tiles=tuple(
                viewer_data.Tile(ids[tile], (*words[tile], *cost(one)))
                for tile, one in done.items()
            ),
            names={ids[tile]: names[tile] for tile in done},
        ),
        "tiles",
        film,
    )
    st.markdown("\n".join(f"- **{names[tile]}**: {where}" for tile, where in said.items()))
    st.caption("Each map is relative to its own hottest point on the film.")


def tile_id(tile: Tile) -> str:
    """Id of a map among those that are compared."""
    model, label = tile.question
    return f"{model}:{label}:{tile.direction}:{tile.other}:{tile.spec}"


def cost(one: TimedMap) -> tuple[str, str]:
    """Time and passes of a map, a line each."""
    time = queries.took(one.seconds)
    forward, backward = round(one.cost.forward), round(one.cost.backward)
    if backward:
        return time, f"{forward:,} + {backward:,} back passes"
    return time, queries.counted(forward, "pass") if forward else "no further pass"

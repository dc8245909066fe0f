"""Blinking: two pictures in turns at one place, so that what differs jumps to the eye."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from pages.comparing.grid import FILM
from pages.comparing.tiles import Tile
from pages.explaining import maps
from xray_models.viz import overlay

if TYPE_CHECKING:
    from xray_models.evaluate.explanations.single_film import TimedMap
    from xray_models.radiograph import Radiograph

__all__ = ["LONGEST", "show"]

LONGEST = 700  # pixels on the longer side of the two pictures


def show(
    film: Radiograph, done: dict[Tile, TimedMap], names: dict[Tile, str], style: overlay.Style
) -> None:
    """Choose two pictures and let them take turns."""
    st.header("Blink", anchor=False)
    # by name: a choice outlives the maps of the film or label before
    pictures: dict[str, Tile | None] = {FILM: None} | {names[tile]: tile for tile in done}
    choices = list(pictures)
    first_side, second_side, show_side = st.columns([2, 2, 2], vertical_alignment="bottom")
    with first_side:
        first = st.selectbox("First", choices, index=min(1, len(choices) - 2))
    with second_side:
        second = st.selectbox("Second", choices, index=len(choices) - 1)
    with show_side:
        turn = st.segmented_control(
            "Show", ["first", "second", "in turns"], default="first", required=True
        )
    gray = overlay.shrink(film.pixels, LONGEST)

    def source(one: Tile | None) -> str:
        pixels = overlay.film(gray)
        if one is not None:
            pixels = overlay.overlay(gray, done[one].heatmap.on_radiograph(gray.shape), style)
        return base64.b64encode(overlay.encode(pixels, "JPEG")).decode()

    shown = {"first": [first], "second": [second]}.get(str(turn), [first, second])
    figures = "".join(
        _figure(name, _where(film, done, pictures[name]), source(pictures[name])) for name in shown
    )
    turns = " rl-turns" if len(shown) > 1 else ""
    st.html(
        f'<div class="rl-blink{turns}" style="aspect-ratio:{film.width}/{film.height}">{figures}'
        "</div>"
    )


def _where(film: Radiograph, done: dict[Tile, TimedMap], one: Tile | None) -> str:
    """Where the heat of a map is, in a sentence; the film itself has none."""
    return "" if one is None else maps.message(film, done[one].heatmap)


def _figure(name: str, where: str, source: str) -> str:
    """A picture with its name and the place of its heat under it."""
    alt = escape(f"{name}: {where}" if where else name)
    message = f"<br><small>{escape(where)}</small>" if where else ""
    return (
        f'<figure><img alt="{alt}" src="data:image/jpeg;base64,{source}">'
        f"<figcaption>{escape(name)}{message}</figcaption></figure>"
    )

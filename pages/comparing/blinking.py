"""Two pictures in turns at one place: what differs jumps to the eye."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from pages.comparing.grid import FILM
from pages.comparing.tiles import Tile
from xray_models import render

if TYPE_CHECKING:
    from xray_models.evaluate.side_by_side import Tried
    from xray_models.radiograph import Radiograph

LONGEST = 700  # pixels on the longer side of the two pictures


def show(
    film: Radiograph, done: dict[Tile, Tried], names: dict[Tile, str], style: render.Style
) -> None:
    """Choose two pictures and let them take turns."""
    st.header("Blink", anchor=False)
    choices: list[Tile | None] = [None, *done]

    def words(one: Tile | None) -> str:
        return FILM if one is None else names[one]

    first_side, second_side, show_side = st.columns([2, 2, 2], vertical_alignment="bottom")
    with first_side:
        first = st.selectbox("First", choices, index=min(1, len(choices) - 2), format_func=words)
    with second_side:
        second = st.selectbox("Second", choices, index=len(choices) - 1, format_func=words)
    with show_side:
        turn = st.segmented_control(
            "Show", ["first", "second", "in turns"], default="first", required=True
        )
    grey = render.shrink(film.pixels, LONGEST)

    def source(one: Tile | None) -> str:
        pixels = render.film(grey)
        if one is not None:
            pixels = render.overlay(grey, done[one].heatmap.on_radiograph(grey.shape), style)
        return base64.b64encode(render.encode(pixels, "JPEG")).decode()

    shown = {"first": [first], "second": [second]}.get(str(turn), [first, second])
    figures = "".join(
        f'<figure><img alt="{escape(words(one))}" '
        f'src="data:image/jpeg;base64,{source(one)}">'
        f"<figcaption>{escape(words(one))}</figcaption></figure>"
        for one in shown
    )
    turns = " rl-turns" if len(shown) > 1 else ""
    st.html(
        f'<div class="rl-blink{turns}" style="aspect-ratio:{film.width}/{film.height}">{figures}'
        "</div>"
    )

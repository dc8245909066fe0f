"""Agreement of the maps: the rank correlation of each pair."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.comparing.tiles import Tile
from xray_models.viz import overlay

if TYPE_CHECKING:
    from xray_models.evaluate.explanations.single_film import TimedMap
    from xray_models.radiograph import Radiograph

__all__ = ["SMALL", "show"]

SMALL = 96  # pixels on the longer side of maps whose agreement is computed


def show(film: Radiograph, done: dict[Tile, TimedMap], names: dict[Tile, str]) -> None:
    """Table of the agreement of each pair, the darker the more alike."""
    from xray_models.evaluate.explanations.single_film import agreement

    st.header("Agreement", anchor=False)
    st.caption(
        "Rank correlation of each pair of maps. 1: the same order of heat everywhere. "
        "0: nothing in common. –: one of the two maps is the same everywhere."
    )
    shape = overlay.shrink(film.pixels, SMALL).shape
    found = agreement([one.heatmap.on_radiograph(shape) for one in done.values()])
    letters = [chr(ord("A") + i) for i in range(len(done))]
    heads = "".join(f'<th scope="col">{letter}</th>' for letter in letters)
    rows = "".join(
        f'<tr><th scope="row"><b>{letter}</b> {escape(names[tile])}</th>'
        + "".join(_cell(float(value)) for value in row)
        + "</tr>"
        for letter, tile, row in zip(letters, done, found, strict=True)
    )
    st.html(
        '<div class="rl-scroll" tabindex="0" role="region" aria-label="Agreement of the maps">'
        f'<table class="rl-agreement"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(value: float) -> str:
    """One number, the darker the higher."""
    if np.isnan(value):
        return '<td title="One of the two maps is the same everywhere.">–</td>'
    strength = max(0.0, value)
    return f'<td style="--rl-strength:{strength:.2f}">{value:.2f}</td>'.replace(">-", ">−")

"""Compare page: explanations of one film, side by side under one zoom and color scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.comparing import agreement, blinking, choosing, grid, measures, tiles
from pages.explaining import queries
from pages.shared import open_film, warm_up
from pages.shared.page import open_page, show_notice

if TYPE_CHECKING:
    from xray_models.pipeline import Reading

MOST = 12  # maps at a time: more can't be told apart
INTRODUCTION = (
    "One film, several explanations: where methods, models and layers agree, what each costs, and "
    "how faithful each is to the model on this very film."
)


def main() -> None:
    """The page, from top to bottom."""
    open_page("Compare explanations", notice=False)
    with warm_up.held_back():
        found = open_film.open_film(INTRODUCTION)
        if found is None:
            return
        opened, reading = found
        show_comparison(opened.key, reading, open_film.narrow())


@st.fragment
def show_comparison(film_key: str, reading: Reading, phone: bool) -> None:
    """Comparison of the film that is open. Changing something runs nothing but this."""
    show_notice()
    wanted = choosing.choose_tiles(reading)
    if not wanted:
        st.info("Choose at least one label and one method.")
        return
    if len(wanted) > MOST:
        st.warning(f"{len(wanted)} maps are too many to compare: the first {MOST} are shown.")
        wanted = wanted[:MOST]
    film = reading.radiograph
    done, slow = tiles.make(film_key, film, wanted)
    words = tiles.titles(wanted)
    names = {tile: ", ".join(lines) for tile, lines in words.items()}
    pictures = st.container()
    style = queries.choose_style()
    with pictures:
        grid.show(film, done, words, style, phone)
    tiles.run_slow(film_key, film, slow, names)
    if not done:
        return
    measured = st.container()
    if len(done) > 1:
        agreement.show(film, done, names)
    blinking.show(film, done, names, style)
    with measured:  # last: it starts work beside the page, and all else is on the screen by now
        measures.show(film_key, film, done, names)


main()

"""Compare page: explanations of one film, side by side under one zoom and color scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.comparing import agreement, choosing, grid, measures, tiles
from pages.shared import film_links, open_film, warm_up
from pages.shared.leaving import go_to
from pages.shared.page import open_page, show_notice
from pages.shared.plain import plain

if TYPE_CHECKING:
    from xray_models.pipeline import Reading

MOST = 12  # maps at a time: more can't be told apart
TITLE = "Compare explanations"
INTRODUCTION = (
    "One film, several explanations side by side: where they agree, what each costs, "
    "and how faithful it is."
)


def main() -> None:
    """The page, from top to bottom."""
    open_page(TITLE, notice=False, shown=False)
    with warm_up.held_back():
        found = open_film.open_film(TITLE, INTRODUCTION, gone=back_to_the_film)
        if found is None:
            return
        opened, reading = found
        show_head(reading)
        show_comparison(opened.key, reading)


def back_to_the_film() -> None:
    """Go back to the film, which stays open."""
    go_to("pages/read.py", {})


def show_head(reading: Reading) -> None:
    """Title, the film that is compared on, and the way back to it."""
    from xray_models.report.verdict_text import verdict

    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(TITLE, anchor=False, width="content")
        st.space("stretch")
        st.page_link("pages/read.py", label="Back to the film", icon=":material/arrow_back:")
    film_links.show_problems()
    st.caption(f"The film: {plain(verdict(reading))}.")


@st.fragment
def show_comparison(film_key: str, reading: Reading) -> None:
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
    grid.show(film_key, film, done, words)
    tiles.run_slow(film_key, film, slow, names)
    if not done:
        return
    measured = st.container()
    if len(done) > 1:
        agreement.show(film, done, names)
    with measured:  # last: it starts work beside the page, and all else is on the screen by now
        measures.show(film_key, film, done, names)


main()

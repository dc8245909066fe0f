"""Read page: a radiograph, its body part, the findings, and what the models looked at."""

from __future__ import annotations

import time

import streamlit as st

from pages.reading import details, header, panel, truth
from pages.shared import open_film, warm_up
from pages.shared.page import open_page
from xray_models import PARTS

TITLE = "Read a radiograph"
INTRODUCTION = (
    "RadLens names the body part, asks the models that read it, and shows where they looked. "
    f"It knows the {', '.join(PARTS[:-1])} and {PARTS[-1]}."
)


def main() -> None:
    """The page, from top to bottom."""
    open_page(TITLE, notice=False, shown=False)
    with warm_up.held_back():
        found = open_film.open_film(TITLE, INTRODUCTION)
        if found is None:
            return
        opened, reading = found
        with st.container(key="reading", gap="small"):
            header.show(opened, reading)
            truth.show(opened)
            began = time.perf_counter()
            with st.container(key="viewer"):
                panel.show(opened, reading)
            # only the first picture of a reading was waited for with it
            st.session_state[open_film.WAITED].setdefault("picture", time.perf_counter() - began)
            details.show(opened, reading)


main()

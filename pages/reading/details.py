"""Details below the viewer: the models, the file, and what the visitor waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.reading import ages
from pages.reading.ages import bars
from pages.shared.as_read import as_read
from pages.shared.open_film import WAITED, card_of
from pages.shared.plain import plain
from xray_models.catalogue.wanted import wanted
from xray_models.datasets.samples import SAMPLES
from xray_models.viz import html

if TYPE_CHECKING:
    from pages.shared.opened import Opened
    from xray_models.pipeline import Reading

__all__ = ["show", "waited_words"]


def show(opened: Opened, reading: Reading) -> None:
    """Everything that need not be on the screen at once."""
    ages.show_set_aside(reading)
    if reading.chosen:
        with st.expander("The models that read this film", icon=":material/fact_check:"):
            show_models(reading)
    with st.expander("About this file", icon=":material/description:"):
        show_file(opened, reading)
    st.caption(waited_words(st.session_state.get(WAITED, {})))


def show_models(reading: Reading) -> None:
    """Each model with why it was asked, how good it is, and its gravest limit."""
    from xray_models.report.model_line import gravest, held_out

    for one in reading.chosen:
        card = card_of(one.model)
        st.markdown(f"**{plain(card.name)}**: asked because {plain(one.why)}.")
        st.html(bars(reading, one.model))
        for line in (as_read(card), held_out(card), gravest(card)):
            if line:
                st.caption(plain(line))
    for missing in wanted(reading.parts):
        st.caption(f"Not asked: {plain(missing.sentence)}")
    st.page_link("pages/models.py", label="All about the models", icon=":material/info:")


def show_file(opened: Opened, reading: Reading) -> None:
    """Facts from the file about the film, without anything that names a patient."""
    st.html(html.facts(reading.radiograph.facts()))
    sample = SAMPLES.get(opened.file)
    if sample:
        st.caption(f"{sample.about} Source: {sample.source}.")
    elif opened.name:
        st.caption(f"Opened from another page: {plain(opened.name)}.")


def waited_words(seconds: dict[str, float]) -> str:
    """Sentence on what a visitor waited for: "You waited 2.3 s: opening 0.4 s, models 1.9 s."."""
    stages = ", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items())
    return f"You waited {sum(seconds.values()):.1f} s: {stages}." if stages else ""

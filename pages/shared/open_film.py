"""Film that is open: chosen once, shown by every page that shows a film."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import decoding, film_links, film_queue, gallery
from pages.shared.opened import AS_RECOGNIZED, INVERTED, Opened
from pages.shared.page import show_notice, show_problem
from pages.shared.plain import plain
from xray_models import PARTS
from xray_models.datasets.samples import SAMPLES, SampleError
from xray_models.radiograph import UnreadableRadiograph
from xray_models.radiograph.ages import ADULT, CHILD

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.pipeline import Reading
    from xray_models.radiograph import Radiograph

__all__ = [
    "AS_RECOGNIZED",
    "ELSEWHERE",
    "WAITED",
    "Opened",
    "card_of",
    "offer_another",
    "offer_inverting",
    "open_film",
]

ELSEWHERE = "film_from_elsewhere"
"""Session state that another page sets to have a film opened: dict(name=str, content=bytes)."""
WAITED = "waited"
"""Session state: seconds that the visitor waited for this reading, by stage."""


def open_film(
    page: str, introduction: str, gone: Callable[[], None] = film_links.close
) -> tuple[Opened, Reading] | None:
    """Let a film be chosen and read it; None where there is none, or it cannot be read.

    Args:
        page: title of the page.
        introduction: what a visitor without a film reads.
        gone: called when the browser went back to where the link names no film; closes it.
    """
    _take_from_elsewhere()
    film_links.follow(page, gone)
    opened: Opened | None = st.session_state.get("opened")
    if opened is None:
        _show_start(page, introduction)
        return None
    film_links.write(page, opened)
    if st.session_state.get("invert"):
        opened = opened._replace(key=opened.key + INVERTED)
    try:
        return opened, _read(opened)
    except (UnreadableRadiograph, SampleError) as error:
        st.error(plain(error), icon=":material/broken_image:")
    except (ValueError, RuntimeError) as error:  # a card or weights that cannot be used
        show_problem("The film cannot be read here now.", error)
    with st.container(horizontal=True):
        film_queue.show_steps(opened)
    _show_start(page, "Open another film.")
    return None


def offer_another() -> None:
    """Button that goes back to the start, and a field for other films."""
    with st.popover("Open", icon=":material/upload_file:", help="Open films of your own."):
        film_queue.offer_upload("Open other radiographs")
    st.button(
        "Back to the start",
        key="back to the start",
        icon=":material/arrow_back:",
        on_click=film_links.close,
    )


def offer_inverting() -> None:
    """Switch that exchanges black and white of the film that is open."""
    st.toggle(
        "Negative film",
        key="invert",
        persist_state="session",
        help="Exchanges black and white before the models read the film.",
    )


def card_of(model: str) -> Card:
    """Card of a model."""
    from xray_models import catalogue

    return catalogue.get(model)


def _take_from_elsewhere() -> None:
    """Open the film that another page sent."""
    if sent := st.session_state.pop(ELSEWHERE, None):
        key = f"sent {hashlib.sha256(sent['content']).hexdigest()}"
        film_queue.put([Opened(key, sent["content"], sent["name"])])


def _show_start(page: str, introduction: str) -> None:
    """Title, upload and gallery, for a visitor without a film."""
    st.title(page, anchor=False)
    film_links.show_problems()
    st.write(introduction)
    show_notice()
    by_upload, by_sample = st.columns([2, 5], gap="large")
    with by_upload:
        st.subheader("Your own films", anchor=False)
        film_queue.offer_upload("Upload radiographs")
    with by_sample:
        st.subheader("Or a sample", anchor=False)
        gallery.show()


def _read(opened: Opened) -> Reading:
    """The reading of the film, made once and kept while the film is open."""
    state = st.session_state
    # before their widgets are drawn for the first time, a link speaks for them
    part = _named("part", PARTS)
    age = _named("age", (CHILD, ADULT))
    key = opened.key
    if state.get("film_key") != key:
        with st.spinner("Opening the film …", show_time=True):
            began = time.perf_counter()
            state.film = _decoded(opened)
            state.decoding = time.perf_counter() - began
        state.film_key, state.reading_key, state.made = key, None, {}
        for job in state.pop("jobs", {}).values():  # work on the film before
            job.stop()
    if state.get("reading_key") != (key, part, age):
        # the first reading after a start loads the models that it needs, or waits for their loading
        opening = state.decoding if state.get("reading_key") is None else 0.0
        with st.spinner("Asking the models …", show_time=True):
            began = time.perf_counter()
            from xray_models import pipeline

            reading = pipeline.read(state.film, part=part, age=age)
            asking = time.perf_counter() - began
        state.reading, state.reading_key = reading, (key, part, age)
        state[WAITED] = {"opening": opening, "models": asking}
    cached: Reading = state.reading
    return cached


def _named(name: str, known: tuple[str, ...]) -> str | None:
    """What the visitor or the link says of the film, if there is such a thing."""
    said = st.session_state.get(name) or st.query_params.get(name)
    return said if said in known else None


def _decoded(opened: Opened) -> Radiograph:
    """The film; of a sample, with what its table knows of the patient's age."""
    film = decoding.read(opened.content(), invert=opened.key.endswith(INVERTED))
    sample = SAMPLES.get(opened.file)
    if sample is None or film.age_band:
        return film
    return replace(film, age_band=sample.age_band)

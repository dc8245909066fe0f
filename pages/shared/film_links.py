"""What a link says of the film that is open, and what is wrong with a link that names none."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.shared import film_queue
from pages.shared.opened import ANY_AGE, AS_RECOGNIZED, Opened
from pages.shared.page import came_from
from pages.shared.plain import plain
from xray_models import PARTS
from xray_models.datasets.samples import RENAMED, SAMPLES
from xray_models.radiograph.ages import ADULT, CHILD

__all__ = ["close", "complain", "follow", "show_problems", "write"]

_LINKED = "page with a film in its link"
_PROBLEMS = "problems of the link"  # key of the film that was open, and the sentences


def follow(page: str, gone: Callable[[], None]) -> None:
    """Open the film that the link names, or leave the one that it names no more.

    Args:
        page: title of the page that asks.
        gone: called when the browser went back to where the link names no film.
    """
    state, query = st.session_state, st.query_params
    name = query.get("sample")
    place = query.get(film_queue.LINK)
    if name is not None:
        name = RENAMED.get(name, name)
        if name in SAMPLES:
            state.opened = Opened(name)
        else:
            close()
            complain(f"There is no sample {plain(repr(name))}. Choose one below.")
    elif place is not None:
        films = film_queue.queue()
        if place.isdecimal() and 0 < int(place) <= len(films):
            state.opened = films[int(place) - 1]
        else:
            close()
            complain("This link names an upload. Uploads are not kept: open the file again.")
    elif state.get(_LINKED) == page and came_from() == page:
        gone()
    _check_settings()


def write(page: str, opened: Opened) -> None:
    """Put the film that is open into the link.

    Args:
        page: title of the page that shows it.
        opened: the film.
    """
    place = film_queue.number(opened)
    if place is not None:
        st.query_params[film_queue.LINK] = str(place)
        st.query_params.pop("sample", None)
    else:
        st.query_params["sample"] = opened.file
        st.query_params.pop(film_queue.LINK, None)
    st.session_state[_LINKED] = page


def close() -> None:
    """Close the film: back to the start."""
    state = st.session_state
    state.opened = None
    state.pop(_LINKED, None)
    for name in ("sample", film_queue.LINK):
        st.query_params.pop(name, None)


def complain(problem: str) -> None:
    """Keep a sentence on what is wrong with the link, for as long as the film is open.

    Args:
        problem: in Markdown; what the link said is made plain.
    """
    film = _film()
    kept, problems = st.session_state.get(_PROBLEMS, (film, []))
    if kept != film:
        problems = []
    st.session_state[_PROBLEMS] = film, list(dict.fromkeys([*problems, problem]))


def show_problems() -> None:
    """What is wrong with the link that opened this film."""
    film, problems = st.session_state.get(_PROBLEMS, (None, []))
    if film == _film():
        for problem in problems:
            st.error(problem, icon=":material/link_off:")


def _film() -> str | None:
    opened: Opened | None = st.session_state.get("opened")
    return None if opened is None else opened.file


def _check_settings() -> None:
    """Complain of what the link sets that there is not, before widgets pass it over."""
    state, query = st.session_state, st.query_params
    part, age = query.get("part"), query.get("age")
    if "part" not in state and part is not None and part not in (AS_RECOGNIZED, *PARTS):
        complain(f"The link names a part {plain(repr(part))}, which RadLens does not know.")
    if "age" not in state and age is not None and age not in (ANY_AGE, CHILD, ADULT):
        complain(f"The link names an age {plain(repr(age))}. Known are {CHILD} and {ADULT}.")

"""Queue of uploads: several films at once, shown one by one. They stay in memory."""

from __future__ import annotations

import streamlit as st

from pages.shared.opened import Opened, forget_settings
from xray_models import radiograph

__all__ = ["FORMATS", "LINK", "MOST", "go", "number", "offer_upload", "put", "queue", "show_steps"]

LINK = "upload"
"""What the link calls the place in the queue; nothing else of an upload is in a link."""
MOST = 40
FORMATS = "PNG, JPEG, TIFF, BMP, WebP or DICOM, up to 25 MB each. They stay in memory."
_UPLOAD = "upload "


def queue() -> list[Opened]:
    """Films that were uploaded or sent by another page, in their order."""
    films: list[Opened] = st.session_state.setdefault("queue", [])
    return films


def put(films: list[Opened]) -> None:
    """Put films in place of those that were there, and open the first."""
    st.session_state.queue = films
    go(1)


def go(place: int) -> None:
    """Open the film at a place of the queue, the first of which is 1."""
    st.session_state.opened = queue()[place - 1]
    forget_settings()
    st.query_params.pop("sample", None)
    st.query_params[LINK] = str(place)


def number(opened: Opened) -> int | None:
    """Place of a film in the queue; None for a sample."""
    keys = [one.file for one in queue()]
    return keys.index(opened.file) + 1 if opened.file in keys else None


def offer_upload(label: str) -> None:
    """Field for films of one's own."""
    st.file_uploader(
        label,
        key="upload",
        accept_multiple_files=True,
        max_upload_size=radiograph.MOST_BYTES // 2**20,
        on_change=_take,
    )
    st.caption(FORMATS)
    if note := st.session_state.get("queue note"):
        st.caption(note)


def _take() -> None:
    """What was uploaded is the queue; the first new film is opened. Names go nowhere."""
    state = st.session_state
    files = state.upload or []
    state["queue note"] = ""
    if len(files) > MOST:
        state["queue note"] = f"The first {MOST} of {len(files)} films are here. Batch reads more."
        files = files[:MOST]
    known = {one.key: one for one in queue()}
    seen: set[str] = state.setdefault("uploads seen", set())
    films, new = [], None
    for file in files:
        key = f"{_UPLOAD}{file.file_id}"
        films.append(known.get(key) or Opened(key, file.getvalue()))
        if key not in seen and new is None:
            new = len(films)
        seen.add(key)
    state.queue = films
    opened: Opened | None = state.get("opened")
    if new is not None:
        go(new)
    elif opened and opened.key.startswith(_UPLOAD) and number(opened) is None:  # it was taken away
        state.opened = None
        st.query_params.pop(LINK, None)


def show_steps(opened: Opened) -> None:
    """Steps to the next and the last film of the queue, by button or key."""
    place, films = number(opened), len(queue())
    if place is None or films < 2:
        return
    st.button(
        "Previous film",
        key="previous film",
        shortcut="p",
        icon=":material/chevron_left:",
        disabled=place == 1,
        on_click=go,
        args=(place - 1,),
    )
    st.markdown(f"Film {place} of {films}", width="content")
    st.button(
        "Next film",
        key="next film",
        shortcut="n",
        icon=":material/chevron_right:",
        disabled=place == films,
        on_click=go,
        args=(place + 1,),
    )

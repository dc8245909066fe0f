"""Component that shows a view in the browser, and what the visitor asks the server for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st
from streamlit.runtime import get_instance

from xray_models.viz import viewer_data
from xray_models.viz.overlay import COLORMAPS, Style
from xray_models.viz.viewer_data import View

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

    from xray_models.radiograph import Radiograph

__all__ = [
    "MODULES",
    "Events",
    "Saved",
    "Saving",
    "marked",
    "saving_of",
    "script",
    "show",
    "style",
]

MODULES = (
    "tables.js",
    "heat.js",
    "geometry.js",
    "store.js",
    "data.js",
    "painter.js",
    "elements.js",
    "findings.js",
    "controls.js",
    "gestures.js",
    "viewer.js",
)
"""Modules under static/, each after those that it imports."""

_STATIC = Path(__file__).resolve().parent / "static"
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_SHARP = "viewer full resolution"


class Events(NamedTuple):
    """What the visitor asks the server for.

    Attributes:
        follow: id of the finding whose link was clicked just now.
    """

    follow: str | None = None


class Saving(NamedTuple):
    """What the visitor wants saved.

    Attributes:
        kind: one of the view's `saves`.
        id: of the map that is shown; None for the film alone.
        style: of the heat.
        boxes: whether boxes are shown.
    """

    kind: str
    id: str | None
    style: Style
    boxes: bool


class Saved(NamedTuple):
    """A file for the visitor."""

    content: bytes
    mime: str
    name: str


def show(
    view: View,
    key: str,
    film: Radiograph | None = None,
    save: Callable[[Saving], Saved | None] | None = None,
    on_selected: Callable[[str], None] | None = None,
    on_mark: Callable[[tuple[float, float, float, float]], None] | None = None,
) -> Events:
    """Show a view. What is pulled at there runs nothing here, but for what is not there yet.

    Args:
        view: what is shown.
        key: of the component within its page; the same while the same thing is shown.
        film: for full resolution when somebody zooms in; without it, screen size has to do.
        save: makes a file of what the view's `saves` offer; None where it can't.
        on_selected: called before the page runs again with the id of a map that is not there and
            that the visitor asked for.
        on_mark: called before the page runs again with the place that the visitor marked, as the
            view's `mark`.
    """
    words, blobs = viewer_data.packed(view)
    words["urls"] = {name: _address(content, f"{key} {name}") for name, content in blobs.items()}
    words["sharp"] = bool(words["sharp"] and film is not None)
    _forget_other_than(view.film.key)
    if words["sharp"] and film is not None and _asked(key, "sharp") == view.film.key:
        content, rows, columns = _sharp(view.film.key, film)
        words["full"] = {"url": _address(content, f"{key} full"), "rows": rows, "columns": columns}
    sent = st.session_state.pop(f"{key} save", None)
    if save is not None and isinstance(sent, dict) and sent.get("kind") in view.saves:
        saved = save(saving_of(sent))
        if saved is not None:
            url = _address(saved.content, f"{key} saved", saved.mime, saved.name)
            words["saved"] = {"url": url, "name": saved.name, "number": sent.get("number")}
    found = _component()(
        key=key,
        data=words,
        on_selected_change=partial(_select, key, on_selected),
        on_sharp_change=partial(_note, key, "sharp"),
        on_save_change=partial(_note, key, "save"),
        on_follow_change=_nothing,
        on_mark_change=partial(_mark, key, on_mark),
    )
    follow = found.get("follow")
    return Events(follow if isinstance(follow, str) else None)


def saving_of(sent: dict[str, Any]) -> Saving:
    """What the browser wants saved; what makes no sense in it is as it is at first."""
    usual = Style()

    def share(name: str, otherwise: float) -> float:
        value = sent.get(name)
        if isinstance(value, int | float) and 0 <= value <= 1:
            return float(value)
        return otherwise

    colormap, chosen = sent.get("colormap"), sent.get("id")
    threshold = share("threshold", usual.threshold)
    style = Style(
        colormap if colormap in COLORMAPS else usual.colormap,
        share("opacity", usual.opacity),
        threshold,
        contour=bool(sent.get("contour", True)) and threshold > 0,
    )
    return Saving(
        str(sent.get("kind", "")),
        chosen if isinstance(chosen, str) else None,
        style,
        bool(sent.get("boxes")),
    )


@cache
def script() -> str:
    """The modules as one, with the colors of the maps of matplotlib; no build step makes it."""
    tables = json.dumps(viewer_data.color_tables())
    texts = [(_STATIC / name).read_text("utf-8") for name in MODULES]
    joined = "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)
    return f"const COLOR_TABLES = {tables};\n{joined}"


@cache
def style() -> str:
    """The style sheet."""
    return (_STATIC / "viewer.css").read_text("utf-8")


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("radlens_viewer", js=script(), css=style())


def _forget_other_than(key: str) -> None:
    """Let go of the full resolution of films that are not looked at any more."""
    cached = st.session_state.get(_SHARP)
    if cached is not None and cached[0] != key:
        del st.session_state[_SHARP]


def _sharp(key: str, film: Radiograph) -> tuple[bytes, int, int]:
    """Gray at full resolution, kept while the film is looked at."""
    cached = st.session_state.get(_SHARP)
    if cached is None:
        cached = st.session_state[_SHARP] = key, viewer_data.full_resolution(film)
    made: tuple[bytes, int, int] = cached[1]
    return made


def _address(
    content: bytes,
    coordinates: str,
    kind: str = "application/octet-stream",
    name: str | None = None,
) -> str:
    """Address of a content in the server's memory, for as long as the page shows it."""
    media = get_instance().media_file_mgr
    url = media.add(content, kind, coordinates, name, is_for_static_download=name is not None)
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}{url}" if base else url


def _asked(key: str, name: str) -> object:
    return st.session_state.get(f"{key} {name}")


def _note(key: str, name: str) -> None:
    """Keep what the browser asks for, for the run that follows."""
    st.session_state[f"{key} {name}"] = st.session_state[key].get(name)


def _select(key: str, on_selected: Callable[[str], None] | None) -> None:
    chosen = st.session_state[key].get("selected")
    if on_selected is not None and isinstance(chosen, str):
        on_selected(chosen)


def _mark(key: str, on_mark: Callable[[tuple[float, float, float, float]], None] | None) -> None:
    place = marked(st.session_state[key].get("mark"))
    if on_mark is not None and place is not None:
        on_mark(place)


def marked(sent: object) -> tuple[float, float, float, float] | None:
    """Place that the browser sent, in shares of the film; None for what makes no sense."""
    if not isinstance(sent, list | tuple) or len(sent) != 4:
        return None
    if not all(isinstance(one, int | float) and 0 <= one <= 1 for one in sent):
        return None
    x, y, width, height = map(float, sent)
    return x, y, width, height


def _nothing() -> None:
    """The run that follows is all that is wanted."""

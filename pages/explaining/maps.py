"""Maps of the film that is open: made once, cached while it is, slow ones started by a click."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import streamlit as st

from pages.explaining import queries
from pages.shared import background_work
from xray_models.viz import overlay

if TYPE_CHECKING:
    from xray_models.explain import MethodSupport
    from xray_models.explain.heatmap import Heatmap
    from xray_models.explain.progress import Progress, Stop
    from xray_models.inference.lungs import Lungs
    from xray_models.radiograph import Radiograph

__all__ = ["WORDED", "at_once", "cached", "lungs", "message", "on_click", "small", "where"]

WORDED = 256
"""Pixels on the longer side of the heat that is put into words and boxes."""

_Made = TypeVar("_Made")


def cached(key: Hashable, find: Callable[[], _Made | None]) -> _Made | None:
    """A map that is cached, or that takes no pass; None where it takes one, or is being made.

    Args:
        key: of the map: film, question, direction, method, layer.
        find: makes it of what is cached of the film; None if that is not enough.
    """
    made: dict[Hashable, _Made] = st.session_state.made
    if key not in made and key not in background_work.jobs():
        with st.spinner("Explaining …"):
            found = find()
        if found is not None:
            made[key] = found
    return made.get(key)


def at_once(key: Hashable, work: Callable[[Progress | None, Stop | None], _Made]) -> _Made:
    """A map that is cached, or made right away.

    Args:
        key: of the map: film, question, direction, method, layer.
        work: makes it.
    """
    cached: dict[Hashable, _Made] = st.session_state.made
    if key not in cached:
        with st.spinner("Explaining …"):
            cached[key] = work(None, None)
    return cached[key]


def on_click(
    key: Hashable,
    support: MethodSupport,
    title: str,
    work: Callable[[Progress | None, Stop | None], _Made],
    name: str,
) -> _Made | None:
    """A slow map once it has run; before, a button with its cost, then its progress.

    Args:
        key: of the map.
        support: of its method.
        title: of the map, for the button.
        work: makes it, in a thread of its own.
        name: of the button, within its page.
    """
    found = background_work.on_request(key, f"Run {title} ({queries.passes(support)})", work, name)
    if found is not None:
        st.session_state.made[key] = found
    return found


def small(film: Radiograph, heatmap: Heatmap) -> np.ndarray:
    """The heat over the film, small enough to be looked through at every move."""
    return heatmap.on_radiograph(overlay.shrunk_shape(film.pixels.shape, WORDED))


def lungs(film: Radiograph, model: str) -> Lungs | None:
    """Lungs of a film that a chest model read; None, and told, where they cannot be looked for."""
    from xray_models import pipeline
    from xray_models.inference.lungs import LungsError

    try:
        return pipeline.lungs(film, model)
    except LungsError as error:
        st.warning(f"Places are told without the lungs. {error}", icon=":material/warning:")
        return None


def where(film: Radiograph, heatmap: Heatmap, model: str) -> str:
    """Sentence that says where heat is, on a chest in zones of the lungs.

    Args:
        film: the radiograph.
        heatmap: of it.
        model: whose map it is.
    """
    from xray_models.report import heatmap_text

    return heatmap_text.where(small(film, heatmap), heatmap.outside, lungs(film, model))


def message(film: Radiograph, heatmap: Heatmap, model: str) -> str:
    """Sentences on where the heat is, and how much of it lies beside the film if much does."""
    from xray_models.report import heatmap_text

    said = where(film, heatmap, model)
    beside = heatmap_text.beside(heatmap.outside)
    return f"{said} {beside}" if beside and said != heatmap_text.BESIDE else said

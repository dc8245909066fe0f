"""Choice of the model, the threshold and the kind of films; the link carries all of it."""

from __future__ import annotations

import streamlit as st

from pages.evaluating import threshold
from pages.shared.leaving import FINDING
from xray_models import catalogue
from xray_models.evaluate import errors
from xray_models.evaluate.analysis import LabelAnalysis

__all__ = ["IMAGE", "KIND", "MODEL", "PAGE", "choose_kind", "choose_model", "other_films"]

MODEL = "model of errors"
KIND = "kind"
PAGE = "page of films"
IMAGE = "image"
"""What names the film that is looked at, in the link."""


def choose_model(models: list[str]) -> str:
    """Choice of the model."""
    state = st.session_state
    linked = st.query_params.get("model")
    start = linked if linked in models else state.get(MODEL, "bone-general")
    start = start if start in models else models[0]
    if state.get(MODEL) != start:
        state[MODEL] = start

    def changed() -> None:
        st.query_params["model"] = state[MODEL]
        for name in ("label", "threshold", FINDING):
            st.query_params.pop(name, None)
        other_films()

    chosen: str = st.selectbox(
        "Model",
        models,
        format_func=lambda one: catalogue.get(one).name,
        key=MODEL,
        on_change=changed,
        persist_state="session",
        width=260,
    )
    st.query_params["model"] = chosen
    return chosen


def choose_kind(analysis: LabelAnalysis) -> tuple[float, str]:
    """Choice of the films, and of the threshold that calls them."""
    state = st.session_state
    one = analysis.films
    if state.get(threshold.TYPED) != state["cut"]:
        state[threshold.TYPED] = state["cut"]
    st.number_input(
        "Threshold",
        0.0,
        1.0,
        step=0.01,
        format="%.5f",
        key=threshold.TYPED,
        on_change=_take_threshold,
        help="A film is called positive when its probability reaches it.",
        width=170,
    )
    cut: float = state["cut"]
    counts = {kind: len(errors.films(one, cut, kind)) for kind in errors.KINDS[:2]}
    linked = _linked_kind()
    if state.get(KIND) is None or (linked and state[KIND] != linked):
        state[KIND] = linked or errors.KINDS[0]
    kind = st.segmented_control(
        "Films",
        errors.KINDS,
        required=True,
        wrap=True,
        key=KIND,
        on_change=_take_kind,
        format_func=lambda name: (
            f"{name} ({counts[name]:,})" if name in counts else name
        ).capitalize(),
    )
    return cut, kind or errors.KINDS[0]


def _linked_kind() -> str | None:
    """Kind of films that the link names: by its name, or as older links say it, with a count."""
    said = st.query_params.get(KIND, "").lower()
    return next((kind for kind in errors.KINDS if said.startswith(kind)), None)


def _take_threshold() -> None:
    state = st.session_state
    state["cut"], state["cut why"] = float(state[threshold.TYPED]), ""
    st.query_params["threshold"] = f"{state['cut']:.6g}"
    other_films()


def _take_kind() -> None:
    # not bound to the link by Streamlit: it refuses to leave a page while something is
    st.query_params[KIND] = st.session_state[KIND]
    other_films()


def other_films() -> None:
    """Go to the first of the films, because others are shown."""
    st.session_state[PAGE] = 1
    st.query_params.pop(IMAGE, None)

"""Performance page: how good a model is and for whom, with a threshold that moves."""

from __future__ import annotations

import streamlit as st

from pages.evaluating import screen
from pages.shared import open_predictions
from pages.shared.as_read import as_read
from pages.shared.leaving import FINDING
from pages.shared.page import all_cards, ends_with, open_page
from pages.shared.plain import plain
from xray_models.report.whole_films_text import ALONE

OWN = "own table"
MODEL = "model of performance"


def main() -> None:
    """The page, from top to bottom."""
    open_page(
        "How good the models are",
        "Measured on films that the models never saw in training. Move the threshold, and "
        "everything follows.",
    )
    cards = {card.id: card for card in all_cards().values() if card.measured}
    names = {card.id: card.name for card in cards.values()} | {
        OWN: "A predictions table of your own …"
    }
    first, second = st.columns([3, 8], gap="medium", vertical_alignment="bottom")
    with first:
        model = choose(names)
    if model == OWN:
        own = open_predictions.own_table()
        if own is not None:
            screen.show(st.session_state["own key"], own)
        return
    with ends_with(f"{names[model]} cannot be judged here now."):
        analysis = open_predictions.of_model(model)
    if together := as_read(cards[model]):
        st.caption(f"{together} Below are figures of {ALONE}.")
    screen.show(model, analysis, second)


def choose(names: dict[str, str]) -> str:
    """Choice of the model; the link carries it."""
    state = st.session_state
    linked = st.query_params.get("model")
    if open_predictions.HANDED_OVER in state:
        linked = OWN
    if linked is not None and linked not in names:
        st.warning(
            f"There is no measured model {plain(repr(linked))}. Models: {', '.join(names)}.",
            icon=":material/warning:",
        )
        linked = None
    start = linked or state.get(MODEL) or ("bone-general" if "bone-general" in names else OWN)
    if start not in names:
        start = next(iter(names))
    if state.get(MODEL) != start:
        state[MODEL] = start
    chosen: str = st.selectbox(
        "Model",
        list(names),
        format_func=lambda one: names[one],
        key=MODEL,
        on_change=changed,
        persist_state="session",
    )
    st.query_params["model"] = chosen
    return chosen


def changed() -> None:
    """Put another model into the link, without the last one's label, threshold and film."""
    st.query_params["model"] = st.session_state[MODEL]
    for name in ("label", "threshold", screen.FILM, FINDING):
        st.query_params.pop(name, None)


main()

"""How good a model is and for whom, with a threshold that moves; of our models, or of any table."""

from __future__ import annotations

import streamlit as st

from pages import inside_the_app
from pages.evaluating import screen
from pages.shared import open_predictions
from xray_models import catalogue

inside_the_app()

OWN = "own table"
MODEL = "judged model"


def main() -> None:
    """The page, from top to bottom."""
    st.title("How good the models are", anchor=False)
    st.write(
        "Measured on films that the models never saw in training. Move the threshold, and "
        "everything follows."
    )
    st.html(f'<p class="rl-notice" role="note">{screen.NOTICE}</p>')
    try:
        models = [card for card in catalogue.catalogue().values() if card.measured]
    except ValueError as error:
        st.error(f"The catalogue of models cannot be read. {error}", icon=":material/error:")
        return
    names = {card.id: card.name for card in models} | {OWN: "A predictions table of your own …"}
    model = choose(names)
    if model == OWN:
        analyses = open_predictions.own_table()
        if analyses is not None:
            screen.show(st.session_state["own key"], analyses)
        return
    try:
        analyses = open_predictions.of_model(model)
    except ValueError as error:
        st.error(f"{names[model]} cannot be judged here now. {error}", icon=":material/error:")
        return
    screen.show(model, analyses)


def choose(names: dict[str, str]) -> str:
    """The model; the link carries it."""
    state = st.session_state
    linked = st.query_params.get("model")
    if open_predictions.HANDED_OVER in state:
        linked = OWN
    if linked is not None and linked not in names:
        st.warning(
            f"There is no measured model {linked!r}. Models: {', '.join(names)}.",
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
    """Another model: what the link says of label and threshold was of the last."""
    st.query_params["model"] = st.session_state[MODEL]
    for name in ("label", "threshold"):
        st.query_params.pop(name, None)


main()

"""Models page: all at a glance, and each in full, as the link says."""

from __future__ import annotations

import streamlit as st

from pages.cards import downloads, one, overview
from pages.cards.overview import MODEL
from pages.shared.page import all_cards, open_page
from pages.shared.plain import plain
from xray_models.catalogue import Card

_CHOICE = "model in full"


def main() -> None:
    """The page: the model that the link names, else all of them."""
    with st.spinner("Reading the model cards …"):
        cards = all_cards()
    named = st.query_params.get(MODEL)
    # from this page to itself Streamlit follows a link without putting it into the address
    if named in cards:
        st.query_params[MODEL] = named
        show_one(cards[named], cards)
        return
    st.query_params.clear()
    open_page("The models", "Choose one to see all that was measured, and what it can't do.")
    if named:
        st.warning(
            f"There is no model {plain(repr(named))}. Choose one of these.",
            icon=":material/warning:",
        )
    if not cards:
        st.info(
            "There is no model in the catalogue yet. Restore assets/models from the repository."
        )
        return
    overview.show(cards)
    downloads.show(cards)


def show_one(card: Card, cards: dict[str, Card]) -> None:
    """One model, with the ways to all and to another."""
    open_page(card.name)
    state = st.session_state
    if state.get(_CHOICE) != card.id:
        state[_CHOICE] = card.id
    with st.container(horizontal=True, vertical_alignment="center", key="which model"):
        st.page_link("pages/models.py", label="All models", icon=":material/arrow_back:")
        st.selectbox(
            "Model",
            list(cards),
            format_func=lambda name: cards[name].name,
            key=_CHOICE,
            on_change=take_choice,
            label_visibility="collapsed",
            width=280,
        )
    one.show(card)


def take_choice() -> None:
    """Put the chosen model into the link."""
    st.query_params[MODEL] = st.session_state[_CHOICE]


main()

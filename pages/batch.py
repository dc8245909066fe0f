"""Batch page: many films at once, a table of results, and with the truth how good they are."""

from __future__ import annotations

import streamlit as st

from pages.batching import choosing, results, running, saving, truth
from pages.batching.state import Batch
from pages.batching.store import the_store
from pages.shared.page import open_page

INTRODUCTION = (
    "Many films at once, through the same models as a single one. They stay in the memory of the "
    "server. An hour after you last looked, films and results are forgotten."
)
FORGOTTEN = (
    "The batch of this link is not kept any more. The server forgets one an hour after the last "
    "look, or when it stops."
)


def main() -> None:
    """The page, from top to bottom."""
    open_page("Score many films")
    batch = _of_link()
    if batch is None:
        st.write(INTRODUCTION)
        choosing.choose()
        return
    if batch.running:
        running.watch(batch)
        return
    running.show_state(batch)
    if batch.scored:
        running.show_failures(batch)
        results.show_results(batch)
        saving.show_downloads(batch)
        truth.show_truth(batch)


def _of_link() -> Batch | None:
    """Batch of the link, else the one that this visitor began; the link then carries its token."""
    state = st.session_state
    token = st.query_params.get(choosing.IN_LINK) or state.get(choosing.IN_LINK)
    if token is None:
        return None
    batch = the_store().get(token)
    if batch is None:
        st.info(FORGOTTEN, icon=":material/history:")
        state.pop(choosing.IN_LINK, None)
        st.query_params.pop(choosing.IN_LINK, None)
        return None
    state[choosing.IN_LINK] = st.query_params[choosing.IN_LINK] = token
    return batch


main()

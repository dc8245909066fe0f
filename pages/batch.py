"""Batch page: many films at once, a table of results, and with the truth how good they are."""

from __future__ import annotations

import streamlit as st

from pages.batching import choosing, results, running, saving, truth
from pages.batching.state import Batch
from pages.shared.page import open_page

INTRODUCTION = (
    "Many films at once, through the same models as a single one. They stay in memory and are not "
    "kept; the page holds the results until you begin again or close it."
)


def main() -> None:
    """The page, from top to bottom."""
    open_page("Score many films")
    batch: Batch | None = st.session_state.get("batch")
    if batch is None:
        st.write(INTRODUCTION)
        choosing.choose()
        return
    if batch.running:
        running.run(batch)
    running.show_state(batch)
    if batch.scored:
        running.show_failures(batch)
        results.show_results(batch)
        saving.show_downloads(batch)
        truth.show_truth(batch)


main()

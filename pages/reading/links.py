"""Link of the Read page: what it asks about that no model answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.explaining import queries
from pages.shared import film_links
from pages.shared.plain import plain

if TYPE_CHECKING:
    from xray_models.pipeline import Reading

__all__ = ["check_label"]


def check_label(reading: Reading) -> None:
    """Complain of a label that nobody here knows; call it before the menu of labels is drawn."""
    said = st.query_params.get("label")
    if said is None or "label" in st.session_state:
        return
    if said not in {one.words for one in queries.questions(reading)}:
        film_links.complain(
            f"The link asks about {plain(repr(said))}, which no model here answers."
        )

"""Ways from one page to another that carry a link's query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import streamlit as st

__all__ = ["FINDING", "go_to"]

FINDING = "finding"
"""What a link may say instead of `label`."""


def go_to(page: str, query: Mapping[str, str]) -> NoReturn:
    """Go to another page; the run of this page ends here.

    Streamlit refuses to set what a widget of the page that is left is bound to, and to clear it. So
    `label`, to which Read and Compare bind a widget, goes as `finding`.

    Args:
        page: its file, such as "pages/performance.py".
        query: what its link carries.
    """
    carried = {FINDING if name == "label" else name: value for name, value in query.items()}
    st.switch_page(page, query_params=carried)

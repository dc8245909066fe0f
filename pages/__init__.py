"""The screens, a file each; folders hold what several screens share."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def inside_the_app() -> None:
    """Start over through main.py where Streamlit runs a page by itself.

    Until `st.navigation` has run once, Streamlit takes a folder named pages for its older kind of
    app, and a link straight to a page of a fresh server would show it without navigation or style.
    Streamlit has no public switch for this.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()

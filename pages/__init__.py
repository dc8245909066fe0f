"""The screens, a file each; folders hold what several screens share."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import script_runner


def inside_the_app() -> None:
    """Start over through app.py where Streamlit runs a page by itself.

    Until `st.navigation` has run once, Streamlit takes a folder named pages for its older kind of
    app, and a link straight to a page of a fresh server would show it without navigation or style.
    Streamlit has no public switch for this.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def keep_networks_compiled() -> None:
    """Keep Streamlit from clearing Keras at the end of every run of a page, as it does by itself.

    That throws away every compiled function of every visitor: the next pass through a network took
    twenty times as long, and work beside a page that shows its progress was slowed down by each
    tick of its bar. The networks here are loaded once and kept by
    `xray_models.inference.weights`, so there is nothing to clear. Streamlit has no public switch
    for this either.
    """
    script_runner._clean_problem_modules = _nothing_to_clean


def _nothing_to_clean() -> None:
    """Neither Keras nor pyplot holds anything that belongs to one run of a page."""

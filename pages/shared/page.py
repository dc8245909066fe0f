"""Beginning of every page, and its sentences on what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages import inside_the_app
from pages.shared.plain import plain
from xray_models import catalogue
from xray_models.catalogue import Card

__all__ = [
    "NOTICE",
    "all_cards",
    "came_from",
    "ends_with",
    "open_page",
    "show_notice",
    "show_problem",
]

NOTICE = "For teaching and research, not for diagnosis."
_NOW, _BEFORE = "page", "page before"


def open_page(title: str, introduction: str = "", notice: bool = True, shown: bool = True) -> None:
    """Begin a page: inside the app, with title, introduction and notice.

    Args:
        title: of the page.
        introduction: what the page is for, in Markdown.
        notice: whether to show the notice here; a page without it shows it beside its findings.
        shown: whether to show the title here; a page without it has a heading of its own.
    """
    inside_the_app()
    state = st.session_state
    state[_BEFORE], state[_NOW] = state.get(_NOW), title
    if shown:
        with st.container(horizontal=True, vertical_alignment="center", key="head of page"):
            st.title(title, anchor=False)
            if notice:
                show_notice()
    if introduction:
        st.write(introduction)


def came_from() -> str | None:
    """Title of the page that ran before this one; its own while a visitor stays on it."""
    before: str | None = st.session_state.get(_BEFORE)
    return before


def show_notice() -> None:
    """Notice on what RadLens is not for."""
    st.html(f'<p class="rl-notice" role="note">{NOTICE}</p>', width="content")


def show_problem(message: str, error: Exception) -> None:
    """Sentence on what cannot be shown, and why; the page goes on.

    Args:
        message: what cannot be done, as a sentence.
        error: says why, in a sentence of its own.
    """
    st.error(f"{message} {plain(error)}", icon=":material/error:")


@contextmanager
def ends_with(message: str) -> Iterator[None]:
    """End the page with a sentence where something in this block cannot be used.

    Args:
        message: what cannot be done, as a sentence; the error, a ValueError, says why.
    """
    try:
        yield
    except ValueError as error:
        show_problem(message, error)
        st.stop()


def all_cards() -> dict[str, Card]:
    """Cards of the catalogue by id; where it cannot be read, the page says so and ends."""
    with ends_with("The catalogue of models cannot be read."):
        return dict(catalogue.catalogue())

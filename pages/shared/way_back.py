"""Films that another page opens in the reading page, and the way back to that page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

import streamlit as st

from pages.shared.leaving import go_to
from pages.shared.open_film import ELSEWHERE

__all__ = ["offer", "read_film"]

_STATE = "way back"


class _Way(NamedTuple):
    """Page to go back to, with its link, from the film of a key."""

    film: str
    page: str
    words: str
    query: dict[str, str]


def read_film(
    name: str, content: bytes, page: str, words: str, query: Mapping[str, str]
) -> NoReturn:
    """Open a film in the reading page; the run of this page ends here.

    Args:
        name: of the film, shown there.
        content: of its file.
        page: file of the page to come back to, under pages/.
        words: of the link back.
        query: what that link carries.
    """
    state = st.session_state
    state[ELSEWHERE] = {"name": name, "content": content}
    key = f"sent {hashlib.sha256(content).hexdigest()}"
    state[_STATE] = _Way(key, f"pages/{page}", words, dict(query))
    go_to("pages/read.py", {})


def offer(film: str) -> None:
    """Link back to the page that opened the film, where another page did.

    Args:
        film: key of the film that is open, as `Opened.file` has it.
    """
    way: _Way | None = st.session_state.get(_STATE)
    if way is not None and way.film == film:
        st.page_link(
            way.page, label=way.words, query_params=way.query, icon=":material/arrow_back:"
        )

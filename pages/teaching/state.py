"""Session that a visitor reads now, and the store that may keep it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.plain import plain
from xray_models.teaching.session import Session

if TYPE_CHECKING:
    from xray_models.teaching.keeping.store import Store

__all__ = ["CODE", "Running", "change", "drop", "running", "the_store"]

CODE = "teaching code"
"""Session state: the reader's code, where progress is kept."""
_RUNNING = "teaching session"
_OF_A_STEP = "teaching step "


@dataclass(frozen=True)
class Running:
    """Session with its number in the store; None where it is not kept."""

    session: Session
    number: int | None = None


def running() -> Running | None:
    """Session that is read or whose results are shown; None without one."""
    found: Running | None = st.session_state.get(_RUNNING)
    return found


def change(session: Session, number: int | None = None) -> Running:
    """Go on with a session.

    Args:
        session: as it stands now.
        number: in the store; as before where it is not given.
    """
    before = running()
    if number is not None or before is None:
        found = Running(session, number)
    else:
        found = replace(before, session=session)
    st.session_state[_RUNNING] = found
    return found


def drop() -> None:
    """Forget the session: back to the start."""
    for name in list(st.session_state):
        if str(name).startswith(("teaching session", "teaching step", "teaching film")):
            del st.session_state[name]


def the_store() -> Store | None:
    """Store that the deployer chose; None, and told, where it cannot be used, or there is none."""
    from xray_models.teaching.keeping import store

    where = store.address()
    if where is None:
        return None
    try:
        return _opened(where)
    except store.StoreError as error:
        st.warning(plain(error), icon=":material/cloud_off:")
        return None


@st.cache_resource(show_spinner=False)
def _opened(where: str) -> Store:
    from xray_models.teaching.keeping import store

    return store.open_store(where)

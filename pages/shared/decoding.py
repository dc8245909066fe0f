"""Uploads are decoded in processes of their own, which wait from the start of the server on."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable

import streamlit as st

from xray_models.radiograph import Radiograph
from xray_models.radiograph.pool import Pool

__all__ = ["Unwanted", "begin", "in_threads", "pool", "read"]

_lock = threading.Lock()
_pools: list[Pool] = []


class Unwanted(Exception):
    """The film is not wanted any more by whoever asked for it."""


def begin() -> None:
    """Start the processes in the background; they end with the server."""
    threading.Thread(target=pool, name="decoders", daemon=True).start()


def read(source: bytes | str | os.PathLike[str], invert: bool = False) -> Radiograph:
    """Read a radiograph for the visitor whose page runs now.

    When the visitor leaves or opens another film, Streamlit ends this run of the page, and the
    process that decodes is ended with it.

    Args:
        source: content of a file, or a path.
        invert: exchange black and white.

    Raises:
        UnreadableRadiograph: for whatever cannot be read; the message is for people.
    """
    return pool().read(source, _still_wanted, invert)


def in_threads(
    wanted: Callable[[], bool],
) -> Callable[[bytes | str | os.PathLike[str]], Radiograph]:
    """`read` for threads beside a page, as long as the films are wanted.

    Args:
        wanted: asked ten times a second.
    """

    def check() -> None:
        if not wanted():
            raise Unwanted

    return lambda source: pool().read(source, check)


def pool() -> Pool:
    """The processes, which are started by whoever asks first; REST decodes in the same ones."""
    with _lock:
        if not _pools:
            _pools.append(Pool())
            atexit.register(_pools[0].close)
        return _pools[0]


def _still_wanted() -> None:
    # each look at the session's state is a point at which Streamlit ends a run that is out of date
    st.session_state.get("opened")

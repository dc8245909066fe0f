"""Warm-up: models are loaded in the background; who waits for a film comes first.

Networks that were converted before are read back in tenths of a second each. At the first start a
process of its own converts them, what a visitor's film needs before all others, and pages show how
far it is. `RADLENS_WARM=off` leaves all that away: each model is loaded when a film first needs
it. The server takes less memory then, and the first reading of each part takes longer.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from xray_models.inference.filler import Filler

__all__ = ["begin", "held_back", "show_progress", "wanted"]

_VARIABLE = "RADLENS_WARM"
_nobody_waits = threading.Condition()
_waiting = 0
_ending = threading.Event()
_LONGEST_MODEL = 30  # seconds
_filler: Filler | None = None
_may_fill = False


@contextmanager
def held_back() -> Iterator[None]:
    """Hold the loading in the background back while a page shows a film."""
    global _waiting
    with _nobody_waits:
        _waiting += 1
    try:
        yield
    finally:
        with _nobody_waits:
            _waiting -= 1
            _nobody_waits.notify_all()


def wanted() -> bool:
    """Whether models are loaded before anybody asks for them: unless `RADLENS_WARM` is "off"."""
    return os.environ.get(_VARIABLE, "").strip().lower() != "off"


def begin() -> threading.Thread:
    """Load every model in a thread, so that the first reading is quick."""
    global _may_fill
    _may_fill = True
    thread = threading.Thread(target=_warm, name="warm-up", daemon=True)
    thread.start()
    atexit.register(_end, thread)
    return thread


def show_progress() -> None:
    """Show how far the models are converted, as long as they are."""
    if _may_fill:
        _progress()


@st.fragment(run_every=1.0)
def _progress() -> None:
    if (filler := _filler) is not None and filler.total:
        message = f"Preparing the models for later starts: {filler.done} of {filler.total}"
        st.progress(filler.done / filler.total, message)


def _end(thread: threading.Thread) -> None:
    # an interpreter that ends while a network is being built takes the thread down in the middle
    # of it, with a message of C++; the model at hand is waited for, the others are not begun
    _ending.set()
    if (filler := _filler) is not None:
        filler.end()
    with _nobody_waits:
        _nobody_waits.notify_all()
    thread.join(_LONGEST_MODEL)


def _warm() -> None:
    try:
        _fill()  # first: the process that does it takes seconds to start
        from xray_models import pipeline  # takes half a second: the page opens without waiting
        from xray_models.evaluate import whole_films

        pipeline.warm(_next)
        if not _ending.is_set():
            whole_films.of_catalogue()  # which pages quote
            _give_back_memory()
    except (OSError, ValueError, RuntimeError) as error:
        # the page says the same, in a sentence, to whoever asks for a reading
        logging.getLogger("radlens").warning("The models could not be warmed up: %s", error)


def _fill() -> None:
    """Have the cache of converted networks filled, where it is not; returns when it is."""
    global _filler, _may_fill
    from xray_models import catalogue
    from xray_models.inference import converted
    from xray_models.inference.filler import Filler, missing

    try:
        if converted.usable() and missing(catalogue.catalogue().values()):
            filler = _filler = Filler()
            converted.fill_with(filler)
            while not filler.wait(1) and not _ending.is_set():
                pass
    finally:
        converted.fill_with(None)
        _filler, _may_fill = None, False


def _give_back_memory() -> None:
    """Give back what compiling has left over, where the system's C library can: tens of MB."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _next() -> bool:
    """Wait until no page shows a film; whether the next model is to be loaded."""
    with _nobody_waits:
        _nobody_waits.wait_for(lambda: not _waiting or _ending.is_set())
    return not _ending.is_set()

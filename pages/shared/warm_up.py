"""Warm-up: models are loaded in the background; who waits for a film comes first.

`RADLENS_WARM=off` leaves that away: each model is loaded when a film first needs it. The server is
up sooner and takes less memory, and the first reading of each part takes longer.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["begin", "held_back", "wanted"]

_VARIABLE = "RADLENS_WARM"
_nobody_waits = threading.Condition()
_waiting = 0
_ending = threading.Event()
_LONGEST_MODEL = 30  # seconds


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
    thread = threading.Thread(target=_warm, name="warm-up", daemon=True)
    thread.start()
    atexit.register(_end, thread)
    return thread


def _end(thread: threading.Thread) -> None:
    # an interpreter that ends while a network is being built takes the thread down in the middle
    # of it, with a message of C++; the model at hand is waited for, the others are not begun
    _ending.set()
    with _nobody_waits:
        _nobody_waits.notify_all()
    thread.join(_LONGEST_MODEL)


def _warm() -> None:
    from xray_models import (
        pipeline,  # brings TensorFlow, which takes seconds: the page opens without waiting
    )
    from xray_models.evaluate import whole_films

    with _nobody_waits:
        # a page that a link opened with a film loads the models that this film needs by itself
        _nobody_waits.wait_for(lambda: not _waiting or _ending.is_set())
    try:
        pipeline.warm(lambda: not _ending.is_set())
        if not _ending.is_set():
            whole_films.of_catalogue()  # which pages quote
    except (ValueError, RuntimeError) as error:
        # the page says the same, in a sentence, to whoever asks for a reading
        logging.getLogger("radlens").warning("The models could not be warmed up: %s", error)

"""Silence for decoders: a warning may quote what they stumble over, such as a patient's name."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["silenced"]

_lock = threading.Lock()
_inside = 0
_filters = ExitStack()


@contextmanager
def silenced() -> Iterator[None]:
    """Silence Python warnings in every thread until the last thread that asked for it is done.

    `warnings.catch_warnings` alone puts the filters of the whole process aside and back: of two
    threads that overlap, the first to leave would let the other's warnings out.
    """
    global _inside
    with _lock:
        if not _inside:
            _filters.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _filters.close()

"""Job that goes on beside a page: how far it is, what it gave, and a way to stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from xray_models.explain.progress import Progress, Stop

__all__ = ["FORGOTTEN", "Job"]

_Value = TypeVar("_Value")

FORGOTTEN = 30.0
"""Seconds after which work that nobody looks at any more ends by itself."""


class Job(Generic[_Value]):
    """Job: one run of a function in a thread of its own.

    Attributes:
        done: passes made.
        total: passes in all, 0 until known.
        failure: what went wrong, once it has.
        stopped: whether it ended on request, or because nobody looked.
    """

    def __init__(self, work: Callable[[Progress, Stop], _Value]) -> None:
        """Start at once.

        Args:
            work: told of a progress to call after each batch and a stop to ask before it.
        """
        self.done = self.total = 0
        self.failure: Exception | None = None
        self.stopped = False
        self._work = work
        self._value: _Value | None = None
        self._halt = threading.Event()
        self._began = self._looked = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="job", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it still works. Asking counts as looking."""
        self._looked = time.monotonic()
        return self._thread.is_alive()

    @property
    def share(self) -> float:
        """Share that is done, 0..1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds left by the pace so far; None before there is one."""
        if not self.done:
            return None
        return (time.monotonic() - self._began) * (self.total - self.done) / self.done

    def stop(self) -> None:
        """End before the next batch."""
        self._halt.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has ended, or so long."""
        self._thread.join(seconds)

    def result(self) -> _Value | None:
        """Result; None while it runs and where it was stopped or failed."""
        return self._value

    def _run(self) -> None:
        from xray_models.explain.progress import Stopped  # brings TensorFlow, which takes seconds

        try:
            self._value = self._work(self._progress, self._stop)
        except Stopped:
            self.stopped = True
        except Exception as error:  # the page that waits for it tells what went wrong
            self.failure = error

    def _progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total

    def _stop(self) -> bool:
        return self._halt.is_set() or time.monotonic() - self._looked > FORGOTTEN

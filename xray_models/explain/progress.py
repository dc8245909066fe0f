"""Progress of long work in batches, and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

__all__ = ["BATCH", "Progress", "Stop", "Stopped", "Work"]

Progress = Callable[[int, int], None]
"""Called with (passes done, passes in all) after each batch; an exception from it stops too."""

Stop = Callable[[], bool]
"""Asked before each batch; true means stop."""

BATCH = 16
"""Inputs that go through a network together: more only takes memory on a processor."""


class Stopped(RuntimeError):
    """Signal that work was stopped on request; nothing half-done is cached."""


@dataclass
class Work:
    """One run of a method, seen from outside.

    Attributes:
        progress: called after each batch.
        stop: asked before each batch.
        total: passes in all: those of the batches begun so far, and those expected after them.
        done: passes made.
    """

    progress: Progress | None = None
    stop: Stop | None = None
    total: int = field(default=0, init=False)
    done: int = field(default=0, init=False)
    _expected: int = field(default=0, init=False, repr=False)

    def expect(self, count: int) -> None:
        """Say how many passes are still to come, at most: the total is whole from the start.

        Batches are taken from what is expected. Saying it again corrects what is left of it: a
        total that shrinks is progress that jumps ahead, one that grows would throw it back.
        """
        self.total += count - self._expected
        self._expected = count

    def check(self) -> None:
        """Ask whether to go on.

        Raises:
            Stopped: `stop` said so.
        """
        if self.stop is not None and self.stop():
            raise Stopped("Stopped before the map was finished.")

    def batches(self, count: int, size: int = BATCH) -> Iterator[slice]:
        """Slices over `count` inputs, at most `size` long.

        Raises:
            Stopped: `stop` said so.
        """
        announced = min(count, self._expected)
        self._expected -= announced
        self.total += count - announced
        for start in range(0, count, size):
            self.check()
            end = min(start + size, count)
            yield slice(start, end)
            self.done += end - start
            if self.progress is not None:
                self.progress(self.done, self.total)

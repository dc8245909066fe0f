"""Long work in batches: how far it is, and whether to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Progress = Callable[[int, int], None]
"""Told (passes done, passes in all) after each batch; an exception raised from it stops too."""

Stop = Callable[[], bool]
"""Asked before each batch; true means stop."""

BATCH = 16
"""Inputs that go through a network together: more only takes memory on a processor."""


class Stopped(RuntimeError):
    """The work was stopped on request; nothing half-done is kept."""


@dataclass
class Work:
    """One run of a method, seen from outside.

    Attributes:
        progress: told after each batch.
        stop: asked before each batch.
        total: passes in all; methods add what they plan before they begin.
        done: passes made.
    """

    progress: Progress | None = None
    stop: Stop | None = None
    total: int = field(default=0, init=False)
    done: int = field(default=0, init=False)

    def batches(self, count: int, size: int = BATCH) -> Iterator[slice]:
        """Slices over `count` inputs, at most `size` long.

        Raises:
            Stopped: `stop` said so.
        """
        self.total += count
        for start in range(0, count, size):
            if self.stop is not None and self.stop():
                raise Stopped("Stopped before the map was finished.")
            end = min(start + size, count)
            yield slice(start, end)
            self.done += end - start
            if self.progress is not None:
                self.progress(self.done, self.total)

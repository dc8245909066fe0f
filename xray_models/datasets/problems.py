"""Problems of a data set, missing or malformed: stop at one, or write it down and go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MOST_NAMED", "DataSetError", "Problem", "collecting", "summary", "tell"]

MOST_NAMED = 10
"""Problems named one by one in a message or a log; the rest are counted."""


class DataSetError(Exception):
    """A data set is missing or malformed; the message names file and line and says what to do."""


@dataclass(frozen=True)
class Problem:
    """Something missing or malformed in a data set.

    Attributes:
        path: the table it was found in, or the folder.
        line: of that table, from 1; 0 where there is none.
        what: a sentence.
    """

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        where = f"{self.path}, line {self.line}" if self.line else str(self.path)
        return f"{where}: {self.what}"


_collected: ContextVar[list[Problem] | None] = ContextVar("collected", default=None)


@contextmanager
def collecting() -> Iterator[list[Problem]]:
    """Context in which readers leave out what they cannot use and go on; the problems they met.

    A missing table or column still stops: there is nothing to go on with.
    """
    problems: list[Problem] = []
    before = _collected.set(problems)
    try:
        yield problems
    finally:
        _collected.reset(before)


def tell(path: Path, line: int, what: str) -> None:
    """Stop at a problem; within `collecting` write it down, and the caller leaves the film out.

    Raises:
        DataSetError: nobody is collecting.
    """
    problem, collected = Problem(path, line, what), _collected.get()
    if collected is None:
        raise DataSetError(str(problem))
    if problem not in collected:  # tables are read more than once
        collected.append(problem)


def summary(problems: list[Problem]) -> str:
    """Summary of problems: the first in a row, and how many more there are."""
    named = " ".join(str(problem) for problem in problems[:MOST_NAMED])
    more = len(problems) - MOST_NAMED
    return f"{named} And {more:,} more." if more > 0 else named

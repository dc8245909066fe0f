"""Work on many items by threads, with few of them in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

__all__ = ["as_done"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_AHEAD = 4  # items taken from the list for each thread


def as_done(
    work: Callable[[_Item], _Result], items: Iterable[_Item], workers: int
) -> Iterator[_Result]:
    """Results in the order in which they are done; items are taken as they are needed.

    Args:
        work: called by several threads; what it raises is raised here, and what began is awaited.
        items: any number.
        workers: threads.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: set[Future[_Result]] = set()
        for item in items:
            waiting.add(pool.submit(work, item))
            while len(waiting) >= workers * _AHEAD:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for one in done:
                    yield one.result()
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for one in done:
                yield one.result()

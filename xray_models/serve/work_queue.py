"""Work queue: a few requests in work, a few waiting, and a refusal for those after them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.requests import Request

from xray_models.serve.refusals import ClientLeft, Refused
from xray_models.serve.settings import Settings

__all__ = ["Stop", "WorkQueue"]

_Answer = TypeVar("_Answer")
_FIRST_GUESS = 2.0  # seconds that a request takes, before one was measured
_LONGEST_ADVICE = 600


class Stop:
    """Switch that ends a request's work: its client left, or its time is up."""

    def __init__(self) -> None:
        self._left = threading.Event()
        self._ends = float("inf")

    def within(self, seconds: float) -> None:
        """Let the work end some seconds from now."""
        self._ends = time.monotonic() + seconds

    def leave(self) -> None:
        """Tell that the client left."""
        self._left.set()

    @property
    def left(self) -> bool:
        """Whether the client left."""
        return self._left.is_set()

    def __call__(self) -> bool:
        """Whether the work is to stop."""
        return self.left or time.monotonic() > self._ends


class WorkQueue:
    """Threads that read the films of requests; each request is admitted before its body comes."""

    def __init__(self, settings: Settings) -> None:
        self._workers = settings.workers
        self._room = settings.workers + settings.waiting
        self._threads = ThreadPoolExecutor(settings.workers, thread_name_prefix="serve")
        self._usual = _FIRST_GUESS
        self.admitted = 0

    @property
    def full(self) -> bool:
        """Whether the next request would be refused."""
        return self.admitted >= self._room

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place in the queue, as long as the request lasts.

        Raises:
            Refused: there is none; with the seconds after which to try again.
        """
        if self.full:
            behind = self.admitted / self._workers
            seconds = min(_LONGEST_ADVICE, max(1, round(behind * self._usual)))
            raise Refused(
                429,
                f"{self.admitted} requests are in work or waiting, as many as fit. Try again in "
                f"{seconds} seconds.",
                {"Retry-After": str(seconds), "Connection": "close"},
            )
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    async def run(self, request: Request, work: Callable[[Stop], _Answer]) -> _Answer:
        """Run work in a thread until it ends or the client leaves.

        Args:
            request: whose body was received already.
            work: asks the switch that it gets from time to time whether to stop.

        Raises:
            ClientLeft: it did; work that had begun has stopped by then.
        """
        stop = Stop()
        thread = self._threads.submit(self._timed, work, stop)
        future = asyncio.wrap_future(thread)
        watching = asyncio.create_task(_until_left(request))
        try:
            either: set[asyncio.Future[Any]] = {future, watching}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not future.done():
                raise ClientLeft
            return future.result()
        finally:
            watching.cancel()
            stop.leave()
            if not thread.cancel():  # the place is given on when the work has ended
                await asyncio.wait({future})

    def close(self) -> None:
        """End the threads; work that has not begun is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _timed(self, work: Callable[[Stop], _Answer], stop: Stop) -> _Answer:
        began = time.monotonic()
        try:
            return work(stop)
        finally:
            self._usual += 0.2 * (time.monotonic() - began - self._usual)


async def _until_left(request: Request) -> None:
    """Wait until the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

"""Service: what its routes share, and the way of a request from its body to the films' answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request

from xray_models.radiograph.pool import Pool
from xray_models.serve.access import Access
from xray_models.serve.answers import FilmAnswer, ReadAnswer, RefusedFilm
from xray_models.serve.films import read_films
from xray_models.serve.metrics import Metrics
from xray_models.serve.options import from_fields
from xray_models.serve.request_log import REQUEST_ID
from xray_models.serve.settings import Settings
from xray_models.serve.uploads import receive
from xray_models.serve.work_queue import WorkQueue

__all__ = ["NOTICE", "Service"]

NOTICE = "For teaching and research, not for diagnosis."


@dataclass(frozen=True)
class Service:
    """Settings, queue and counters of one service.

    Attributes:
        settings: checked.
        queue: of the requests that read films.
        access: who may ask, and how often.
        metrics: counters.
        decoders: gives the processes that decode films.
    """

    settings: Settings
    queue: WorkQueue
    access: Access
    metrics: Metrics
    decoders: Callable[[], Pool]

    async def read(self, request: Request) -> ReadAnswer:
        """Answer a form of films.

        Raises:
            Refused: the request as a whole cannot be answered.
            ClientLeft: nobody waits for the answer.
        """
        self.access.check(request)
        async with self.queue.place():
            upload = await receive(request, self.settings)
            # the first look imports methods and reads cards
            options = await asyncio.to_thread(from_fields, upload.fields)
            work = partial(read_films, upload.files, options, self.decoders, self.settings.seconds)
            request.scope["radlens.facts"] |= {"films": len(upload.files), "bytes": upload.size}
            films = await self.queue.run(request, work)
        self._count(request, films)
        return ReadAnswer(request=request.scope[REQUEST_ID], films=films, notice=NOTICE)

    def _count(self, request: Request, films: Sequence[FilmAnswer | RefusedFilm]) -> None:
        refused = sum(isinstance(one, RefusedFilm) for one in films)
        request.scope["radlens.facts"]["refused"] = refused
        self.metrics.films.labels("refused").inc(refused)
        self.metrics.films.labels("read").inc(len(films) - refused)

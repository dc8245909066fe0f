"""Service as an ASGI application: FastAPI with the routes, refusals as JSON, ids and logs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from xray_models import __version__
from xray_models.radiograph.pool import Pool
from xray_models.serve import form_routes, model_routes, read_routes, status_routes
from xray_models.serve.access import Access
from xray_models.serve.metrics import Metrics
from xray_models.serve.refusals import ClientLeft, Refused
from xray_models.serve.request_log import REQUEST_ID, RequestLog, log_to_stderr
from xray_models.serve.service import Service
from xray_models.serve.settings import Settings
from xray_models.serve.work_queue import WorkQueue

__all__ = ["application"]

_ABOUT = (
    "Radiographs in, findings out. Answers for each film are those of `classify.py --json`. "
    "For teaching and research, not for diagnosis."
)
_CLIENT_LEFT = 499


def application(settings: Settings, decoders: Callable[[], Pool]) -> ASGIApp:
    """Make the service.

    Args:
        settings: checked already.
        decoders: gives the processes that decode films, when the first film comes. Whoever made
            them ends them.
    """
    queue = WorkQueue(settings)
    service = Service(settings, queue, Access(settings), Metrics(queue), decoders)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        queue.close()

    app = FastAPI(
        title="RadLens",
        version=__version__,
        description=_ABOUT,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's own page loads scripts from elsewhere
        redoc_url=None,
        lifespan=life,
    )
    for rooms in (read_routes, model_routes, status_routes, form_routes):
        app.include_router(rooms.router(service))
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(ClientLeft, _left)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unforeseen)
    whole: ASGIApp = app
    if settings.origins:
        whole = CORSMiddleware(
            app,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "X-API-Key", "X-Request-ID"),
        )
    if settings.log:
        log_to_stderr()
    return RequestLog(whole, service.metrics, settings.log)


def _answer(
    request: Request, status: int, sentence: str, headers: dict[str, str] | None = None
) -> Response:
    body = {"error": sentence, "request": request.scope.get(REQUEST_ID, "")}
    return JSONResponse(body, status, headers)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _answer(request, error.status, error.sentence, error.headers)


async def _left(_: Request, error: Exception) -> Response:  # noqa: ARG001 - as Starlette calls it
    return Response(status_code=_CLIENT_LEFT)  # for the log: nobody is there to read it


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = {
        404: "There is nothing at this address. /api/v1/docs lists those there are.",
        405: "This address takes another method. /api/v1/docs says which.",
    }.get(error.status_code, str(error.detail))
    return _answer(request, error.status_code, sentence, dict(error.headers or {}))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
    return _answer(request, 422, f"The request does not fit its schema at: {', '.join(places)}.")


async def _unforeseen(request: Request, error: Exception) -> Response:  # noqa: ARG001 - as Starlette calls it
    return _answer(request, 500, "The service failed over this request. Its log has the id.")

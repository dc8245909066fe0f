"""Log of requests: an id for each, a line of JSON with route, status and time, nothing of a film.

No file name, no address of a client, no option and no header is logged.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xray_models.serve.metrics import Metrics

__all__ = ["REQUEST_ID", "RequestLog", "headers_of_answers", "log_to_stderr"]

REQUEST_ID = "radlens.request"
"""Key of a request's scope: its id."""

_LOGGER = logging.getLogger("radlens.serve")
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_QUIET = ("/health", "/ready", "/metrics")  # asked every few seconds


class RequestLog:
    """Middleware that gives each request an id, counts it and logs it."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = scope[REQUEST_ID] = _id(scope)
        facts: dict[str, Any] = {}
        scope["radlens.facts"] = facts
        began, status = time.perf_counter(), 0

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", request.encode()),
                    *headers_of_answers(),
                ]
            await send(message)

        try:
            await self._app(scope, receive, with_id)
        except Exception as error:
            if not status:
                raise
            # it was answered with 500; its text may quote the film, so that it is not logged
            places = [
                f"{one.filename}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)
            ]
            facts |= {"error": type(error).__name__, "at": places[-3:]}
        finally:
            spent = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(route, status or 499).inc()
            self._metrics.seconds.labels(route).observe(spent)
            if self._log and route not in _QUIET:
                _tell(request, scope["method"], route, status or 499, spent, facts)


def headers_of_answers() -> list[tuple[bytes, bytes]]:
    """Headers of every answer: it loads nothing from elsewhere, runs no script, is not kept.

    Beside the pages of the dashboard, the dashboard's own policy takes their place.
    """
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'self'"
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"SAMEORIGIN"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
    ]


def log_to_stderr() -> None:
    """Have the lines written to stderr, where nobody else does."""
    if not _LOGGER.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        _LOGGER.addHandler(handler)
        _LOGGER.setLevel(logging.INFO)
        _LOGGER.propagate = False


def _id(scope: Scope) -> str:
    """The id that the client gave, where it is harmless; else a new one."""
    given = dict(scope["headers"]).get(b"x-request-id", b"")
    return given.decode() if _GIVEN.fullmatch(given) else uuid.uuid4().hex


def _tell(
    request: str, method: str, route: str, status: int, spent: float, facts: dict[str, Any]
) -> None:
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request": request,
        "method": method if method in ("GET", "HEAD", "POST", "OPTIONS") else "other",
        "route": route,
        "status": status,
        "seconds": round(spent, 3),
        **facts,
    }
    _LOGGER.info(json.dumps(line))

"""Addresses of the service as routes for another server, made ready when one is first asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from xray_models.serve.settings import Settings

if TYPE_CHECKING:
    from xray_models.radiograph.pool import Pool

__all__ = ["PATHS", "routes"]

PATHS = (
    "/healthcare/mri/analysis",
    "/api/{rest:path}",
    "/health",
    "/ready",
    "/metrics",
    "/upload",
)
"""Addresses that the service answers, as Starlette writes them."""


def routes(settings: Settings, decoders: Callable[[], Pool]) -> list[Route]:
    """Routes for the server of the dashboard; none where the settings switch the service off.

    Args:
        settings: of the service.
        decoders: gives the processes that decode films, when the first film comes.
    """
    if not settings.enabled:
        return []
    service = _Later(settings, decoders)
    return [Route(path, endpoint=service) for path in PATHS]


class _Later:
    """The service, which is imported with the first request: pages open without waiting for it."""

    def __init__(self, settings: Settings, decoders: Callable[[], Pool]) -> None:
        self._settings = settings
        self._decoders = decoders
        self._service: asyncio.Task[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._service is None:
            self._service = asyncio.create_task(asyncio.to_thread(self._build))
        service = await asyncio.shield(self._service)
        await service(scope, receive, send)

    def _build(self) -> ASGIApp:
        from xray_models.serve.application import application

        return application(self._settings, self._decoders)

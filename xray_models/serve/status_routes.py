"""Routes about the service itself: alive, ready, counted."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from xray_models import __version__
from xray_models.catalogue import CatalogueError, catalogue
from xray_models.serve.answers import Refusal, Status
from xray_models.serve.refusals import Refused
from xray_models.serve.service import Service
from xray_models.serve.settings import METRICS

__all__ = ["router"]


def router(service: Service) -> APIRouter:
    """The routes of a service."""
    routes = APIRouter(tags=["service"])

    @routes.get("/health", summary="Whether it is alive", operation_id="health")
    async def health() -> Status:
        """For whoever restarts a service that does not answer."""
        return Status(status="alive", version=__version__)

    @routes.get(
        "/ready",
        summary="Whether it takes a film now",
        operation_id="ready",
        responses={503: {"model": Refusal, "description": "Not now; the answer says why."}},
    )
    async def ready() -> Status:
        """For whoever chooses between several services."""
        try:
            catalogue()
        except CatalogueError as error:
            raise Refused(503, str(error)) from None
        if service.queue.full:
            raise Refused(503, "The queue is full.", {"Retry-After": "5"})
        return Status(status="ready", version=__version__)

    @routes.get(
        "/metrics",
        summary="Counts for Prometheus",
        operation_id="metrics",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            404: {"model": Refusal, "description": f"Off, unless {METRICS} is on."},
        },
    )
    async def metrics() -> Response:
        """Requests, times and films, in the text format of Prometheus."""
        if not service.settings.metrics:
            raise Refused(404, f"Metrics are off. {METRICS}=on switches them on.")
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return routes

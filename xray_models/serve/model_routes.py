"""Routes about models: the list, and one in full."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from xray_models.catalogue import CatalogueError, catalogue
from xray_models.serve.answers import ModelAnswer, ModelDetail, Refusal, model_answer, model_detail
from xray_models.serve.read_routes import REFUSALS
from xray_models.serve.refusals import Refused
from xray_models.serve.service import Service

__all__ = ["router"]

_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: REFUSALS[status] for status in (401, 429, 503)
}
_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": Refusal, "description": "There is no such model."}
}


def router(service: Service) -> APIRouter:
    """The routes of a service."""
    routes = APIRouter(prefix="/api/v1/models", tags=["models"], responses=_REFUSALS)

    @routes.get("", summary="List the models", operation_id="list_models")
    def models(request: Request) -> list[ModelAnswer]:
        """Every model of the catalogue, in alphabetical order."""
        service.access.check(request)
        try:
            return [model_answer(card) for card in catalogue().values()]
        except CatalogueError as error:
            raise Refused(503, str(error)) from None

    @routes.get("/{id}", summary="One model", operation_id="get_model", responses=_UNKNOWN)
    def model(request: Request, id: str) -> ModelDetail:  # noqa: A002 - its name in the address
        """A model with its thresholds, its figures on held-out films, and its limits."""
        service.access.check(request)
        try:
            cards = catalogue()
        except CatalogueError as error:
            raise Refused(503, str(error)) from None
        if id not in cards:
            raise Refused(404, f"There is no such model. Models: {', '.join(cards)}.")
        return model_detail(cards[id])

    return routes

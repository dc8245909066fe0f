"""Routes that read films: `/api/v1/read`, and the address that Xvision's server had."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from xray_models import PARTS, catalogue
from xray_models.explain import methods
from xray_models.radiograph.ages import ADULT, CHILD
from xray_models.serve.answers import ReadAnswer, Refusal
from xray_models.serve.options import FIELDS
from xray_models.serve.service import Service
from xray_models.serve.settings import Settings

__all__ = ["REFUSALS", "form_schema", "router"]

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refusal, "description": "The form is malformed."},
    401: {"model": Refusal, "description": "A key is asked for, and this is none."},
    403: {"model": Refusal, "description": "A page of another site asks."},
    408: {"model": Refusal, "description": "The request took too long to arrive."},
    413: {"model": Refusal, "description": "Too large, or too many files."},
    415: {"model": Refusal, "description": "The request is no multipart form."},
    422: {"model": Refusal, "description": "No file, or a field that cannot be."},
    429: {"model": Refusal, "description": "Too many requests; Retry-After says when to come."},
    503: {"model": Refusal, "description": "The models cannot be used."},
}
"""Refusals of a request as a whole, for the schema."""


def router(service: Service) -> APIRouter:
    """The routes of a service."""
    routes = APIRouter(tags=["films"])
    described: dict[str, Any] = {
        "response_model": ReadAnswer,
        "responses": REFUSALS,
        "openapi_extra": {"requestBody": form_schema(service.settings)},
    }

    @routes.post("/api/v1/read", summary="Read films", operation_id="read", **described)
    async def read(request: Request) -> JSONResponse:
        """Find the body part of each film, ask the models that fit, and draw where they looked.

        A film that cannot be read has its own error and does not affect the others.
        """
        return await _answer(service, request)

    @routes.post(
        "/healthcare/mri/analysis",
        summary="Read films, at the address of Xvision",
        operation_id="analysis",
        **described,
    )
    async def analysis(request: Request) -> JSONResponse:
        """The same as `/api/v1/read`, for clients of the earlier server."""
        return await _answer(service, request)

    return routes


def form_schema(settings: Settings) -> dict[str, Any]:
    """Schema of the form: as many files as the settings allow, and options."""
    cards = [card for card in catalogue.catalogue().values() if card.task != "body-part"]
    findings = sorted({finding for card in cards for finding in card.findings})
    values: dict[str, dict[str, Any]] = {
        "part": {"enum": list(PARTS)},
        "model": {
            "type": "array",
            "uniqueItems": True,
            "items": {"enum": [card.id for card in cards]},
        },
        "age": {"enum": [CHILD, ADULT]},
        "invert": {"type": "boolean"},
        "boxes": {"type": "boolean"},
        "overlay": {"type": "boolean"},
        "label": {"type": "array", "uniqueItems": True, "items": {"enum": findings}},
        "method": {"enum": list(methods.METHODS)},
    }
    file = {
        "type": "array",
        "minItems": 1,
        "maxItems": settings.most_files,
        "items": {"type": "string", "format": "binary"},
        "description": "PNG, JPEG, TIFF, BMP, WebP or DICOM; by its content, whatever its name.",
    }
    fields = {name: values[name] | {"description": FIELDS[name]} for name in FIELDS}
    schema = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file} | fields,
        "additionalProperties": False,
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


async def _answer(service: Service, request: Request) -> JSONResponse:
    answer = await service.read(request)
    # what was not asked for is not there, so that a film's line is that of classify.py
    return JSONResponse(answer.model_dump(mode="json", exclude_unset=True))

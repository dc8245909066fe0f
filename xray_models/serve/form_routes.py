"""Routes for people without a script: a form at `/upload`, and the reference of all addresses."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from xray_models import PARTS
from xray_models.serve import reference
from xray_models.serve.refusals import Refused
from xray_models.serve.service import NOTICE, Service

__all__ = ["router"]

_TEMPLATES = Environment(
    loader=PackageLoader("xray_models.serve"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def router(service: Service) -> APIRouter:
    """The routes of a service."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/upload")
    async def form(request: Request) -> Response:
        service.access.check(request)  # where keys are asked for, browsers ask the person
        return _page("form", service)

    @routes.post("/upload")
    async def result(request: Request) -> Response:
        try:
            answer = await service.read(request)
        except Refused as error:
            page = _page("form", service, problem=error.sentence)
            page.status_code = error.status
            page.headers.update(error.headers)
            return page
        return _page("result", service, films=answer.films)

    @routes.get("/api/v1/docs")
    async def docs(request: Request) -> Response:
        api = request.app.openapi()
        return _page(
            "reference",
            service,
            about=api["info"]["description"],
            version=api["info"]["version"],
            addresses=reference.addresses(api),
            types=reference.types(api),
        )

    @routes.get("/api/v1/style.css")
    async def style() -> Response:
        text = files("xray_models.serve").joinpath("templates/style.css").read_text("utf-8")
        return Response(text, media_type="text/css")

    return routes


def _page(name: str, service: Service, **values: Any) -> HTMLResponse:
    values = {"problem": "", "parts": PARTS, "notice": NOTICE} | values
    template = _TEMPLATES.get_template(f"{name}.html.jinja")
    return HTMLResponse(template.render(settings=service.settings, **values))

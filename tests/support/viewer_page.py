"""The viewer in a browser without a server of the app: a view, and what it asks the server for."""

from __future__ import annotations

import base64
import json
import urllib.parse
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, Route

from pages.shared.headers import policy
from pages.viewer import component
from xray_models.explain.heatmap import Heatmap
from xray_models.radiograph import Radiograph
from xray_models.radiograph.preprocess import Placement, resize
from xray_models.viz import viewer_data
from xray_models.viz.viewer_data import FilmData, FindingRow, MapSprite, View

ORIGIN = "http://viewer.test"
_HTML = """<!doctype html><html><head><meta charset="utf-8"><title>Viewer</title>
<link rel="stylesheet" href="/page.css"></head>
<body><div id="above"></div><div id="host"></div><script type="module" src="/start.js"></script>
</body></html>"""
_START = """
import mount from "/viewer.js";
const root = document.getElementById("host").attachShadow({mode: "open"});
const style = document.createElement("link");
style.rel = "stylesheet";
style.href = "/viewer.css";
root.append(style);
window.sent = [];
window.show = (data) => mount({
  data,
  parentElement: root,
  setTriggerValue: (name, value) => window.sent.push(["trigger", name, value]),
});
window.viewer = () => root.querySelector(".viewer")?.viewer;
const answer = await fetch("/data.json");
window.show(await answer.json());
"""


def film(height: int = 600, width: int = 500, spacing: tuple[float, float] | None = None):
    """A drawn film: a slope from left to right with a bright square."""
    pixels = np.tile(np.linspace(0, 0.9, width, dtype=np.float32), (height, 1))
    pixels[height // 4 : height // 3, width // 4 : width // 3] = 1.0
    return Radiograph(pixels, "drawn", spacing_mm=spacing)


def heatmap(shown: Radiograph, row: int, column: int, cells: int = 7) -> Heatmap:
    """A map that is hot in one cell, and warm around it, in a square input of 224 pixels."""
    rows, columns = np.mgrid[:cells, :cells]
    values = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 3).astype(np.float32)
    _, placement = resize(shown.pixels, (224, 224), "fit")
    assert isinstance(placement, Placement)
    return Heatmap(values, placement, (224, 224))


def finding(number: int, probability: float = 0.6, threshold: float = 0.3, **more: Any):
    """A row of the panel."""
    return FindingRow(
        f"model:label {number}",
        "model",
        f"label {number}",
        f"Finding {number}",
        probability,
        threshold,
        probability >= threshold,
        **more,
    )


def view(shown: Radiograph | None = None, count: int = 3, **more: Any) -> View:
    """A film with findings, each with a map of its own, the first of which is chosen."""
    shown = shown or film()
    rows = [finding(k, 0.9 - 0.25 * k, lines=(f"Line {k}.",)) for k in range(count)]
    maps = {row.id: heatmap(shown, k + 1, 2 * k + 1) for k, row in enumerate(rows)}
    settings: dict[str, Any] = {
        "film": FilmData.of(shown),
        "title": "A drawn film",
        "sprites": (MapSprite.of(maps),) if maps else (),
        "findings": tuple(rows),
        "selected": rows[0].id if rows else None,
        "where": {row.id: f"Heat of {row.name} is here." for row in rows},
        "names": {row.id: f"what speaks for {row.name.lower()}" for row in rows},
    }
    return View(**(settings | more))


def mounted(
    browser: Browser, shown: View, width: int = 1440, height: int = 900, **more: Any
) -> Page:
    """A page that shows a view, under the policy of the app.

    Args:
        browser: Chromium.
        shown: the view.
        width, height: of the screen.
        **more: of the page, such as `has_touch`.
    """
    query = more.pop("query", "")
    full = more.pop("full", None)
    context = browser.new_context(viewport={"width": width, "height": height}, **more)
    page = context.new_page()
    page.set_default_timeout(20_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.said = said  # type: ignore[attr-defined]
    contents: dict[str, tuple[bytes, str]] = {
        "/": (_HTML.encode(), "text/html"),
        "/start.js": (_START.encode(), "text/javascript"),
        "/viewer.js": (component.script().encode(), "text/javascript"),
        "/viewer.css": (component.style().encode(), "text/css"),
        "/page.css": (b"body { margin: 0; padding: 16px; }", "text/css"),
    }
    page.contents = contents  # type: ignore[attr-defined]
    contents["/data.json"] = (json.dumps(data_of(page, shown, full)).encode(), "application/json")

    page.route(f"{ORIGIN}/**", lambda route: answer(page, route))
    page.goto(f"{ORIGIN}/{query}")
    painted(page)
    return page


def answer(page: Page, route: Route) -> None:
    """Answer a request of a page, or of another tab, with what the page has."""
    path = urllib.parse.unquote(urllib.parse.urlsplit(route.request.url).path)
    if path == "/favicon.ico":
        route.fulfill(status=204)
        return
    contents: dict[str, tuple[bytes, str]] = page.contents  # type: ignore[attr-defined]
    if path not in contents:
        route.fulfill(status=404)
        return
    body, kind = contents[path]
    route.fulfill(body=body, headers={"content-type": kind, "content-security-policy": policy()})


def data_of(page: Page, shown: View, full: Radiograph | None = None) -> dict[str, Any]:
    """What the server would send for a view; its contents can be fetched from then on."""
    words, blobs = viewer_data.packed(shown)
    contents: dict[str, tuple[bytes, str]] = page.contents  # type: ignore[attr-defined]
    words["urls"] = {}
    for name, content in blobs.items():
        url = f"/media/{shown.film.key}/{hash(content)}/{name}"
        contents[url] = content, "application/octet-stream"
        words["urls"][name] = url
    if full is not None:
        content, rows, columns = viewer_data.full_resolution(full)
        contents["/media/full"] = content, "application/octet-stream"
        words["full"] = {"url": "/media/full", "rows": rows, "columns": columns}
    return words


def show(page: Page, shown: View, **more: Any) -> None:
    """Show another view on the same page, as a run of the app does."""
    frames = page.evaluate("viewer().frames")
    page.evaluate("data => show(data)", data_of(page, shown) | more)
    page.wait_for_function("frames => viewer().frames > frames", arg=frames)


def painted(page: Page) -> None:
    """Wait until what was asked for is on the screen."""
    page.wait_for_function("() => window.viewer?.()?.frames > 0")
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def pixels(page: Page, pane: int = 0) -> np.ndarray:
    """Pixels of a pane as painted, uint8 (height, width, 4)."""
    painted(page)
    height, width, values = page.evaluate(
        """pane => {
          const canvas = viewer().panes[pane].base;
          const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let text = "";
          for (const byte of image.data) text += String.fromCharCode(byte);
          return [canvas.height, canvas.width, btoa(text)];
        }""",
        pane,
    )
    return np.frombuffer(base64.b64decode(values), np.uint8).reshape(height, width, 4)

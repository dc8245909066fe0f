"""A page as Streamlit's own test runner gives it: opened by a link, checked, read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from markup import Element, parsed
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.testing.v1 import AppTest

from xray_models import radiograph
from xray_models.explain.heatmap import Heatmap
from xray_models.viz import overlay

MAIN = Path(__file__).parents[2] / "app.py"
NOTICE = "For teaching and research, not for diagnosis."
_opened: list[AppTest] = []
_contents: dict[str, bytes] = {}


def opened(page: str = "", **link: str) -> AppTest:
    """What a link shows.

    Args:
        page: file of another page than the first, under pages/.
        **link: the query.
    """
    shown = AppTest.from_file(str(MAIN), default_timeout=300)
    _opened.append(shown)
    if page:
        shown.switch_page(f"pages/{page}")
    for name, value in link.items():
        shown.query_params[name] = value
    return checked(shown.run())


def end_work() -> None:
    """Stop what goes on beside the pages that were opened: nobody will look at it."""
    jobs = [
        job
        for page in _opened
        if "jobs" in page.session_state
        for job in page.session_state.jobs.values()
    ]
    for job in jobs:
        job.stop()
    for job in jobs:
        job.wait(300)
    _opened.clear()


def checked(page: AppTest) -> AppTest:
    """The page, which has run without an exception."""
    assert not page.exception, page.exception[0].message
    return page


def keep_contents() -> None:
    """Keep what pages put into the server's memory: Streamlit's test runner throws it away."""
    real = MemoryMediaFileStorage.load_and_get_id

    def kept(storage: MemoryMediaFileStorage, data: Any, *more: Any) -> str:
        found = real(storage, data, *more)
        if isinstance(data, bytes):
            _contents[storage.get_url(found)] = data
            for old in list(_contents)[:-20]:
                del _contents[old]
        return found

    MemoryMediaFileStorage.load_and_get_id = kept  # type: ignore[method-assign]


def content(url: str) -> bytes:
    """Content of an address that a page put into the server's memory not long ago."""
    return _contents[url]


def viewer(page: AppTest) -> dict[str, Any]:
    """What the viewer of a page is told: words and numbers."""
    found = [one.proto for one in page.get("bidi_component")]
    (shown,) = [one for one in found if one.component_name == "radlens_viewer"]
    words: dict[str, Any] = json.loads(shown.json)
    return words


def map_of(page: AppTest, chosen: str = "") -> np.ndarray | None:
    """A map as it goes to the browser, 0..1 of its hottest point on the film; None without.

    Args:
        page: with a viewer.
        chosen: id of the map; of the one that is shown first by default.
    """
    words = viewer(page)
    chosen = chosen or words["selected"]
    for sprite in words["sprites"]:
        if chosen in sprite["ids"]:
            shape = len(sprite["ids"]), sprite["rows"], sprite["columns"]
            values = np.frombuffer(_contents[words["urls"][sprite["blob"]]], np.uint8)
            number = sprite["ids"].index(chosen)
            return np.minimum(values.reshape(shape)[number] / 255 * sprite["scales"][number], 1)
    return None


def same_map(shown: np.ndarray, true: Heatmap) -> bool:
    """Whether a map of the viewer is a heatmap, as far as eight bits can tell."""
    wanted = np.minimum(true.values * true.scale_on_film, 1)
    apart = np.abs(shown - wanted).max()
    return bool(apart <= 1.01 / 255 * max(1, true.scale_on_film))


def map_words(page: AppTest) -> str:
    """What the viewer says of the map that is shown first."""
    words = viewer(page)
    chosen = words["selected"]
    rows = [row for row in words["findings"] if row["id"] == chosen]
    lines = [line for row in rows for line in row["lines"]]
    told = words["where"].get(chosen, ""), words["hottest"].get(chosen, "")
    told = *told, *words["cautions"].get(chosen, ())
    return "\n".join([words["names"].get(chosen, ""), *told, *lines])


def html(page: AppTest) -> str:
    """Its pieces of HTML."""
    return "\n".join(block.body for block in page.html)


def elements(page: AppTest) -> Element:
    """What its pieces of HTML hold."""
    return parsed(html(page))


def named_part(page: AppTest) -> str:
    """The body part that Read names, with how sure it is."""
    (found,) = elements(page).every(class_="rl-part")
    return found.text


def prose(page: AppTest) -> str:
    """Its text and captions."""
    return "\n".join(block.value for block in (*page.markdown, *page.caption))


def strip_of(file: Path) -> bytes:
    """A seventh of a film's height as PNG: a model that takes squares is given mostly black."""
    pixels = radiograph.read(file).pixels
    start, stop = int(0.4 * len(pixels)), int(0.55 * len(pixels))
    return overlay.encode(overlay.film(overlay.shrink(pixels[start:stop], 800)))

"""A page as Streamlit's own test runner gives it: opened by a link, checked, read."""

from __future__ import annotations

from pathlib import Path

from markup import Element, parsed
from streamlit.testing.v1 import AppTest

from xray_models import radiograph
from xray_models.viz import overlay

MAIN = Path(__file__).parents[2] / "app.py"
NOTICE = "For teaching and research, not for diagnosis."
_opened: list[AppTest] = []


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

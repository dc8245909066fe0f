"""Teach page: read films first, then compare with the model and the truth."""

from __future__ import annotations

from pages.shared import warm_up
from pages.shared.page import open_page
from pages.teaching import choosing, ending, lessons, reading, state
from xray_models.teaching.session import DONE

TITLE = "Read first, then compare"
INTRODUCTION = "You read films and commit to an answer. Only then you see the truth and the model."


def main() -> None:
    """The page: a lesson, the start, a film, or the results."""
    running, lesson = state.running(), lessons.chosen()
    if lesson is not None:
        open_page(TITLE)
        lessons.show(lesson)
    elif running is None:
        open_page(TITLE, INTRODUCTION)
        choosing.show()
    elif running.session.step == DONE:
        open_page(TITLE)
        ending.show(running)
    else:
        open_page(TITLE, shown=False)
        with warm_up.held_back():
            reading.show(running)


main()

"""Head of the Read page: the verdict in one line, and what can be said about the film."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from pages.reading import ages, links, parts, truth
from pages.shared import film_links, film_queue, open_film, way_back
from pages.shared.page import NOTICE

if TYPE_CHECKING:
    from pages.shared.opened import Opened
    from xray_models.pipeline import Reading

__all__ = ["show"]


def show(opened: Opened, reading: Reading) -> None:
    """Verdict, part and notice; then the controls of the film, in one line where there is room."""
    from xray_models.report.verdict_text import verdict

    with st.container(key="verdict", gap=None):
        st.html(
            f'<h1 class="rl-verdict">{escape(verdict(reading))}</h1>'
            f'<div class="rl-under">{parts.named(reading)}'
            f'<p class="rl-notice" role="note">{NOTICE}</p></div>'
        )
    with st.container(
        key="film-controls",
        horizontal=True,
        horizontal_alignment="right",
        vertical_alignment="center",
        gap="small",
    ):
        way_back.offer(opened.file)
        film_queue.show_steps(opened)
        parts.choose(reading)
        ages.choose(reading)
        open_film.offer_inverting()
        truth.offer(opened)
        open_film.offer_another()
    if reading.part is None and not reading.chosen:
        parts.offer_likely(reading)
    links.check_label(reading)
    film_links.show_problems()
    for warning in _untold(reading):
        st.warning(warning, icon=":material/warning:")


def _untold(reading: Reading) -> list[str]:
    """Warnings that the verdict does not tell already."""
    from xray_models.pipeline import about_part

    told = about_part(reading.parts, bool(reading.chosen), by_name=False)
    return [one for one in reading.warnings if one not in told]

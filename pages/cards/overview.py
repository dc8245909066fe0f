"""All models at a glance: a row each, and what holds for all of them, once."""

from __future__ import annotations

import math
import re

import streamlit as st

from pages.shared.as_read import as_read
from pages.shared.page import show_problem
from pages.shared.plain import plain
from xray_models import BONE_PARTS
from xray_models.catalogue import Card, CatalogueError
from xray_models.catalogue.speed import Speed, speeds
from xray_models.catalogue.wanted import wanted
from xray_models.number_text import UNDEFINED
from xray_models.report.model_text import headlines, listed
from xray_models.viz import model_list
from xray_models.viz.model_list import MainFigure, ModelRow

__all__ = ["MODEL", "main_figure", "reads", "show", "speed_in_words"]

MODEL = "model"
"""What names a model in the link."""
_FOR_ALL = """
- They are small models, made from small open data sets. None is a medical device.
- Each figure is of films that the model never saw in training. Whole groups were held out.
- Held-out films come from the same hospitals as the training films. Elsewhere, expect less.
- Most held-out films of the bone models are crops around the part. On whole films they do worse.
- What a model was not made for, it does not know: it may call it, or call it normal.
- Anyone can recompute the figures: `python -m xray_models report MODEL`.
"""


def show(cards: dict[str, Card]) -> None:
    """List of the models, each a link to its own page."""
    if together := as_read():
        st.markdown(f"{together} Below are figures of each model alone, on films that reach it.")
    known = _speeds()
    figures = {name: main_figure(card) for name, card in cards.items()}
    lowest = min((one.low for one in figures.values() if one), default=0.0)
    start = math.floor(10 * lowest) / 10  # from 0, every interval would be squeezed into its dot
    with st.container(key="models", gap=None):
        _line("", model_list.head(start))
        for name, card in cards.items():
            row = ModelRow(
                reads(card),
                card.training.brief or "not known",
                figures[name],
                _measured_on(card),
                re.split(r"[;,]", card.weights.license)[0],
                speed_in_words(known.get(name), card),
            )
            _line(name, model_list.row(row, start), card.name)
    for missing in wanted():
        st.caption(plain(missing.sentence))
    machine = {one.machine for one in known.values()}
    st.caption(
        "Bars are 95 % intervals; the dot is the figure. "
        "Time is for one decoded film once the model is loaded."
        + (f" It was taken on {machine.pop()}." if len(machine) == 1 else "")
    )
    st.subheader("What holds for all of them", anchor="all")
    st.markdown(_FOR_ALL)


def _line(model: str, row: str, name: str = "") -> None:
    link, rest = st.columns([2, 11], gap="small", vertical_alignment="center")
    with link:
        if name:
            st.page_link(
                "pages/models.py", label=name, query_params={MODEL: model}, width="stretch"
            )
    with rest:
        st.html(row)


def _speeds() -> dict[str, Speed]:
    try:
        return speeds()
    except CatalogueError as error:
        show_problem("How long the models take is not shown.", error)
        return {}


def speed_in_words(speed: Speed | None, card: Card) -> str:
    """Time of one film: "14 ms"; a dash where these weights were not timed."""
    if speed is None or not speed.of(card):
        return UNDEFINED
    if speed.milliseconds >= 1000:
        return f"{speed.milliseconds / 1000:.1f} s"
    return f"{speed.milliseconds:.{0 if speed.milliseconds >= 10 else 1}f} ms"


def main_figure(card: Card) -> MainFigure | None:
    """Figure that says most about a model; None where nothing was measured."""
    names = headlines(card, card.held_out.figures) if card.measured else []
    if not names:
        return None
    one = card.held_out.figures[names[0]]
    return MainFigure(names[0], one.value, one.low, one.high)


def reads(card: Card) -> str:
    """Body parts that a model reads, in words."""
    if not card.parts:
        return "any film, to tell its part"
    if set(card.parts) == set(BONE_PARTS):
        return "all parts of arm and shoulder"
    return listed(card.parts)


def _measured_on(card: Card) -> str:
    if not card.measured:
        return UNDEFINED
    among = f"{card.asked.name} of " if card.asked else ""
    return f"{among}{card.held_out.counted}"

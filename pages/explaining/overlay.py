"""What a model looked at: film beside overlay, and the heat in words."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from pages.explaining import downloads, maps, method_controls, queries, query_controls
from pages.explaining.method_settings import SETTINGS, Way
from pages.explaining.queries import Question
from pages.shared.open_film import NOTICE, card_of
from xray_models.catalogue.display_names import display_name
from xray_models.viz import film_figure, html, overlay
from xray_models.viz.film_figure import Grid, Hover, Picture

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.explain.boxes import Box, Rule
    from xray_models.explain.heatmap import Heatmap
    from xray_models.explain.progress import Progress, Stop
    from xray_models.explain.queries import Query
    from xray_models.pipeline import Reading
    from xray_models.radiograph import Radiograph

__all__ = [
    "HOVER",
    "Drawn",
    "boxes_of",
    "costs",
    "explain",
    "hottest",
    "measured_otherwise",
    "no_boxes",
    "place",
    "show_overlay",
    "show_pictures",
    "show_title",
    "show_words",
    "spoken_for",
]

HOVER = 400  # cells on the longer side of the grid that answers the mouse


class Drawn(NamedTuple):
    """A map and what it took.

    Attributes:
        heatmap: the map.
        free: seconds, where what was kept of the film was enough; None where it took passes.
    """

    heatmap: Heatmap
    free: float | None = None


@st.fragment
def show_overlay(film_key: str, reading: Reading, phone: bool) -> None:
    """Film and overlay side by side, and the controls. Moving one runs nothing but this."""
    film = reading.radiograph
    pictures = st.container(gap="small")
    st.subheader("What is shown", anchor=False)
    question, query = query_controls.choose_query(reading)
    card = card_of(question.model)
    way, about = method_controls.choose_way(card)
    summary = st.container()
    style = queries.choose_style()
    drawn = explain(film_key, film, card, query, way)
    with summary:
        st.caption(f"{about} {costs(card, film, way, drawn)}")
    heatmap = None if drawn is None else drawn.heatmap
    heat = np.zeros((1, 1), np.float32) if heatmap is None else maps.small(film, heatmap)
    rule = query_controls.choose_rule(card, question.label)
    boxes = boxes_of(heat, query, rule, film) if heatmap is not None and rule else ()

    with pictures:
        show_title(reading, question, query, way)
        show_pictures(film, heatmap, query, boxes, style, phone)
        if heatmap is not None:
            show_words(reading, question, query, way, heatmap, boxes, rule)
    made_by = f"{card.id}, {way.id}, {rule}, {query.words}"
    downloads.save(film, film_key, reading, heatmap, query, boxes, style, made_by)


def explain(film_key: str, film: Radiograph, card: Card, query: Query, way: Way) -> Drawn | None:
    """The map; None while a slow method waits for a click."""
    key = "heat", film_key, card.id, query, way
    if (found := maps.cached(key, partial(_cached, card, film, query, way))) is not None:
        return found
    work = partial(_explain, card, film, query, way)
    support = way.support(card)
    if support.slow:
        return maps.on_click(key, support, support.method.name, work, "method")
    return maps.at_once(key, work)


def costs(card: Card, film: Radiograph, way: Way, drawn: Drawn | None) -> str:
    """What the map took, or will take, in a sentence."""
    from xray_models.explain import pass_cache_of

    support = way.support(card)
    if drawn is not None and drawn.free is not None:
        whence = ": what it needs is kept of this film" if support.cost.total else ""
        return f"Costs no further pass ({queries.took(drawn.free)}){whence}."
    together = ""
    others = len(card.labels) - 1
    if others and support.cost.backward and support.method.family == "gradient":
        cache = pass_cache_of(card, film)
        if all(cache.has_room(layer) for layer in way.layers):
            together = f", together with those of the other {others} labels"
    return f"Costs {queries.passes(support)}{together}."


def _cached(card: Card, film: Radiograph, query: Query, way: Way) -> Drawn | None:
    began = time.perf_counter()
    found = way.cached(card, film, query)
    return None if found is None else Drawn(found, time.perf_counter() - began)


def _explain(
    card: Card,
    film: Radiograph,
    query: Query,
    way: Way,
    progress: Progress | None,
    stop: Stop | None,
) -> Drawn:
    return Drawn(way.heat(card, film, query, progress, stop))


def boxes_of(heat: np.ndarray, query: Query, rule: Rule, film: Radiograph) -> tuple[Box, ...]:
    """Boxes in pixels of the film, named by what the heat in them speaks for."""
    from xray_models.explain.boxes import from_heat

    return from_heat(heat, spoken_for(query), rule, (film.height, film.width))


def spoken_for(query: Query) -> str:
    """What a box of heat stands for: heat against a finding is no place of that finding."""
    if query.direction == "against":
        return f"against {display_name(query.label)}"
    if query.direction == "over":
        return f"{display_name(query.label)} over {display_name(query.other)}"
    return query.label


def show_title(reading: Reading, question: Question, query: Query, way: Way) -> None:
    """What the overlay answers: which finding of which model, how probable, by which method."""
    card, chance = card_of(question.model), queries.probability(reading, question)
    st.header(f"{query.words[0].upper()}{query.words[1:]}", anchor=False)
    message = [card.name]
    if chance is not None:
        side = "at or above" if chance >= card.thresholds[question.label] else "below"
        message.append(f"{html.percent(chance)}, {side} the threshold")
    message.append(way.words)
    st.caption(" · ".join(message))


def show_pictures(
    film: Radiograph,
    heatmap: Heatmap | None,
    query: Query,
    boxes: tuple[Box, ...],
    style: overlay.Style,
    phone: bool,
) -> None:
    """Film and overlay under one zoom, the overlay's colors, and what can be read off."""
    gray = overlay.shrink(film.pixels, queries.SCREEN)
    heat = np.zeros_like(gray) if heatmap is None else heatmap.on_radiograph(gray.shape)
    grid = Grid(2, 1 if phone else 2, (film.height, film.width))
    intensity, heats = queries.percent_grid(film, {"heat": heatmap} if heatmap else {}, HOVER)
    figure = film_figure.figure(
        [
            Picture(overlay.film(gray), boxes=boxes, named=False),
            Picture(overlay.overlay(gray, heat, style), boxes=boxes),
        ],
        grid,
        Hover(intensity, heats),
    )
    none = "No heat yet: the method has not run."
    message = none if heatmap is None else maps.where(film, heatmap)
    second = "below it" if phone else "beside it"
    queries.frame("pictures", grid)
    with st.container(key="pictures"):
        st.plotly_chart(
            figure,
            theme=None,
            key="films",
            height="stretch",
            config=film_figure.CONFIG,
            alt=f"The radiograph as it was opened, and {second} the same with heat over it: "
            f"{query.words}. {message}",
        )
    st.html(html.legend(overlay.ramp(style.colormap), style.threshold))


def show_words(
    reading: Reading,
    question: Question,
    query: Query,
    way: Way,
    heatmap: Heatmap,
    boxes: tuple[Box, ...],
    rule: Rule | None,
) -> None:
    """The heat in words, what warns of it, and how far to trust it."""
    from xray_models.explain import METHODS
    from xray_models.report import heatmap_text
    from xray_models.report.trust_text import trust

    film = reading.radiograph
    heat = maps.small(film, heatmap)
    said = [maps.where(film, heatmap), hottest(heat, film)]
    if query.direction == "against" and not METHODS[way.method].signed:
        said.append(f"{METHODS[way.method].name} draws the same map for and against.")
    if boxes:
        drawn = [f"{html.percent(box.mass or 0)} of the heat in {place(box)}" for box in boxes]
        said.append(f"{len(boxes)} box{'es' if len(boxes) > 1 else ''}: {'; '.join(drawn)}.")
    elif rule:
        said.append(no_boxes(heat, rule))
    st.markdown(" ".join(one for one in said if one))
    for caution in heatmap_text.cautions(film.pixels, heat, heatmap.outside):
        st.warning(caution, icon=":material/warning:")
    card, chance = card_of(question.model), queries.probability(reading, question)
    try:
        message = trust(card, query, way.method, way.layer, chance)
        if way.settings:
            message += f" {measured_otherwise(way)}"
    except ValueError as error:  # a stored table that cannot be used
        message = str(error)
    with st.container(border=True, key="trust"):
        st.markdown(f"**How far to trust this map.** {message}")
        st.html(f'<p class="rl-notice" role="note">{NOTICE}</p>')


def measured_otherwise(way: Way) -> str:
    """Methods were measured as they are at first: what was set here may do better or worse."""
    from xray_models.explain import METHODS

    usual = METHODS[way.method].checked({})
    words = SETTINGS[way.method].words
    message = " and ".join(
        f"{words(usual[name])}, not {words(value)}" for name, value in way.settings
    )
    return f"{METHODS[way.method].name} is measured with {message}."


def no_boxes(heat: np.ndarray, rule: Rule) -> str:
    """Why a rule draws no box, and what to do about it."""
    if not heat.any():
        return "No box: there is no heat to draw one around."
    return (
        f"No box: {query_controls.RULES[rule.name]} finds nothing that is hotter than the rest of "
        "this map. Choose another rule under “Hot is”."
    )


def place(box: Box) -> str:
    """Where a box lies and how large it is."""
    return f"{box.width:.0f} × {box.height:.0f} px at x {box.x:.0f}, y {box.y:.0f}"


def hottest(heat: np.ndarray, film: Radiograph) -> str:
    """Where the heat is greatest, for those who can't point."""
    if not heat.any():
        return "Another method or layer may show more: compare them, or ask what speaks against."
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    x = round((column + 0.5) / heat.shape[1] * film.width)
    y = round((row + 0.5) / heat.shape[0] * film.height)
    return f"Hottest at x {x}, y {y}."

"""Overlay of the Read page: film beside heat, the controls, and the heat in words."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from pages.explaining import downloads, maps, method_controls, queries, query_controls
from pages.explaining.method_settings import SETTINGS, title
from pages.explaining.queries import Question
from pages.shared.open_film import card_of
from xray_models.catalogue.display_names import display_name
from xray_models.number_text import careful_percent
from xray_models.viz import film_figure, html, overlay
from xray_models.viz.film_figure import Grid, Hover, Picture

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.explain import MethodSpec
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
        free: seconds, where what was cached of the film was enough; None where it took passes.
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
    spec, about = method_controls.choose_spec(card)
    summary = st.container()
    style = queries.choose_style()
    drawn = explain(film_key, film, card, query, spec)
    with summary:
        st.caption(f"{about} {costs(card, film, spec, drawn)}")
    heatmap = None if drawn is None else drawn.heatmap
    heat = np.zeros((1, 1), np.float32) if heatmap is None else maps.small(film, heatmap)
    rule = query_controls.choose_rule(card, question.label)
    boxes = boxes_of(heat, query, rule, film) if heatmap is not None and rule else ()

    with pictures:
        show_title(reading, question, query, spec)
        show_pictures(film, heatmap, query, boxes, style, phone)
        if heatmap is not None:
            show_words(reading, question, query, spec, heatmap, boxes, rule)
    made_by = f"{card.id}, {spec}, {rule}, {query.words}"
    downloads.save(film, film_key, reading, heatmap, query, boxes, style, made_by)


def explain(
    film_key: str, film: Radiograph, card: Card, query: Query, spec: MethodSpec
) -> Drawn | None:
    """Map that was asked for; None while a slow method waits for a click."""
    from xray_models.explain import method_support

    key = "heat", film_key, card.id, query, spec
    if (found := maps.cached(key, partial(_cached, card, film, query, spec))) is not None:
        return found
    work = partial(_explain, card, film, query, spec)
    support = method_support(card, spec)
    if support.slow:
        return maps.on_click(key, support, support.method.name, work, "method")
    return maps.at_once(key, work)


def costs(card: Card, film: Radiograph, spec: MethodSpec, drawn: Drawn | None) -> str:
    """Sentence on what the map took, or will take."""
    from xray_models.explain import method_support, pass_cache_of

    support = method_support(card, spec)
    if drawn is not None and drawn.free is not None:
        whence = ": what it needs is kept of this film" if support.cost.total else ""
        return f"Costs no further pass ({queries.took(drawn.free)}){whence}."
    of_all = ""
    others = len(card.labels) - 1
    if others and support.cost.backward and support.method.family == "gradient":
        cache = pass_cache_of(card, film)
        if all(cache.has_room(layer) for layer in spec.layers):
            of_all = f", together with those of the other {others} labels"
    return f"Costs {queries.passes(support)}{of_all}."


def _cached(card: Card, film: Radiograph, query: Query, spec: MethodSpec) -> Drawn | None:
    from xray_models.explain import cached_heat

    began = time.perf_counter()
    found = cached_heat(card, film, query.target(card), spec)
    return None if found is None else Drawn(found, time.perf_counter() - began)


def _explain(
    card: Card,
    film: Radiograph,
    query: Query,
    spec: MethodSpec,
    progress: Progress | None,
    stop: Stop | None,
) -> Drawn:
    """Make the map, and with it what makes those of other labels and directions free."""
    from xray_models.explain import heat

    target = query.target(card)
    return Drawn(heat(card, film, target, spec, progress=progress, stop=stop, every_label=True))


def boxes_of(heat: np.ndarray, query: Query, rule: Rule, film: Radiograph) -> tuple[Box, ...]:
    """Boxes in pixels of the film, named by what the heat in them speaks for."""
    from xray_models.explain.boxes import from_heat

    return from_heat(heat, spoken_for(query), rule, (film.height, film.width))


def spoken_for(query: Query) -> str:
    """Name of a box of heat: heat against a finding is no place of that finding."""
    if query.direction == "against":
        return f"against {display_name(query.label)}"
    if query.direction == "over":
        return f"{display_name(query.label)} over {display_name(query.other)}"
    return query.label


def show_title(reading: Reading, question: Question, query: Query, spec: MethodSpec) -> None:
    """Title of the overlay: which finding of which model, how probable, by which method."""
    card, chance = card_of(question.model), queries.probability(reading, question)
    st.header(f"{query.words[0].upper()}{query.words[1:]}", anchor=False)
    message = [card.name]
    if chance is not None:
        side = "at or above" if chance >= card.thresholds[question.label] else "below"
        message.append(f"{careful_percent(chance)}, {side} the threshold")
    message.append(title(spec))
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
    spec: MethodSpec,
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
    if query.direction == "against" and not METHODS[spec.method].signed:
        said.append(f"{METHODS[spec.method].name} draws the same map for and against.")
    if boxes:
        drawn = [f"{careful_percent(box.mass or 0)} of the heat in {place(box)}" for box in boxes]
        said.append(f"{len(boxes)} box{'es' if len(boxes) > 1 else ''}: {'; '.join(drawn)}.")
    elif rule:
        said.append(no_boxes(heat, rule))
    st.markdown(" ".join(one for one in said if one))
    for caution in heatmap_text.cautions(film.pixels, heat, heatmap.outside):
        st.warning(caution, icon=":material/warning:")
    card, chance = card_of(question.model), queries.probability(reading, question)
    try:
        message = trust(card, query, spec, chance)
        if spec.options:
            message += f" {measured_otherwise(spec)}"
    except ValueError as error:  # a stored table that cannot be used
        message = str(error)
    with st.container(border=True, key="trust"):
        st.markdown(f"**How far to trust this map.** {message}")


def measured_otherwise(spec: MethodSpec) -> str:
    """Sentence on options that differ from those measured: the map may do better or worse."""
    from xray_models.explain import METHODS

    usual = METHODS[spec.method].checked({})
    words = SETTINGS[spec.method].words
    message = " and ".join(
        f"{words(usual[name])}, not {words(value)}" for name, value in spec.options
    )
    return f"{METHODS[spec.method].name} is measured with {message}."


def no_boxes(heat: np.ndarray, rule: Rule) -> str:
    """Sentences on why a rule draws no box, and what to do about it."""
    if not heat.any():
        return "No box: there is no heat to draw one around."
    return (
        f"No box: {query_controls.RULES[rule.name]} finds nothing that is hotter than the rest of "
        "this map. Choose another rule under “Hot is”."
    )


def place(box: Box) -> str:
    """Place and size of a box, in words."""
    return f"{box.width:.0f} × {box.height:.0f} px at x {box.x:.0f}, y {box.y:.0f}"


def hottest(heat: np.ndarray, film: Radiograph) -> str:
    """Sentence on where the heat is greatest, for those who can't point."""
    if not heat.any():
        return "Another method or layer may show more: compare them, or ask what speaks against."
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    x = round((column + 0.5) / heat.shape[1] * film.width)
    y = round((row + 0.5) / heat.shape[0] * film.height)
    return f"Hottest at x {x}, y {y}."

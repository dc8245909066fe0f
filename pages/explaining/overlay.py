"""Film, heat and findings of the Read page in the viewer, and what its maps are made by."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

import numpy as np
import streamlit as st

from pages.explaining import downloads, maps, method_controls, queries, query_controls
from pages.explaining.method_settings import SETTINGS, spoken, title
from pages.explaining.queries import Question
from pages.shared.leaving import go_to
from pages.shared.open_film import card_of
from pages.viewer import component
from xray_models.catalogue.display_names import display_name
from xray_models.viz.box_words import caption
from xray_models.viz.viewer_data import BoxData, FilmData, FindingRow, MapSprite, View

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
    "Drawn",
    "MapWords",
    "box_data",
    "boxes_of",
    "costs",
    "every_label",
    "explain",
    "film_data",
    "hottest",
    "measured_otherwise",
    "no_boxes",
    "place",
    "question_of",
    "row_id",
    "show_overlay",
    "spoken_for",
]

KEY = "film-viewer"


class Drawn(NamedTuple):
    """A map and what it took.

    Attributes:
        heatmap: the map.
        free: seconds, where what was cached of the film was enough; None where it took passes.
    """

    heatmap: Heatmap
    free: float | None = None


class MapWords(NamedTuple):
    """What is said of a map.

    Attributes:
        where: sentence on where its heat is.
        hottest: sentence on where it is greatest.
        lines: more sentences.
        numbers: what stands behind the last of them.
        cautions: sentences that warn of it.
    """

    where: str
    hottest: str
    lines: tuple[str, ...] = ()
    numbers: str = ""
    cautions: tuple[str, ...] = ()


@st.fragment
def show_overlay(
    film_key: str,
    reading: Reading,
    rows: tuple[FindingRow, ...] = (),
    truth: tuple[BoxData, ...] = (),
    note: str = "",
) -> None:
    """Film, heat and findings, and the controls of the method. One runs nothing but this.

    Args:
        film_key: of the film that is open.
        reading: of it.
        rows: of the panel of findings, with the ids of `row_id`.
        truth: boxes that people drew.
        note: under the findings.
    """
    film = reading.radiograph
    viewer, action = st.container(), st.container()
    with st.expander("Method, layer and boxes", icon=":material/tune:"):
        question, query = query_controls.choose_query(reading)
        card = card_of(question.model)
        spec, about = method_controls.choose_spec(card)
        rule = query_controls.choose_rule(card, question.label)
        summary = st.container()
    with action:
        drawn = explain(film_key, film, card, query, spec)
    heatmaps = every_label(film_key, film, card, query, spec, drawn)
    words = _words(film_key, reading, card, query, spec, heatmaps)
    boxes = _boxes(film_key, film, card, query, spec, heatmaps, rule)
    with summary:
        st.caption(f"{title(spec)}. {about} {costs(card, film, spec, drawn)}")
        if query.label in words:
            st.caption(f"**How far to trust this map.** {words[query.label].numbers}")
        if drawn is not None and not boxes[query.label]:
            st.caption(no_boxes(maps.small(film, drawn.heatmap), rule))
        if query.direction != "for":
            st.caption("Boxes are saved as files only of what speaks for a finding.")
    ids = {label: row_id(card.id, label) for label in heatmaps}
    shown = View(
        film=film_data(film_key, film),
        title=_title(reading),
        sprites=(MapSprite.of({ids[label]: one for label, one in heatmaps.items()}),)
        if heatmaps
        else (),
        findings=_with_lines(rows, {ids[label]: words[label].lines for label in words}),
        boxes=(
            *truth,
            *(one for label in boxes for one in box_data(boxes[label], film, ids[label])),
        ),
        selected=row_id(card.id, question.label),
        where={ids[label]: one.where for label, one in words.items()},
        hottest={ids[label]: one.hottest for label, one in words.items()},
        cautions={ids[label]: one.cautions for label, one in words.items()},
        names={row_id(card.id, label): replace(query, label=label).words for label in heatmaps},
        message=f"{title(spec)} has not run yet: start it below." if drawn is None else "",
        saves={downloads.PICTURE: "Picture as PNG"}
        | (downloads.BOXES if query.direction == "for" and heatmaps else {}),
        note=f"{note} Heat: {spoken(spec)}.".strip(),
    )
    by_id = {ids[label]: label for label in heatmaps}

    def save(asked: component.Saving) -> component.Saved | None:
        label = by_id.get(asked.id or "")
        if asked.kind == downloads.PICTURE:
            drawn_boxes = boxes.get(label or "", ()) if asked.boxes else ()
            heatmap = None if label is None else heatmaps[label]
            return downloads.saved_overlay(film, heatmap, drawn_boxes, asked.style)
        if label is None:
            return None
        used = _rule_of(card, label, rule)
        made_by = f"{card.id}, {spec}, {used}, {replace(query, label=label).words}"
        return downloads.saved_boxes(asked.kind, film, film_key, boxes[label], made_by)

    downloads.offer_reading(reading)
    with viewer:
        events = component.show(shown, KEY, film, save, on_selected=_ask)
    if events.follow:
        _follow(rows, events.follow)


def row_id(model: str, label: str) -> str:
    """Id of a finding's row and of its map."""
    return f"{model}:{label}"


def question_of(map_id: str) -> Question:
    """Question that a map answers."""
    model, _, label = map_id.partition(":")
    return Question(model, label)


def film_data(film_key: str, film: Radiograph) -> FilmData:
    """Gray of the film that is open, packed once."""
    made: FilmData = maps.at_once(("gray", film_key), lambda *_: FilmData.of(film))
    return made


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


def every_label(
    film_key: str,
    film: Radiograph,
    card: Card,
    query: Query,
    spec: MethodSpec,
    drawn: Drawn | None,
) -> dict[str, Heatmap]:
    """Maps of all labels of the model that can be drawn of what is cached of the film by now.

    Args:
        film_key: of the film.
        film: the radiograph.
        card: of the model.
        query: of the label that was asked for; the others are asked the same.
        spec: method and layers.
        drawn: the map of that label; None where it has to wait.

    Returns:
        label -> map, the label that was asked for first.
    """
    own = {} if drawn is None else {query.label: drawn.heatmap}
    key = "every label", film_key, card.id, query.direction, query.other, spec
    made: dict[object, dict[str, Heatmap]] = st.session_state.made
    if key not in made:
        found = _every_cached(film, card, query, spec)
        if found is None:
            return own
        made[key] = found
    return own | {label: one for label, one in made[key].items() if label not in own}


def _every_cached(
    film: Radiograph, card: Card, query: Query, spec: MethodSpec
) -> dict[str, Heatmap] | None:
    from xray_models.explain import cached_heats

    targets = {}
    for label in dict.fromkeys((*card.thresholds, *card.labels)):
        try:
            targets[label] = replace(query, label=label).target(card)
        except ValueError:  # it cannot be set against itself
            continue
    found = cached_heats(card, film, list(targets.values()), spec)
    return None if found is None else dict(zip(targets, found, strict=True))


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


def _boxes(
    film_key: str,
    film: Radiograph,
    card: Card,
    query: Query,
    spec: MethodSpec,
    heatmaps: dict[str, Heatmap],
    rule: Rule,
) -> dict[str, tuple[Box, ...]]:
    """Boxes of each map; cut once for each rule."""
    made: dict[object, tuple[Box, ...]] = st.session_state.made
    found = {}
    for label, heatmap in heatmaps.items():
        asked, of_label = replace(query, label=label), _rule_of(card, label, rule)
        key = "boxes", film_key, card.id, asked, spec, of_label
        if key not in made:
            made[key] = boxes_of(maps.small(film, heatmap), asked, of_label, film)
        found[label] = made[key]
    return found


def _rule_of(card: Card, label: str, rule: Rule) -> Rule:
    """The rule for a label: shares of the film are those that people box for that label."""
    return query_controls.area_rule(card, label) if rule.name == "area" else rule


def boxes_of(heat: np.ndarray, query: Query, rule: Rule, film: Radiograph) -> tuple[Box, ...]:
    """Boxes in pixels of the film, named by what the heat in them speaks for."""
    from xray_models.explain.boxes import from_heat

    return from_heat(heat, spoken_for(query), rule, (film.height, film.width))


def box_data(boxes: tuple[Box, ...], film: Radiograph, map_id: str) -> tuple[BoxData, ...]:
    """Boxes of a map as the viewer shows them."""
    return tuple(
        BoxData(
            one.x / film.width,
            one.y / film.height,
            one.width / film.width,
            one.height / film.height,
            caption(one),
            "model",
            map_id,
        )
        for one in boxes
    )


def spoken_for(query: Query) -> str:
    """Name of a box of heat: heat against a finding is no place of that finding."""
    if query.direction == "against":
        return f"against {display_name(query.label)}"
    if query.direction == "over":
        return f"{display_name(query.label)} over {display_name(query.other)}"
    return query.label


def _words(
    film_key: str,
    reading: Reading,
    card: Card,
    query: Query,
    spec: MethodSpec,
    heatmaps: dict[str, Heatmap],
) -> dict[str, MapWords]:
    """What is said of each map; said once."""
    made: dict[object, MapWords] = st.session_state.made
    found = {}
    for label, heatmap in heatmaps.items():
        asked = replace(query, label=label)
        key = "words", film_key, card.id, asked, spec
        if key not in made:
            made[key] = _said(film_key, reading, card, asked, spec, heatmap)
        found[label] = made[key]
    return found


def _said(
    film_key: str,
    reading: Reading,
    card: Card,
    query: Query,
    spec: MethodSpec,
    heatmap: Heatmap,
) -> MapWords:
    from xray_models.explain import METHODS
    from xray_models.report import heatmap_text
    from xray_models.report.trust_text import graded

    film = reading.radiograph
    heat = maps.small(film, heatmap)
    places = maps.at_once(("places", film_key), lambda *_: heatmap_text.FilmPlaces.of(film.pixels))
    lungs = maps.lungs(film, card.id)
    lines = []
    if query.direction == "against" and not METHODS[spec.method].signed:
        lines.append(f"{METHODS[spec.method].name} draws the same map for and against.")
    chance = queries.probability(reading, Question(card.id, query.label))
    try:
        trust = graded(card, query, spec, chance)
        message, numbers = trust.line, trust.numbers
        if spec.options:
            numbers += f" {measured_otherwise(spec)}"
    except ValueError as error:  # a stored table that cannot be used
        message, numbers = str(error), ""
    return MapWords(
        heatmap_text.where(heat, heatmap.outside, lungs),
        hottest(heat, film),
        (*lines, message),
        numbers,
        heatmap_text.cautions(
            places,
            heat,
            heatmap.outside,
            lungs,
            query.label if query.direction == "for" else "",
        ),
    )


def _with_lines(
    rows: tuple[FindingRow, ...], lines: dict[str, tuple[str, ...]]
) -> tuple[FindingRow, ...]:
    """Rows with what is said of their maps."""
    return tuple(replace(row, lines=(*row.lines, *lines.get(row.id, ()))) for row in rows)


def _title(reading: Reading) -> str:
    return f"Radiograph, {reading.part}" if reading.part else "Radiograph"


def _ask(map_id: str) -> None:
    """The visitor chose a finding whose map is not there: it is what is asked from now on."""
    st.session_state.label = question_of(map_id)
    queries.choose("label")


def _follow(rows: tuple[FindingRow, ...], chosen: str) -> None:
    """Go where a finding's link leads; what is open stays open."""
    for row in rows:
        if row.id == chosen and row.link:
            name, _, query = row.link.partition("?")
            go_to(f"pages/{name}.py", dict(parse_qsl(query)))


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
        "this map. Choose another rule under “Boxes are around”."
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

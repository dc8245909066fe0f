"""What a model looked at: film beside overlay, the questions and methods, and the heat in words."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.reading import asking, saving, waiting
from pages.reading.asking import OWN_LAYER, Question
from pages.reading.opening import NOTICE, card_of
from xray_models import markup, render, viewer
from xray_models.viewer import Grid, Hover, Picture

if TYPE_CHECKING:
    from classify import Reading
    from xray_models.catalogue import Card
    from xray_models.explain.aims import Aim
    from xray_models.explain.boxes import Box, Rule
    from xray_models.explain.heatmap import Heatmap
    from xray_models.explain.work import Progress, Stop
    from xray_models.radiograph import Radiograph

HOVER = 400  # cells on the longer side of the grid that answers the mouse
WORDED = 256  # pixels on the longer side of the heat that is put into words and boxes
RULES = {
    "fraction": "A share of the highest heat",
    "otsu": "Otsu's threshold",
    "area": "A share of the film",
}


@st.fragment
def show_overlay(film_key: str, reading: Reading, phone: bool) -> None:
    """Film and overlay side by side, and the controls. Moving one runs nothing but this."""
    film = reading.radiograph
    pictures = st.container(gap="small")
    st.subheader("What is shown", anchor=False)
    question, aim = choose_aim(reading)
    card = card_of(question.model)
    method, layer = choose_method(card)
    style = asking.choose_style()
    heatmap = explain(film_key, film, question, aim, method, layer)
    heat = np.zeros((1, 1), np.float32) if heatmap is None else small_heat(film, heatmap)
    rule = choose_rule(card, question.label)
    boxes = boxes_of(heat, aim, rule, film) if heatmap is not None and rule else ()

    with pictures:
        show_pictures(film, heatmap, aim, boxes, style, phone)
        if heatmap is not None:
            show_words(reading, question, aim, method, layer, heat, boxes)
    saving.save(
        film, film_key, reading, heatmap, boxes, style, made_by=f"{card.id}, {method}, {rule}"
    )


def choose_aim(reading: Reading) -> tuple[Question, Aim]:
    """Which label of which model, and what speaks for it, against it, or for it over another."""
    from xray_models.explain.aims import Aim, rivals

    label_side, direction_side = st.columns([3, 2])
    with label_side:
        question: Question = st.selectbox(
            "Explain",
            asking.questions(reading),
            format_func=lambda one: one.words,
            key="label",
            bind="query-params",
            persist_state="session",
            help="A heatmap shows where the model sees this label.",
        )
    others = rivals(card_of(question.model), question.label)
    with direction_side:
        direction = st.segmented_control(
            "What speaks",
            ["for", "against", "over"],
            default="for",
            required=True,
            key="direction",
            bind="query-params",
            persist_state="session",
            width="stretch",
            help="Against: where the model sees reasons to lower the label's score. Over: what "
            "speaks for this label rather than for another one of the same model.",
        )
    if direction != "over":
        return question, Aim(question.label, direction)
    if not others:
        st.caption(f"This model knows only {question.label}: there is nothing to set it against.")
        return question, Aim(question.label)
    other = st.selectbox(
        "Rather than", others, key="other", bind="query-params", persist_state="session"
    )
    return question, Aim(question.label, "over", other)


def choose_method(card: Card) -> tuple[str, str | None]:
    """A method that fits the model, and under "more" the layer."""
    from xray_models import explain

    known = asking.offers(card)
    fits = [name for name, offer in known.items() if offer.fits]
    method_side, more_side = st.columns([3, 2], vertical_alignment="bottom")
    with method_side:
        method: str = st.selectbox(
            "Method",
            fits,
            index=fits.index(explain.DEFAULT),
            format_func=lambda one: asking.method_words(known[one]),
            key="method",
            bind="query-params",
            persist_state="session",
        )
    offer = known[method]
    with more_side, st.popover("More about the method", width="stretch"):
        layer = choose_layer(card) if offer.method.layered else OWN_LAYER
        if not offer.method.layered:
            st.caption("It draws on the film's pixels, so there is no layer to choose.")
        st.markdown(f"{offer.method.summary} {offer.method.reference}.")
        st.page_link("pages/compare.py", label="Compare methods on this film")
        missing = [f"- {one.why}" for one in known.values() if not one.fits]
        if missing:
            st.caption("Not offered for this model:\n" + "\n".join(missing))
    chosen = None if layer == OWN_LAYER else layer
    if chosen and (why := asking.offers(card, chosen)[method].why):
        st.caption(f"{why} The last activation is shown.")
        chosen = None
    told = asking.offers(card, chosen)[method]
    st.caption(f"{offer.method.summary} Costs {asking.passes(told)}.")
    return method, chosen


def choose_layer(card: Card) -> str:
    """Where in the network to look."""
    layer: str = st.selectbox(
        "Layer",
        asking.layers(card),
        format_func=lambda one: asking.layer_words(card, one),
        key="layer",
        bind="query-params",
        persist_state="session",
        help="Earlier layers draw finer maps of simpler things.",
    )
    return layer


def explain(
    key: str, film: Radiograph, question: Question, aim: Aim, method: str, layer: str | None
) -> Heatmap | None:
    """The heatmap, made once per film and question; None while a slow method waits for a click."""
    from xray_models import explain

    made: dict[object, Heatmap] = st.session_state.made
    card = card_of(question.model)
    wanted = ("heat", key, question, aim, method, layer)
    if wanted in made:
        return made[wanted]
    offer = asking.offers(card, layer)[method]
    if not offer.slow:
        with st.spinner("Explaining …"):
            made[wanted] = explain.heat(card, film, aim.target(card), method, layer)
        return made[wanted]
    heatmap = waiting.on_request(
        wanted,
        f"Run {offer.method.name} ({asking.passes(offer)} passes)",
        partial(_explain_slowly, card, film, aim, method, layer),
        "method",
    )
    if heatmap is not None:
        made[wanted] = heatmap
    return heatmap


def _explain_slowly(
    card: Card,
    film: Radiograph,
    aim: Aim,
    method: str,
    layer: str | None,
    progress: Progress,
    stop: Stop,
) -> Heatmap:
    from xray_models import explain

    return explain.heat(card, film, aim.target(card), method, layer, progress=progress, stop=stop)


def small_heat(film: Radiograph, heatmap: Heatmap) -> np.ndarray:
    """The heat over the film, small enough to be looked through at every move."""
    return heatmap.on_radiograph(render.shrink(film.pixels, WORDED).shape)


def choose_rule(card: Card, label: str) -> Rule | None:
    """How boxes are cut from heat; None where they are off."""
    from xray_models.explain.boxes import Rule

    switch, rule_side, number_side = st.columns([2, 3, 3], vertical_alignment="bottom")
    with switch:
        on = st.toggle(
            "Boxes",
            key="boxes",
            bind="query-params",
            persist_state="session",
            help="Around the hottest regions. No box was ever trained: it says where the heat is, "
            "not where a disease ends.",
        )
    if not on:
        return None
    with rule_side:
        name = st.selectbox(
            "Hot is",
            RULES,
            format_func=lambda one: RULES[one],
            key="rule",
            bind="query-params",
            persist_state="session",
        )
    if name == "otsu":
        return Rule("otsu", None)
    start = 0.5 if name == "fraction" else usual_area(card, label)
    with number_side:
        share = st.slider(
            "Of the highest heat, at least" if name == "fraction" else "Hottest share of the film",
            0.05 if name == "fraction" else 0.01,
            0.95 if name == "fraction" else 0.5,
            start,
            0.05 if name == "fraction" else 0.01,
            format="percent",
            key=f"{name}-share",
            bind="query-params",
            persist_state="session",
        )
    return Rule(name, share)


def usual_area(card: Card, label: str) -> float:
    """The share of a film that people box for a label where that was measured, else a tenth."""
    from xray_models.evaluate.localisation_study import usual_area

    try:
        return round(min(max(usual_area(card, label), 0.01), 0.5), 2)
    except ValueError:
        return 0.1


def boxes_of(heat: np.ndarray, aim: Aim, rule: Rule, film: Radiograph) -> tuple[Box, ...]:
    """Boxes in pixels of the film."""
    from xray_models.explain.boxes import from_heat

    return from_heat(heat, aim.label, rule, (film.height, film.width))


def show_pictures(
    film: Radiograph,
    heatmap: Heatmap | None,
    aim: Aim,
    boxes: tuple[Box, ...],
    style: render.Style,
    phone: bool,
) -> None:
    """Film and overlay under one zoom, the overlay's colors, and what can be read off."""
    grey = render.shrink(film.pixels, asking.SCREEN)
    heat = np.zeros_like(grey) if heatmap is None else heatmap.on_radiograph(grey.shape)
    grid = Grid(2, 1 if phone else 2, (film.height, film.width))
    intensity, heats = asking.percent_grid(film, {"heat": heatmap} if heatmap else {}, HOVER)
    figure = viewer.figure(
        [
            Picture(render.film(grey), boxes=boxes, named=False),
            Picture(render.overlay(grey, heat, style), boxes=boxes),
        ],
        grid,
        Hover(intensity, heats),
    )
    told = "No heat yet: the method has not run." if heatmap is None else where(heat)
    second = "below it" if phone else "beside it"
    asking.frame("pictures", grid)
    with st.container(key="pictures"):
        st.plotly_chart(
            figure,
            theme=None,
            key="films",
            height="stretch",
            config=viewer.CONFIG,
            alt=f"The radiograph as it was opened, and {second} the same with heat over it: "
            f"{aim.words}. {told}",
        )
    st.html(markup.legend(render.ramp(style.colormap), style.threshold))


def where(heat: np.ndarray) -> str:
    """Where the heat is, in a sentence."""
    from xray_models.explain import words

    return words.where(heat)


def show_words(
    reading: Reading,
    question: Question,
    aim: Aim,
    method: str,
    layer: str | None,
    heat: np.ndarray,
    boxes: tuple[Box, ...],
) -> None:
    """The heat in words, what warns of it, and how far to trust it."""
    from xray_models.evaluate.trust import trust
    from xray_models.explain import METHODS, words

    film = reading.radiograph
    said = [f"{aim.words[0].upper()}{aim.words[1:]}.", where(heat), hottest(heat, film)]
    if aim.direction == "against" and not METHODS[method].signed:
        said.append(f"{METHODS[method].name} draws the same map for and against.")
    if boxes:
        drawn = [f"{markup.percent(box.mass or 0)} of the heat in {place(box)}" for box in boxes]
        said.append(f"{len(boxes)} box{'es' if len(boxes) > 1 else ''}: {'; '.join(drawn)}.")
    st.markdown(" ".join(one for one in said if one))
    for caution in words.cautions(film.pixels, heat):
        st.warning(caution, icon=":material/warning:")
    card, chance = card_of(question.model), asking.probability(reading, question)
    try:
        told = trust(card, aim, method, layer, chance)
    except ValueError as error:  # a stored table that cannot be used
        told = str(error)
    with st.container(border=True, key="trust"):
        st.markdown(f"**How far to trust this map.** {told}")
        st.html(f'<p class="rl-notice" role="note">{NOTICE}</p>')


def place(box: Box) -> str:
    """Where a box lies and how large it is."""
    return f"{box.width:.0f} × {box.height:.0f} px at x {box.x:.0f}, y {box.y:.0f}"


def hottest(heat: np.ndarray, film: Radiograph) -> str:
    """Where the heat is greatest, for those who can't point."""
    if not heat.any():
        return ""
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    x = round((column + 0.5) / heat.shape[1] * film.width)
    y = round((row + 0.5) / heat.shape[0] * film.height)
    return f"Hottest at x {x}, y {y}."

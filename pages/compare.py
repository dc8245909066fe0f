"""Compare explanations of one film: methods, models and layers under one zoom and color scale."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from pages import inside_the_app
from pages.reading import asking, opening, waiting
from pages.reading.asking import OWN_LAYER, Question
from pages.reading.opening import NOTICE, card_of
from xray_models import markup, render, viewer
from xray_models.jobs import Job
from xray_models.viewer import Grid, Hover, Picture

if TYPE_CHECKING:
    from classify import Reading
    from xray_models.evaluate.side_by_side import Scores, Tried
    from xray_models.explain import Offer
    from xray_models.explain.aims import Aim
    from xray_models.explain.work import Progress, Stop
    from xray_models.radiograph import Radiograph

inside_the_app()

MOST = 12  # maps at a time: more can't be told apart
ACROSS = 5  # pictures beside each other on a desktop, at most
ANSWERS = 700_000  # cells of all hover grids together: they are sent at every move
SMALL = 96  # pixels on the longer side of maps whose agreement is computed
BLINKING = 700  # pixels on the longer side of the two pictures that take turns
START = ("grad-cam", "grad-cam++", "layercam", "eigen-cam")
FILM = "Radiograph"
INTRODUCTION = (
    "One film, several explanations: where methods, models and layers agree, what each costs, and "
    "how faithful each is to the model on this very film."
)


class Tile(NamedTuple):
    """One map of the grid."""

    question: Question
    direction: str
    method: str
    layer: str | None

    @property
    def aim(self) -> Aim:
        """What is asked of the model."""
        from xray_models.explain.aims import Aim

        return Aim(self.question.label, self.direction)


def main() -> None:
    """The page, from top to bottom."""
    st.title("Compare explanations", anchor=False)
    found = opening.open_film(INTRODUCTION)
    if found is None:
        return
    opened, reading = found
    show_comparison(opened.key, reading, opening.narrow())


@st.fragment
def show_comparison(film_key: str, reading: Reading, phone: bool) -> None:
    """Everything about the film that is open. Changing something runs nothing but this."""
    st.html(f'<p class="rl-notice" role="note">{NOTICE}</p>')
    wanted = choose_tiles(reading)
    if not wanted:
        st.info("Choose at least one label and one method.")
        return
    if len(wanted) > MOST:
        st.warning(f"{len(wanted)} maps are too many to compare: the first {MOST} are shown.")
        wanted = wanted[:MOST]
    done, slow = make(film_key, reading.radiograph, wanted)
    words = titles(wanted)
    names = {tile: ", ".join(lines) for tile, lines in words.items()}
    with st.container(key="lightbox-words"):
        pictures = st.container()
    style = asking.choose_style()
    with pictures:
        show_grid(reading.radiograph, done, words, style, phone)
    offer_slow(film_key, reading.radiograph, slow, names)
    if done:
        show_measures(film_key, reading.radiograph, done, names)
    if len(done) > 1:
        show_agreement(reading.radiograph, done, names)
    if done:
        show_blinking(reading.radiograph, done, names, style)


def choose_tiles(reading: Reading) -> list[Tile]:
    """Labels, direction, methods, and layers under "more"."""
    choices = asking.questions(reading)
    label_side, direction_side = st.columns([3, 1])
    with label_side:
        questions: list[Question] = st.multiselect(
            "Explain",
            choices,
            default=choices[:1],
            format_func=lambda one: one.words,
            key="labels",
            bind="query-params",
            persist_state="session",
            help="Several labels, of one model or of several, are shown beside each other.",
        )
    with direction_side:
        direction = st.segmented_control(
            "What speaks",
            ["for", "against"],
            default="for",
            required=True,
            key="speaks",
            bind="query-params",
            persist_state="session",
            width="stretch",
        )
    cards = {one.model: card_of(one.model) for one in questions or choices[:1]}
    known = {model: asking.offers(card) for model, card in cards.items()}
    fits = {
        name: offer for of_model in known.values() for name, offer in of_model.items() if offer.fits
    }
    order = [name for name in next(iter(known.values())) if name in fits]
    method_side, layer_side = st.columns([3, 1], vertical_alignment="bottom")
    with method_side:
        methods: list[str] = st.multiselect(
            "Methods",
            order,
            default=[name for name in START if name in fits],
            format_func=lambda one: asking.method_words(fits[one]),
            key="methods",
            bind="query-params",
            persist_state="session",
            help="Slow ones start on a button of their own.",
        )
    layers: dict[str, list[str]] = {}
    with layer_side, st.popover("Layers", width="stretch"):
        st.caption("Earlier layers draw finer maps of simpler things.")
        for model, card in cards.items():
            layers[model] = st.multiselect(
                f"Layers of {card.name}",
                asking.layers(card),
                default=[OWN_LAYER],
                format_func=partial(asking.layer_words, card),
                key=f"layers-{model}",
                bind="query-params",
                persist_state="session",
            )
    tell_misfits(reading, known)
    return tiles(questions, str(direction), methods, layers)


def tell_misfits(reading: Reading, known: Mapping[str, Mapping[str, Offer]]) -> None:
    """Why some methods are not offered."""
    sentences = {
        f"{one.why} ({card_of(model).name})" if len(reading.chosen) > 1 else one.why
        for model, of_model in known.items()
        for one in of_model.values()
        if not one.fits
    }
    if sentences:
        st.caption("Not offered: " + " ".join(sorted(sentences)))


def tiles(
    questions: list[Question], direction: str, methods: list[str], layers: dict[str, list[str]]
) -> list[Tile]:
    """Every question by every method that fits its model, at every layer chosen that fits."""
    found = []
    for question in questions:
        card = card_of(question.model)
        for layer in layers.get(question.model) or [OWN_LAYER]:
            where = None if layer == OWN_LAYER else layer
            known = asking.offers(card, where)
            # what draws on pixels has no layer: it is shown once
            own = asking.offers(card)
            for method in methods:
                if known[method].fits:
                    found.append(Tile(question, direction, method, where))
                elif own[method].fits and not own[method].method.layered:
                    found.append(Tile(question, direction, method, None))
    return list(dict.fromkeys(found))


def titles(shown: list[Tile]) -> dict[Tile, tuple[str, ...]]:
    """The words for each map: no more than are needed to tell it from the others."""
    from xray_models.explain import METHODS

    several_labels = len({one.question for one in shown}) > 1
    several_models = len({one.question.model for one in shown}) > 1
    several_layers = len({one.layer for one in shown}) > 1
    found = {}
    for one in shown:
        words = [METHODS[one.method].name]
        if several_labels:
            words.append(one.question.label)
        if several_models:
            words.append(card_of(one.question.model).name)
        if several_layers and METHODS[one.method].layered:
            words.append(one.layer or OWN_LAYER)
        found[one] = tuple(words)
    return found


def make(
    film_key: str, film: Radiograph, wanted: list[Tile]
) -> tuple[dict[Tile, Tried], list[Tile]]:
    """Maps that are there or cheap, in the order asked for, and those that wait for a click."""
    from xray_models.evaluate import side_by_side

    kept = st.session_state.made
    done: dict[Tile, Tried] = {}
    slow = []
    for tile in wanted:
        card = card_of(tile.question.model)
        key = ("tried", film_key, tile)
        if key not in kept:
            if asking.offers(card, tile.layer)[tile.method].slow:
                slow.append(tile)
                continue
            with st.spinner("Explaining …"):
                kept[key] = side_by_side.tried(card, film, tile.aim, tile.method, tile.layer)
        done[tile] = kept[key]
    return done, slow


def offer_slow(film_key: str, film: Radiograph, slow: list[Tile], names: dict[Tile, str]) -> None:
    """A button for each slow map, then its progress and a way to stop it."""
    for number, tile in enumerate(slow):
        offer = asking.offers(card_of(tile.question.model), tile.layer)[tile.method]
        found = waiting.on_request(
            ("tried", film_key, tile),
            f"Run {names[tile]} ({asking.passes(offer)} passes)",
            partial(_try_slowly, film, tile),
            f"tile {number}",
        )
        if found is not None:
            st.session_state.made["tried", film_key, tile] = found
            st.rerun()


def _try_slowly(film: Radiograph, tile: Tile, progress: Progress, stop: Stop) -> Tried:
    from xray_models.evaluate import side_by_side

    card = card_of(tile.question.model)
    return side_by_side.tried(card, film, tile.aim, tile.method, tile.layer, progress, stop)


def show_grid(
    film: Radiograph,
    done: dict[Tile, Tried],
    words: dict[Tile, tuple[str, ...]],
    style: render.Style,
    phone: bool,
) -> None:
    """The film and its maps, aligned, under one zoom."""
    grey = render.shrink(film.pixels, asking.SCREEN * 2 // 3)
    names = {tile: ", ".join(words[tile]) for tile in done}
    pictures = [Picture(render.film(grey), (FILM, f"{film.width} × {film.height} pixels"))]
    for tile, one in done.items():
        heat = one.heatmap.on_radiograph(grey.shape)
        pictures.append(Picture(render.overlay(grey, heat, style), (*words[tile], *cost(one))))
    count = len(pictures)
    rows = -(-count // ACROSS)
    across = 2 if phone else -(-count // rows)  # rows of like length
    lines = max(len(picture.lines) for picture in pictures)
    grid = Grid(count, across, (film.height, film.width), lines)
    cells = int(min(300, np.sqrt(ANSWERS / (count * max(1, count - 1)))))
    heats = {names[tile]: one.heatmap for tile, one in done.items()}
    figure = viewer.figure(pictures, grid, Hover(*asking.percent_grid(film, heats, cells)))
    said = [f"{names[tile]}: {where(film, one)}" for tile, one in done.items()]
    asking.frame("lightbox", grid)
    with st.container(key="lightbox"):
        st.plotly_chart(
            figure,
            theme=None,
            key="tiles",
            height="stretch",
            config=viewer.CONFIG,
            alt=f"The radiograph and {len(done)} maps of it. {' '.join(said)}",
        )
    st.html(markup.legend(render.ramp(style.colormap), style.threshold))
    st.caption(
        "One color scale for all, each map relative to its own hottest point. Point at a picture "
        "to read every map there; zoom in one and all follow."
    )


def cost(one: Tried) -> tuple[str, str]:
    """Time and passes of a map, a line each."""
    forward, backward = round(one.cost.forward), round(one.cost.backward)
    if backward:
        return milliseconds(one), f"{forward:,} + {backward:,} back passes"
    return milliseconds(one), f"{forward:,} passes" if forward else "no further pass"


def milliseconds(one: Tried) -> str:
    """Time of a map in words."""
    spent = one.seconds * 1000
    return f"{spent:,.0f} ms" if spent >= 1 else "under 1 ms"


def where(film: Radiograph, one: Tried) -> str:
    """Where the heat is, in a sentence."""
    from xray_models.explain import words

    return words.where(one.heatmap.on_radiograph(render.shrink(film.pixels, 256).shape))


def show_measures(
    film_key: str, film: Radiograph, done: dict[Tile, Tried], names: dict[Tile, str]
) -> None:
    """Where each map is hot, what it cost, and how faithful it is on this film."""
    st.header("Measured on this film", anchor=False)
    aims = {(one.question, one.direction): one for one in done}
    scores = judge(film_key, film, done, list(aims.values()))
    rows: list[dict[str, object]] = []
    for tile, one in done.items():
        rows.append(
            {"Map": names[tile], "Where the heat is": where(film, one)}
            | {"ms": one.seconds * 1000, "Passes": one.cost.total}
            | figures(scores.get(tile))
        )
    for (question, _), tile in aims.items():
        noise = "Noise, for comparison" + (f" ({question.label})" if len(aims) > 1 else "")
        rows.append(
            {"Map": noise, "Where the heat is": "Everywhere.", "ms": None, "Passes": 0.0}
            | figures(scores.get(tile._replace(method="noise", layer=None)))
        )
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "Map": st.column_config.TextColumn(pinned=True),
            "Where the heat is": st.column_config.TextColumn(width="large"),
            "ms": number(format="%.1f", help="Beyond the pass that read the film."),
            "Passes": number(
                format="%.0f", help="At most, in forward passes; a backward pass counts two."
            ),
            "Insertion − deletion": number(
                format="%.2f",
                help="Higher is better: what is hot brings the probability up soon when it is put "
                "in, and down soon when it is taken away (Petsiuk et al. 2018).",
            ),
            "Insertion": number(format="%.2f", help="Area under the curve, higher is better."),
            "Deletion": number(format="%.2f", help="Area under the curve, lower is better."),
            "Probability lost": number(
                format="%.2f",
                help="Share lost when only what is hot is shown, lower is better "
                "(Chattopadhay et al. 2018).",
            ),
            "MuFidelity": number(
                format="%.2f",
                help="-1 to 1, higher is better: heat taken away against score lost, over 64 "
                "random sets of cells (Bhatt et al. 2020).",
            ),
        },
    )
    st.caption(
        "A map that does no better than noise tells nothing about what the model uses. These are "
        "figures of one film: they can differ on the next."
    )


def figures(scores: Scores | None) -> dict[str, object]:
    """Scores as columns; empty where not judged yet."""
    return {
        "Insertion − deletion": None if scores is None else scores.gap,
        "Insertion": None if scores is None else scores.insertion,
        "Deletion": None if scores is None else scores.deletion,
        "Probability lost": None if scores is None else scores.drop,
        "MuFidelity": None if scores is None else scores.mu_fidelity,
    }


def judge(
    film_key: str, film: Radiograph, done: dict[Tile, Tried], aims: list[Tile]
) -> dict[Tile, Scores]:
    """Scores that are there; the others are computed beside the page, which then runs again."""
    kept: dict[Tile, Scores] = st.session_state.made.setdefault(("scores", film_key), {})
    noise = [one._replace(method="noise", layer=None) for one in aims]
    missing = [one for one in (*done, *noise) if one not in kept]
    key = ("judging", film_key)
    job = waiting.jobs().get(key)
    if job is not None and not job.running:
        del waiting.jobs()[key]
        if job.failure is not None:
            st.error(f"The maps could not be judged. {job.failure}", icon=":material/error:")
            return kept
        if job.stopped:
            st.session_state.made["judging stopped"] = True
        job = None
    if missing and job is None:
        if st.session_state.made.get("judging stopped"):
            if not st.button("Judge the maps", icon=":material/play_arrow:"):
                return kept
            st.session_state.made["judging stopped"] = False
        values = {tile: one.heatmap.values for tile, one in done.items()}
        waiting.jobs()[key] = Job(partial(_judge, film, missing, values, kept))
    if missing:
        waiting.watch(key, "Judging how faithful the maps are", "judging")
    return kept


def _judge(
    film: Radiograph,
    missing: list[Tile],
    values: dict[Tile, np.ndarray],
    kept: dict[Tile, Scores],
    progress: Progress,
    stop: Stop,
) -> int:
    """Judge maps one by one; each is kept as soon as it is judged."""
    from xray_models.evaluate.side_by_side import Judge

    judges: dict[tuple[Question, str], Judge] = {}
    for number, tile in enumerate(missing):
        asked = tile.question, tile.direction
        if asked not in judges:
            judges[asked] = Judge(card_of(tile.question.model), film, tile.aim)
        if tile in values:
            kept[tile] = judges[asked].scores(values[tile], stop)
        else:
            kept[tile] = judges[asked].random(stop)
        progress(number + 1, len(missing))
    return len(missing)


def show_agreement(film: Radiograph, done: dict[Tile, Tried], names: dict[Tile, str]) -> None:
    """The rank correlation of each pair of maps."""
    from xray_models.evaluate.side_by_side import agreement

    st.header("Agreement", anchor=False)
    shape = render.shrink(film.pixels, SMALL).shape
    found = agreement([one.heatmap.on_radiograph(shape) for one in done.values()])
    letters = [chr(ord("A") + i) for i in range(len(done))]
    heads = "".join(f'<th scope="col">{letter}</th>' for letter in letters)
    rows = "".join(
        f'<tr><th scope="row"><b>{letter}</b> {escape(names[tile])}</th>'
        + "".join(_cell(float(value)) for value in row)
        + "</tr>"
        for letter, tile, row in zip(letters, done, found, strict=True)
    )
    st.html(
        '<div class="rl-scroll" tabindex="0" role="region" aria-label="Agreement of the maps">'
        f'<table class="rl-agreement"><caption>Rank correlation of each pair of maps over the '
        f"film: 1 the same order of heat everywhere, 0 nothing in common.</caption>"
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cell(value: float) -> str:
    """One number of the agreement, the darker the higher."""
    if np.isnan(value):
        return '<td title="One of the two maps is the same everywhere.">–</td>'
    strength = max(0.0, value)
    return f'<td style="--rl-strength:{strength:.2f}">{value:.2f}</td>'.replace(">-", ">−")


def show_blinking(
    film: Radiograph, done: dict[Tile, Tried], names: dict[Tile, str], style: render.Style
) -> None:
    """Two pictures in turns at one place: what differs jumps to the eye."""
    st.header("Blink", anchor=False)
    choices: list[Tile | None] = [None, *done]

    def words(one: Tile | None) -> str:
        return FILM if one is None else names[one]

    first_side, second_side, show_side = st.columns([2, 2, 2], vertical_alignment="bottom")
    with first_side:
        first = st.selectbox("First", choices, index=min(1, len(choices) - 2), format_func=words)
    with second_side:
        second = st.selectbox("Second", choices, index=len(choices) - 1, format_func=words)
    with show_side:
        turn = st.segmented_control(
            "Show", ["first", "second", "in turns"], default="first", required=True
        )
    grey = render.shrink(film.pixels, BLINKING)

    def source(one: Tile | None) -> str:
        pixels = render.film(grey)
        if one is not None:
            pixels = render.overlay(grey, done[one].heatmap.on_radiograph(grey.shape), style)
        return base64.b64encode(render.encode(pixels, "JPEG")).decode()

    shown = {"first": [first], "second": [second]}.get(str(turn), [first, second])
    figures = "".join(
        f'<figure><img alt="{escape(words(one))}" '
        f'src="data:image/jpeg;base64,{source(one)}">'
        f"<figcaption>{escape(words(one))}</figcaption></figure>"
        for one in shown
    )
    turns = " rl-turns" if len(shown) > 1 else ""
    st.html(
        f'<div class="rl-blink{turns}" style="aspect-ratio:{film.width}/{film.height}">{figures}'
        "</div>"
    )


main()

"""Controls of what is compared: labels, direction, methods and layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from pages.comparing.tiles import Tile, tiles
from pages.explaining import method_controls, queries
from pages.explaining.method_settings import SETTINGS
from pages.explaining.queries import OWN_LAYER, Question
from pages.shared import legacy_links
from pages.shared.open_film import card_of
from xray_models.catalogue.display_names import display_name

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.explain import MethodSupport
    from xray_models.pipeline import Reading

__all__ = ["DIRECTIONS", "START", "choose_tiles"]

DIRECTIONS = ("for", "against", "over")
START = ("grad-cam", "grad-cam++", "layercam", "eigen-cam")


def choose_tiles(reading: Reading) -> list[Tile]:
    """Tiles of the maps that a visitor asks for."""
    questions, direction = _choose_questions(reading)
    others = _choose_others(questions) if direction == "over" else {}
    cards = {one.model: card_of(one.model) for one in questions or queries.questions(reading)[:1]}
    known = {model: queries.method_supports(card) for model, card in cards.items()}
    method_side, layer_side = st.columns([3, 1], vertical_alignment="bottom")
    with method_side:
        methods = _choose_methods(known, {card.explanation.method for card in cards.values()})
    with layer_side:
        layers = _choose_layers(cards)
    _tell_misfits(reading, known)
    settings = _choose_settings(cards, known, methods, layers)
    return tiles(questions, direction, others, methods, layers, settings)


def _choose_questions(reading: Reading) -> tuple[list[Question], str]:
    """Labels of models, and whether what speaks for them, against them or for them over others."""
    choices = queries.questions(reading)
    anew = queries.begin("labels", choices, choices[:1])
    label_side, direction_side = st.columns([3, 1])
    with label_side:
        questions: list[Question] = st.multiselect(
            "Explain",
            choices,
            default=None if anew else choices[:1],
            format_func=lambda one: one.words,
            key="labels",
            on_change=queries.choose,
            args=("labels",),
            bind="query-params",
            persist_state="session",
            help="Several labels, of one model or of several, are shown beside each other.",
        )
    with direction_side:
        direction = st.segmented_control(
            "What speaks",
            list(DIRECTIONS),
            default="for",
            required=True,
            key="speaks",
            bind="query-params",
            persist_state="session",
            width="stretch",
            help="Against: where the model sees reasons to lower the label's score. Over: what "
            "speaks for this label rather than for another one of the same model.",
        )
    return questions, str(direction)


def _choose_others(questions: list[Question]) -> dict[str, str]:
    """For each model the label that its labels are set against; none where it knows no other."""
    from xray_models.explain.queries import rivals

    asked: dict[str, list[str]] = {}
    for one in questions:
        asked.setdefault(one.model, []).append(one.label)
    others: dict[str, str] = {}
    for model, labels in asked.items():
        card = card_of(model)
        apart = [set(rivals(card, label)) for label in labels]
        choices = [label for label in card.labels if all(label in one for one in apart)]
        named = f" ({card.name})" if len(asked) > 1 else ""
        if not choices:
            known = " and ".join(map(display_name, labels))
            st.caption(f"There is nothing to set {known} against{named}: shown is what speaks for.")
            continue
        others[model] = st.selectbox(
            f"Rather than{named}",
            choices,
            format_func=display_name,
            key=f"other-{model}",
            bind="query-params",
            persist_state="session",
        )
    return others


def _choose_methods(
    known: Mapping[str, Mapping[str, MethodSupport]], of_cards: set[str]
) -> list[str]:
    """Methods that fit one of the models at least, at first with those that the cards name."""
    fits = {
        name: support
        for of_model in known.values()
        for name, support in of_model.items()
        if support.fits
    }
    order = [name for name in next(iter(known.values())) if name in fits]
    words = {name: queries.method_words(fits[name]) for name in order}
    # a visitor's choice stays when a second model comes beside the first, but is not another's
    key = f"methods-{next(iter(known))}"
    taken = legacy_links.take_over("methods", key, words, several=True)
    start = [name for name in order if name in of_cards.union(START)]
    chosen: list[str] = st.multiselect(
        "Methods",
        order,
        default=None if taken else start,
        format_func=lambda one: words[one],
        key=key,
        bind="query-params",
        persist_state="session",
        help="Slow ones start on a button of their own.",
    )
    return chosen


def _choose_settings(
    cards: Mapping[str, Card],
    known: Mapping[str, Mapping[str, MethodSupport]],
    methods: list[str],
    layers: Mapping[str, list[str]],
) -> dict[tuple[str, str], tuple[tuple[str, int], ...]]:
    """What sets the cost of slow methods: (model, method) -> options; the same as on Read."""
    found: dict[tuple[str, str], tuple[tuple[str, int], ...]] = {}
    slow = [method for method in methods if method in SETTINGS]
    if not slow:
        return found
    with st.container(horizontal=True):
        for method in slow:
            # one menu for all models: the first that the method fits says what it offers
            models = [model for model in cards if known[model][method].fits]
            places = [one for one in layers.get(models[0], ()) if one != OWN_LAYER]
            chosen = method_controls.choose_setting(cards[models[0]], method, places)
            found |= {(model, method): chosen for model in models}
    return found


def _choose_layers(cards: Mapping[str, Card]) -> dict[str, list[str]]:
    """Layers chosen for each model."""
    layers: dict[str, list[str]] = {}
    with st.popover("Layers", width="stretch"):
        st.caption(
            "Earlier layers draw finer maps of simpler things. First those where the grid of the "
            "network changes, then every other: type to search."
        )
        for model, card in cards.items():
            words = queries.layer_words(card)
            layers[model] = st.multiselect(
                f"Layers of {card.name}",
                words,
                default=[_start(card, words)],
                format_func=words.__getitem__,
                key=f"layers-{model}",
                bind="query-params",
                persist_state="session",
            )
    return layers


def _start(card: Card, layers: Mapping[str, str]) -> str:
    """The layer that the model's card chose by measurement: the last activation where none."""
    return card.explanation.layer if card.explanation.layer in layers else OWN_LAYER


def _tell_misfits(reading: Reading, known: Mapping[str, Mapping[str, MethodSupport]]) -> None:
    """Why some methods are not offered."""
    sentences = {
        f"{one.why} ({card_of(model).name})" if len(reading.chosen) > 1 else one.why
        for model, of_model in known.items()
        for one in of_model.values()
        if not one.fits
    }
    if sentences:
        with st.popover(
            f"{len(sentences)} not offered" if len(sentences) > 1 else "1 method not offered",
            icon=":material/info:",
            type="tertiary",
        ):
            st.markdown("\n".join(f"- {one}" for one in sorted(sentences)))

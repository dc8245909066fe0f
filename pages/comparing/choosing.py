"""What is compared: labels, direction, methods and layers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.comparing.tiles import Tile, tiles
from pages.reading import asking
from pages.reading.asking import OWN_LAYER, Question
from pages.reading.opening import card_of

if TYPE_CHECKING:
    from classify import Reading
    from xray_models.catalogue import Card
    from xray_models.explain import Offer

START = ("grad-cam", "grad-cam++", "layercam", "eigen-cam")


def choose_tiles(reading: Reading) -> list[Tile]:
    """The maps that a visitor asks for."""
    questions, direction = _choose_questions(reading)
    cards = {one.model: card_of(one.model) for one in questions or asking.questions(reading)[:1]}
    known = {model: asking.offers(card) for model, card in cards.items()}
    method_side, layer_side = st.columns([3, 1], vertical_alignment="bottom")
    with method_side:
        methods = _choose_methods(known, {card.explanation.method for card in cards.values()})
    with layer_side:
        layers = _choose_layers(cards)
    _tell_misfits(reading, known)
    return tiles(questions, direction, methods, layers)


def _choose_questions(reading: Reading) -> tuple[list[Question], str]:
    """Labels of models, and what speaks for or against them."""
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
    return questions, str(direction)


def _choose_methods(known: Mapping[str, Mapping[str, Offer]], of_cards: set[str]) -> list[str]:
    """Methods that fit one of the models at least, at first with those that the cards name."""
    fits = {
        name: offer for of_model in known.values() for name, offer in of_model.items() if offer.fits
    }
    order = [name for name in next(iter(known.values())) if name in fits]
    chosen: list[str] = st.multiselect(
        "Methods",
        order,
        default=[name for name in order if name in of_cards.union(START)],
        format_func=lambda one: asking.method_words(fits[one]),
        key="methods",
        bind="query-params",
        persist_state="session",
        help="Slow ones start on a button of their own.",
    )
    return chosen


def _choose_layers(cards: Mapping[str, Card]) -> dict[str, list[str]]:
    """Layers per model."""
    layers: dict[str, list[str]] = {}
    with st.popover("Layers", width="stretch"):
        st.caption("Earlier layers draw finer maps of simpler things.")
        for model, card in cards.items():
            layers[model] = st.multiselect(
                f"Layers of {card.name}",
                asking.layers(card),
                default=[_start(card)],
                format_func=partial(asking.layer_words, card),
                key=f"layers-{model}",
                bind="query-params",
                persist_state="session",
            )
    return layers


def _start(card: Card) -> str:
    """The layer that the model's card chose by measurement: the last activation where none."""
    return card.explanation.layer if card.explanation.layer in asking.layers(card) else OWN_LAYER


def _tell_misfits(reading: Reading, known: Mapping[str, Mapping[str, Offer]]) -> None:
    """Why some methods are not offered."""
    sentences = {
        f"{one.why} ({card_of(model).name})" if len(reading.chosen) > 1 else one.why
        for model, of_model in known.items()
        for one in of_model.values()
        if not one.fits
    }
    if sentences:
        st.caption("Not offered: " + " ".join(sorted(sentences)))

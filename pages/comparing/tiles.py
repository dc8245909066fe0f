"""The maps that are compared: which they are, what they are called, how they come about."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from pages.explaining import maps, queries
from pages.explaining.queries import OWN_LAYER, Question
from pages.shared.open_film import card_of
from xray_models.catalogue.display_names import display_name

if TYPE_CHECKING:
    from xray_models.evaluate.explanations.single_film import Tried
    from xray_models.explain.progress import Progress, Stop
    from xray_models.explain.queries import Query
    from xray_models.radiograph import Radiograph

__all__ = ["Tile", "asked", "make", "offer_slow", "tiles", "titles"]


class Tile(NamedTuple):
    """One map of the grid.

    Attributes:
        question: a label of a model.
        direction: "for", "against" or "over".
        method: id of the method.
        layer: to look at; None for the method's own.
        other: for "over", the label that it is set against.
    """

    question: Question
    direction: str
    method: str
    layer: str | None
    other: str = ""

    @property
    def query(self) -> Query:
        """What is asked of the model."""
        from xray_models.explain.queries import Query

        return Query(self.question.label, self.direction, self.other)


def tiles(
    questions: list[Question],
    direction: str,
    others: dict[str, str],
    methods: list[str],
    layers: dict[str, list[str]],
) -> list[Tile]:
    """Every question by every method that fits its model, at every layer chosen that fits.

    Args:
        questions: labels of models.
        direction: "for", "against" or "over".
        others: model -> the label that its labels are set against, with "over"; a model that is
            missing knows none, and is asked what speaks for its label.
        methods: ids.
        layers: model -> layers.
    """
    found = []
    for question in questions:
        card = card_of(question.model)
        other = others.get(question.model, "")
        way = "for" if direction == "over" and not other else direction
        for layer in layers.get(question.model) or [OWN_LAYER]:
            where = None if layer == OWN_LAYER else layer
            known = queries.method_supports(card, where)
            # what draws on pixels has no layer, and CAM only one: each is shown once
            own = queries.method_supports(card)
            for method in methods:
                if known[method].fits:
                    found.append(Tile(question, way, method, where, other))
                elif own[method].fits:
                    found.append(Tile(question, way, method, None, other))
    return list(dict.fromkeys(found))


def titles(wanted: list[Tile]) -> dict[Tile, tuple[str, ...]]:
    """The words for each map: no more than are needed to tell it from the others."""
    from xray_models.explain import METHODS

    several_labels = len({one.question for one in wanted}) > 1
    several_models = len({one.question.model for one in wanted}) > 1
    several_layers = len({one.layer for one in wanted}) > 1
    found = {}
    for one in wanted:
        words = [METHODS[one.method].name]
        if several_labels:
            words.append(asked(one))
        if several_models:
            words.append(card_of(one.question.model).name)
        if several_layers and METHODS[one.method].layered:
            words.append(one.layer or OWN_LAYER)
        found[one] = tuple(words)
    return found


def asked(tile: Tile) -> str:
    """The label of a map, and the one that it is set against."""
    label = display_name(tile.question.label)
    return f"{label} over {display_name(tile.other)}" if tile.other else label


def make(
    film_key: str, film: Radiograph, wanted: list[Tile]
) -> tuple[dict[Tile, Tried], list[Tile]]:
    """Maps that are there or cheap, in the order asked for, and those that wait for a click."""
    done: dict[Tile, Tried] = {}
    slow = []
    for tile in wanted:
        key = _key(film_key, tile)
        support = queries.method_supports(card_of(tile.question.model), tile.layer)[tile.method]
        if not support.slow:
            done[tile] = maps.at_once(key, partial(_try, film, tile))
        elif (found := maps.cached(key, partial(_cached, film, tile))) is not None:
            done[tile] = found
        else:
            slow.append(tile)
    return done, slow


def offer_slow(film_key: str, film: Radiograph, slow: list[Tile], names: dict[Tile, str]) -> None:
    """A button for each slow map, then its progress and a way to stop it."""
    for number, tile in enumerate(slow):
        support = queries.method_supports(card_of(tile.question.model), tile.layer)[tile.method]
        work = partial(_try, film, tile)
        key = _key(film_key, tile)
        if maps.on_click(key, support, names[tile], work, f"tile {number}") is not None:
            st.rerun()


def _key(film_key: str, tile: Tile) -> tuple[str, str, Tile]:
    return "tried", film_key, tile


def _cached(film: Radiograph, tile: Tile) -> Tried | None:
    from xray_models.evaluate.explanations import single_film

    card = card_of(tile.question.model)
    return single_film.cached(card, film, tile.query, tile.method, tile.layer)


def _try(film: Radiograph, tile: Tile, progress: Progress | None, stop: Stop | None) -> Tried:
    from xray_models.evaluate.explanations import single_film

    card = card_of(tile.question.model)
    return single_film.tried(card, film, tile.query, tile.method, tile.layer, progress, stop)

"""Tiles: the maps that are compared, their titles, and how they are made."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from pages.explaining import maps, queries
from pages.explaining.method_settings import SETTINGS
from pages.explaining.queries import OWN_LAYER, Question
from pages.shared.open_film import card_of
from xray_models.catalogue.display_names import display_name

if TYPE_CHECKING:
    from xray_models.evaluate.explanations.single_film import TimedMap
    from xray_models.explain import MethodSpec
    from xray_models.explain.progress import Progress, Stop
    from xray_models.explain.queries import Query
    from xray_models.radiograph import Radiograph

__all__ = ["Tile", "asked", "make", "run_slow", "tiles", "titles"]


class Tile(NamedTuple):
    """One map of the grid.

    Attributes:
        question: a label of a model.
        direction: "for", "against" or "over".
        spec: the method, and a layer where it is not the method's own.
        other: for "over", the label that it is set against.
    """

    question: Question
    direction: str
    spec: MethodSpec
    other: str = ""

    @property
    def query(self) -> Query:
        """The query to the model."""
        from xray_models.explain.queries import Query

        return Query(self.question.label, self.direction, self.other)


def tiles(
    questions: list[Question],
    direction: str,
    others: dict[str, str],
    methods: list[str],
    layers: dict[str, list[str]],
    settings: Mapping[tuple[str, str], tuple[tuple[str, int], ...]] = MappingProxyType({}),
) -> list[Tile]:
    """Tiles of every question by every method that fits its model, at every layer that fits.

    Args:
        questions: labels of models.
        direction: "for", "against" or "over".
        others: model -> the label that its labels are set against, with "over"; a model that is
            missing knows none, and is asked what speaks for its label.
        methods: ids.
        layers: model -> layers.
        settings: (model, method) -> options that differ from the method's own.
    """
    from xray_models.explain import MethodSpec

    found = []
    for question in questions:
        card = card_of(question.model)
        other = others.get(question.model, "")
        asked_for = "for" if direction == "over" and not other else direction
        for layer in layers.get(question.model) or [OWN_LAYER]:
            where = None if layer == OWN_LAYER else layer
            known = queries.method_supports(card, where)
            # what draws on pixels has no layer, and CAM only one: each is shown once
            own = queries.method_supports(card)
            for method in methods:
                options = settings.get((question.model, method), ())
                if known[method].fits:
                    spec = MethodSpec(method, () if where is None else (where,), options)
                elif own[method].fits:
                    spec = MethodSpec(method, (), options)
                else:
                    continue
                found.append(Tile(question, asked_for, spec, other))
    return list(dict.fromkeys(found))


def titles(wanted: list[Tile]) -> dict[Tile, tuple[str, ...]]:
    """Titles of the maps: no more words than are needed to tell each from the others."""
    from xray_models.explain import METHODS

    several_labels = len({one.question for one in wanted}) > 1
    several_models = len({one.question.model for one in wanted}) > 1
    several_layers = len({one.spec.layers for one in wanted}) > 1
    found = {}
    for one in wanted:
        words = [METHODS[one.spec.method].name]
        words += [SETTINGS[one.spec.method].words(value) for _, value in one.spec.options]
        if several_labels:
            words.append(asked(one))
        if several_models:
            words.append(card_of(one.question.model).name)
        if several_layers and METHODS[one.spec.method].layered:
            words.append(one.spec.layer or OWN_LAYER)
        found[one] = tuple(words)
    return found


def asked(tile: Tile) -> str:
    """Label of a map, and the one that it is set against."""
    label = display_name(tile.question.label)
    return f"{label} over {display_name(tile.other)}" if tile.other else label


def make(
    film_key: str, film: Radiograph, wanted: list[Tile]
) -> tuple[dict[Tile, TimedMap], list[Tile]]:
    """Maps that are there or cheap, in the order asked for, and those that wait for a click."""
    from xray_models.explain import method_support

    done: dict[Tile, TimedMap] = {}
    slow = []
    for tile in wanted:
        key = _key(film_key, tile)
        support = method_support(card_of(tile.question.model), tile.spec)
        if not support.slow:
            done[tile] = maps.at_once(key, partial(_try, film, tile))
        elif (found := maps.cached(key, partial(_cached, film, tile))) is not None:
            done[tile] = found
        else:
            slow.append(tile)
    return done, slow


def run_slow(film_key: str, film: Radiograph, slow: list[Tile], names: dict[Tile, str]) -> None:
    """A button for each slow map, then its progress and how to stop it."""
    from xray_models.explain import method_support

    for number, tile in enumerate(slow):
        support = method_support(card_of(tile.question.model), tile.spec)
        work = partial(_try, film, tile)
        key = _key(film_key, tile)
        if maps.on_click(key, support, names[tile], work, f"tile {number}") is not None:
            st.rerun()


def _key(film_key: str, tile: Tile) -> tuple[str, str, Tile]:
    return "tried", film_key, tile


def _cached(film: Radiograph, tile: Tile) -> TimedMap | None:
    from xray_models.evaluate.explanations import single_film

    card = card_of(tile.question.model)
    return single_film.cached(card, film, tile.query, tile.spec)


def _try(film: Radiograph, tile: Tile, progress: Progress | None, stop: Stop | None) -> TimedMap:
    from xray_models.evaluate.explanations import single_film

    card = card_of(tile.question.model)
    return single_film.timed_map(card, film, tile.query, tile.spec, progress, stop)

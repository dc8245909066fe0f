"""Sanity checks of a model's maps: does a spoiled network lose them? `sanity_table` keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from xray_models import explain, networks
from xray_models.catalogue import Card
from xray_models.evaluate.explanations.faithfulness import Call, over_input, target_of
from xray_models.evaluate.explanations.held_out_films import Networks
from xray_models.evaluate.explanations.sanity_table import SanityFigure
from xray_models.explain import MethodSpec
from xray_models.explain.metrics import randomization
from xray_models.explain.metrics.faithfulness import silent
from xray_models.explain.progress import BATCH, Progress
from xray_models.explain.targets import Target
from xray_models.inference import weights as stored_weights

if TYPE_CHECKING:
    import keras

__all__ = ["check_labels", "check_weights"]

_SHUFFLES = 3


def check_weights(
    card: Card,
    calls: Sequence[Call],
    spec: MethodSpec | str,
    stages: int = 8,
    seed: int = 0,
    progress: Progress = silent,
) -> list[SanityFigure]:
    """The cascade of scrambled weights, on the shipped network.

    Args:
        card: of the model.
        calls: films with the findings to explain.
        spec: method and layers, or their text.
        stages: groups of layers.
        seed: of the scrambling and of methods that draw at random.
        progress: called with (stages done, stages in all); may raise to stop.
    """
    films, method = _films(card, calls), str(spec)

    def maps(network: keras.Model) -> np.ndarray:
        return np.stack([_map(network, film, target, spec, seed) for film, target in films])

    found = randomization.cascade(stored_weights.network(card), maps, stages, seed, progress)
    return [
        SanityFigure(
            method,
            "weights",
            i,
            stage.layer,
            stage.correlation,
            stage.similarity,
            stage.maps,
            stage.empty,
        )
        for i, stage in enumerate(found)
    ]


def check_labels(
    card: Card,
    calls: Sequence[Call],
    learned_from: Sequence[Call],
    truth: np.ndarray,
    spec: MethodSpec | str,
    seed: int = 0,
) -> SanityFigure | None:
    """The check of a head refitted on shuffled labels, on the shipped network.

    What is refitted is the last layer, on what it reads itself: pooled features, or those of the
    hidden layers above them. A network with a local map ends in two heads, of which one looks for
    its hottest cell and has no closed form; refitting the other alone would leave maps their
    reasons, so that it is not checked at all.

    Args:
        card: of the model.
        calls: films to explain.
        learned_from: films to refit the head on.
        truth: of these, bool of (films,).
        spec: method and layers, or their text.
        seed: of the shuffling and of methods that draw at random.

    Returns:
        Its row; None where the network does not end in a linear layer.
    """
    shipped = stored_weights.network(card)
    import keras

    last = shipped.get_layer("logits")
    if not isinstance(last, keras.layers.Dense):
        return None
    inputs = [cache.inputs for cache, _ in _films(card, learned_from)]
    below = keras.Model(shipped.inputs, last.input)
    features = below.predict(np.concatenate(inputs), batch_size=BATCH, verbose=0)
    films = _films(card, calls)
    copy = networks.build(card.architecture, card.input_size, 1)
    for layer in shipped.layers:
        if layer.name != "logits" and layer.get_weights():
            copy.get_layer(layer.name).set_weights(layer.get_weights())

    def maps(head: np.ndarray) -> np.ndarray:
        copy.get_layer("logits").set_weights([head[:, None].astype(np.float32), np.zeros(1)])
        return np.stack([_map(copy, film, Target((1.0,)), spec, seed) for film, _ in films])

    left = randomization.random_labels(features, truth, maps, _SHUFFLES, seed)
    return SanityFigure(str(spec), "labels", 1, "logits", left, float("nan"), len(films))


def _films(card: Card, calls: Sequence[Call]) -> list[tuple[explain.PassCache, Target]]:
    shipped = Networks(card)
    return [(shipped.explained(call.held).cache, target_of(card, call.finding)) for call in calls]


def _map(
    network: keras.Model, film: explain.PassCache, target: Target, spec: MethodSpec | str, seed: int
) -> np.ndarray:
    """A film's map by a network whose weights may just have changed, over all of the input."""
    cache = explain.PassCache(network, film.inputs, film.baseline)
    return over_input(explain.maps(cache, [target], spec, seed=seed)[0], film.size)

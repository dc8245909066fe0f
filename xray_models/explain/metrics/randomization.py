"""Randomization checks of maps (Adebayo et al. 2018, arXiv:1810.03292).

They ask whether a map depends on what was learned at all.

A method whose map stays the same when the weights are scrambled, or when the labels meant nothing,
draws edges of the film and not the reasons of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xray_models.explain.metrics.faithfulness import silent
from xray_models.explain.metrics.rank_correlation import rank_correlation, similarity
from xray_models.explain.progress import Progress

if TYPE_CHECKING:
    import keras

__all__ = ["TRAINED", "Stage", "cascade", "linear_head", "random_labels"]

TRAINED = "as trained"


@dataclass(frozen=True)
class Stage:
    """A stage of the cascade of scrambled weights.

    Attributes:
        layer: the lowest layer scrambled so far, or "as trained".
        correlation: rank correlation with the map as trained, the mean over maps; a map that has
            become constant has nothing in common with it and counts as 0.
        similarity: structural similarity with it, the mean over maps; a map that has become
            constant is alike wherever the map as trained shows no heat either.
        maps: how many; a map that is constant as trained has nothing to lose and is left out.
        empty: how many of them have become constant. A mean of 0 says that heat has gone elsewhere
            only where it is not made of these.
    """

    layer: str
    correlation: float
    similarity: float
    maps: int
    empty: int


def cascade(
    network: keras.Model,
    explain: Callable[[keras.Model], np.ndarray],
    stages: int = 8,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[Stage, ...]:
    """Scramble a network's layers from the top down, and see what stays of a map.

    Weights are scrambled by shuffling the values of each tensor: what was learned is lost, while
    the size of the activations stays, so that a map does not die of exploding numbers.

    The first stage is the head: on each path down from the output, every layer as far as the first
    one that shuffling can change. A gain of a single number cannot be shuffled, and heads that are
    added up all make the output.

    Args:
        network: a functional graph; it is copied, not changed.
        explain: network -> maps of some films, (maps, rows, columns).
        stages: after the head alone, the layers below follow in this many equal groups less one.
        seed: of the shuffling.
        progress: called with (stages done, stages in all); may raise to stop.

    Returns:
        "as trained" first, then a stage for each group of layers, from the top; NaN where all maps
        are constant.

    Raises:
        ValueError: the network has no layer with weights, or fewer than one stage is asked for.
    """
    import keras

    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    learned = [layer for layer in reversed(copy.layers) if layer.get_weights()]
    if not learned or stages < 1:
        raise ValueError("A cascade needs a network with weights and at least one stage.")
    random = np.random.default_rng(seed)
    own = explain(copy)
    found = [_stage(TRAINED, own, own)]
    head = _head(copy)
    groups = [[layer for layer in learned if layer in head]]
    if stages > 1:
        lower = [layer for layer in learned if layer not in head]
        below = np.array_split(np.arange(len(lower)), stages - 1)
        groups += [[lower[i] for i in group] for group in below if len(group)]
    for done, group in enumerate(groups, 1):
        for layer in group:
            layer.set_weights([_shuffled(values, random) for values in layer.get_weights()])
        found.append(_stage(group[-1].name, own, explain(copy)))
        progress(done, len(groups))
    return tuple(found)


def _head(network: keras.Model) -> list[keras.Layer]:
    """The layers with weights next to the output, down to those that shuffling can change."""
    import keras

    found: list[keras.Layer] = []
    seen: set[int] = set()
    tensors = list(network.outputs)
    while tensors:
        tensor = tensors.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        layer, node, _ = tensor._keras_history
        values = layer.get_weights() if isinstance(layer, keras.Layer) else []
        if values and layer not in found:
            found.append(layer)
        if not any(map(_varies, values)):
            tensors += layer._inbound_nodes[node].input_tensors
    return found


def _varies(values: np.ndarray) -> bool:
    return values.size > 1 and bool(np.ptp(values) > 0)


def _shuffled(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The values in another order, which is no luck where there are only a few."""
    found = random.permutation(values.ravel())
    while _varies(values) and (found == values.ravel()).all():
        found = random.permutation(values.ravel())
    return found.reshape(values.shape)


def _stage(layer: str, own: np.ndarray, now: np.ndarray) -> Stage:
    pairs = [(a, b) for a, b in zip(own, now, strict=True) if np.ptp(a)]
    if not pairs:
        return Stage(layer, float("nan"), float("nan"), 0, 0)
    correlations = np.nan_to_num([rank_correlation(a, b) for a, b in pairs])
    similarities = [similarity(a, b) for a, b in pairs]
    empty = sum(not np.ptp(b) for _, b in pairs)
    return Stage(layer, float(correlations.mean()), float(np.mean(similarities)), len(pairs), empty)


def random_labels(
    features: np.ndarray,
    truth: np.ndarray,
    explain: Callable[[np.ndarray], np.ndarray],
    repeats: int = 4,
    seed: int = 0,
) -> float:
    """Refit the linear head on shuffled labels, and see what stays of the maps.

    The backbone stays: only the head learns again, in closed form, so that the check takes no
    training. It asks less than training everything on shuffled labels would.

    Args:
        features: pooled features of films, (films, channels).
        truth: 0 or 1 per film, (films,), both present.
        explain: head of shape (channels,) -> maps of some films, (maps, rows, columns).
        repeats: shufflings.
        seed: of the shufflings.

    Returns:
        Mean rank correlation between the maps of the head fitted on the truth and of heads fitted
        on shuffled truth: near 0 where maps depend on what was learned, near 1 where they do not.
        Pairs with a constant map are left out; NaN if none remains.

    Raises:
        ValueError: the shapes differ, or only one class is present.
    """
    truth = np.asarray(truth, np.float64)
    if features.ndim != 2 or truth.shape != features.shape[:1]:
        raise ValueError("Needed are features (films, channels) and one truth per film.")
    if not np.ptp(truth) > 0:
        raise ValueError("A head needs films with and without the finding; here is only one kind.")
    random = np.random.default_rng(seed)
    own = explain(linear_head(features, truth))
    found = []
    for _ in range(repeats):
        other = explain(linear_head(features, random.permutation(truth)))
        found += [rank_correlation(a, b) for a, b in zip(own, other, strict=True)]
    defined = [value for value in found if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def linear_head(features: np.ndarray, truth: np.ndarray, penalty: float = 1e-2) -> np.ndarray:
    """Ridge regression of truth on features, without the intercept.

    Args:
        features: (films, channels).
        truth: (films,).
        penalty: on the weights, in units of the features' mean variance per film.

    Returns:
        float64, (channels,).
    """
    centered = np.asarray(features, np.float64) - features.mean(axis=0)
    gram = centered.T @ centered
    size = penalty * max(float(np.trace(gram)) / len(gram), 1e-12)
    solved: np.ndarray = np.linalg.solve(
        gram + size * np.eye(len(gram)), centered.T @ (truth - np.mean(truth))
    )
    return solved

"""Model of a training: the network with its start, and the learner that is fitted."""

from __future__ import annotations

from pathlib import Path

import tensorflow  # noqa: F401 - before keras: see pyproject.toml
import keras
import numpy as np

from xray_models import networks
from xray_models.networks import local
from xray_models.train import losses, pretrained
from xray_models.train.data import pipeline
from xray_models.train.recipe import Recipe

__all__ = ["build", "cells", "freeze", "learner_of", "logits"]

_LOCAL_WEIGHT = 2.0
"""Weight of the loss of the local map, beside 1 for the film as a whole."""


def build(recipe: Recipe, run: Path) -> tuple[keras.Model, str]:
    """Build a recipe's network with its pretrained start, frozen as far as the recipe says.

    Args:
        recipe: architecture, size, labels, dropout and start.
        run: run folder; beside it lies the run that a recipe may start from.

    Returns:
        The network, and where its start comes from.

    Raises:
        ValueError: the start, or the layer to freeze up to, is unknown.
        FileNotFoundError: the recipe starts from another run, which is missing.
    """
    network = networks.build(
        recipe.architecture,
        recipe.input_size,
        1 if recipe.two_class else len(recipe.labels),
        recipe.dropout,
    )
    started_from = pretrained.start(network, recipe.start, run)
    if recipe.pooling_r is not None:
        from xray_models.networks import unified

        unified.set_r(network, recipe.pooling_r, recipe.learned_r)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # MobileNet's 0.999 is meant for millions of films: after a thousand steps its moving
            # averages would still be those of the start
            layer.momentum = min(layer.momentum, 0.99)
    freeze(network, recipe.frozen_until)
    return network, started_from


def learner_of(network: keras.Model, recipe: Recipe, targets: np.ndarray) -> keras.Model:
    """Model that is fitted: the network, with its local map as a second output if it has one.

    Args:
        network: of the recipe's architecture, with its start.
        recipe: loss, optimizer and schedule.
        targets: of the films that train, as `pipeline.targets` gives them.

    Returns:
        The compiled model, which shares the network's weights.
    """
    steps = (recipe.films_per_epoch or len(targets)) // recipe.batch
    schedule: float | keras.optimizers.schedules.LearningRateSchedule = recipe.learning_rate
    if recipe.plateau == 1:
        schedule = keras.optimizers.schedules.CosineDecay(
            recipe.learning_rate / 10,
            decay_steps=max(1, steps * recipe.epochs - steps // 2),
            alpha=0.01,
            warmup_target=recipe.learning_rate,
            warmup_steps=steps // 2,
        )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, clipnorm=1.0)
    loss = _loss(recipe, targets)
    if local.LAYER not in {layer.name for layer in network.layers}:
        network.compile(optimizer, loss)
        return network
    local_map = network.get_layer(local.LAYER).output
    learner = keras.Model(network.input, [network.output, local_map])
    learner.compile(optimizer, [loss, losses.local_map], loss_weights=[1.0, _LOCAL_WEIGHT])
    return learner


def cells(learner: keras.Model) -> tuple[int, int] | None:
    """(rows, columns) of a learner's local map; None without one."""
    if len(learner.outputs) == 1:
        return None
    rows, columns = learner.outputs[1].shape[1:3]
    return int(rows), int(columns)


def _loss(recipe: Recipe, targets: np.ndarray) -> losses.Loss:
    sigmoid = recipe.activation == "sigmoid"
    if recipe.class_weights:
        weights = losses.class_weights(targets, recipe.activation)
        return losses.weighted_sigmoid(weights) if sigmoid else losses.weighted_softmax(weights)
    return losses.sigmoid if sigmoid else keras.losses.CategoricalCrossentropy(from_logits=True)


def freeze(network: keras.Model, until: str | None) -> None:
    """Keep the weights of a network's layers up to the one of that name; of none by default.

    Raises:
        ValueError: there is no such layer.
    """
    if until is None:
        return
    for layer in network.layers:
        layer.trainable = False
        if layer.name == until:
            return
    raise ValueError(f"{network.name} has no layer {until!r} to freeze up to.")


def logits(network: keras.Model, images: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Raw logits of uint8 images, float64 of shape (films, logits)."""
    parts = [
        network.predict_on_batch(pipeline.inputs(images[first : first + 32], recipe))
        for first in range(0, len(images), 32)
    ]
    return np.concatenate(parts).astype(np.float64)

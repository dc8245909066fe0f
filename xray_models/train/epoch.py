"""Epoch of a training: its steps, its validation, and what follows from it."""

from __future__ import annotations

import logging
import math
import sys

import tensorflow  # noqa: F401 - before keras: see pyproject.toml
import keras
import numpy as np
from scipy.special import expit, softmax
from sklearn.metrics import roc_auc_score

from xray_models.train import losses
from xray_models.train.data import pipeline
from xray_models.train.data.training_films import TrainingFilms
from xray_models.train.model import cells, logits
from xray_models.train.recipe import Recipe
from xray_models.train.run_folder.checkpoint import State
from xray_models.train.run_folder.seeding import reseed
from xray_models.train.weight_averaging import RunningAverage

__all__ = ["log", "mean_auc", "next_state", "steps", "validate"]

log = logging.getLogger(__name__)

# a progress bar for people, a line per epoch for files
_VERBOSE = 1 if sys.stdout.isatty() else 2


def steps(
    learner: keras.Model,
    network: keras.Model,
    films: TrainingFilms,
    recipe: Recipe,
    state: State,
    average: RunningAverage,
) -> float:
    """Take the steps of the epoch after a state.

    Args:
        learner: compiled, as `model.learner_of` gives it.
        network: the one inside it.
        films: to train on.
        recipe: seed, batch, augmentation and schedule.
        state: of the training so far.
        average: takes in the weights after each step.

    Returns:
        The mean loss.

    Raises:
        ValueError: the training diverged.
    """
    if recipe.plateau < 1:
        learner.optimizer.learning_rate = state.learning_rate or recipe.learning_rate
    reseed(network, recipe.seed, state.epoch)
    stream, count = pipeline.batches(
        films.images, films.boxes, films.targets, recipe, state.epoch, cells(learner)
    )
    history = learner.fit(
        stream,
        initial_epoch=state.epoch,
        epochs=state.epoch + 1,
        steps_per_epoch=count,
        callbacks=[average],
        verbose=_VERBOSE,
    )
    loss = float(history.history["loss"][0])
    if not math.isfinite(loss):
        raise ValueError(
            f"The loss of epoch {state.epoch + 1} is {loss}: the training diverged. Take a lower "
            "learning rate, or look for films that show nothing."
        )
    return loss


def validate(
    network: keras.Model, images: np.ndarray, targets: np.ndarray, recipe: Recipe
) -> dict[str, float]:
    """Measure a network on validation films.

    Args:
        network: of the recipe's architecture.
        images: uint8, as `pipeline.load` gives them.
        targets: as `pipeline.targets` gives them.
        recipe: activation and scaling.

    Returns:
        "validation_auc" and "validation_loss", of exclusive classes also "validation_accuracy".
    """
    raw = logits(network, images, recipe)
    if recipe.activation == "sigmoid":
        loss = float(losses.sigmoid(targets, raw.astype(np.float32)))
        return {"validation_auc": mean_auc(targets, expit(raw)), "validation_loss": loss}
    values = softmax(raw, axis=1)
    loss = float(-np.log(np.maximum((values * targets).sum(axis=1), 1e-12)).mean())
    accuracy = float((values.argmax(axis=1) == targets.argmax(axis=1)).mean())
    return {
        "validation_auc": mean_auc(targets, values),
        "validation_loss": loss,
        "validation_accuracy": accuracy,
    }


def mean_auc(targets: np.ndarray, probability: np.ndarray) -> float:
    """Mean AUC over the labels, each against the rest.

    Args:
        targets: in 0..1 or NaN (unknown), (films, labels).
        probability: (films, labels).

    Returns:
        The mean over labels that occur and are missing at least once; NaN without any.
    """
    found = []
    for truth, values in zip(targets.T, probability.T, strict=True):
        known = np.isfinite(truth)
        present = truth[known] > 0.5
        if present.any() and not present.all():
            found.append(roc_auc_score(present, values[known]))
    return float(np.mean(found)) if found else float("nan")


def next_state(state: State, line: dict[str, float], recipe: Recipe, learning_rate: float) -> State:
    """State of a training after an epoch.

    Args:
        state: before it.
        line: its figures; an AUC that is not a number, of one class alone, is none.
        recipe: patience, plateau, and which epoch is kept.
        learning_rate: of that epoch.
    """
    auc = line.get("validation_auc", math.nan)
    measured = not math.isnan(auc)
    better = measured and (state.best is None or auc > state.best)
    worse = 0 if better else state.worse + measured
    if worse and measured and recipe.plateau < 1:
        learning_rate *= recipe.plateau
    stopped = bool(recipe.patience and worse >= recipe.patience)
    if stopped:
        log.info("stopped: no better validation AUC in %d epochs", recipe.patience)
    epoch = int(line["epoch"])
    return State(
        epoch=epoch,
        best=auc if better else state.best,
        kept=epoch if recipe.keep_last or better or not measured else state.kept,
        worse=worse,
        learning_rate=learning_rate,
        stopped=stopped,
    )

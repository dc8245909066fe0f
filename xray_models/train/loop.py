"""One training loop for every recipe: seeded, logged, and resumable after every epoch."""

from __future__ import annotations

import logging
import math
import sys
import time
from pathlib import Path

import tensorflow as tf
import keras
import numpy as np
from scipy.special import expit, softmax
from sklearn.metrics import roc_auc_score

from xray_models import networks
from xray_models.datasets import Film
from xray_models.networks import local
from xray_models.train import fused, pretrained, weighing
from xray_models.train import weighing as losses
from xray_models.train.data import cross_validation, pipeline
from xray_models.train.recipe import Recipe
from xray_models.train.run_folder import hardware
from xray_models.train.run_folder.atomic_write import atomic_write
from xray_models.train.run_folder.checkpoint import (
    BEST as BEST,  # those who read runs know it from here
)
from xray_models.train.run_folder.checkpoint import Checkpoints, State, readable
from xray_models.train.run_folder.journal import Journal
from xray_models.train.run_folder.seeding import reseed
from xray_models.train.weight_averaging import RunningAverage

__all__ = ["fit", "learner_of", "log", "logits", "score", "train"]

log = logging.getLogger(__name__)

# a progress bar for people, a line per epoch for files
_VERBOSE = 1 if sys.stdout.isatty() else 2


def train(
    recipe: Recipe, data: Path, run: Path, resume: bool = False, fold: int | None = None
) -> Path:
    """Train a recipe, once or as a cross-validation.

    Args:
        recipe: what to train.
        data: the data folder.
        run: run folder; made if absent. A cross-validation makes one in it for each fold.
        resume: go on after the last finished epoch of an earlier call. Without it, what an earlier
            call left in the run folder is deleted, weights too.
        fold: of a cross-validation, the only one to train, from 1: the others may be trained at the
            same time by other processes or machines.

    Returns:
        Path of the weights to ship, or of those of that fold.

    Raises:
        DataSetError: the data folder is incomplete.
        ResumeError: what an earlier call left cannot be read.
        ValueError: the recipe's start is unknown, it has no such fold, there are too few films, or
            the training diverged.
        FileNotFoundError: the recipe starts from another run, which is missing.
    """
    if fold is not None and not 1 <= fold <= recipe.folds:
        many = f"folds 1 to {recipe.folds}" if recipe.folds else "no folds"
        raise ValueError(f"{recipe.model} has {many}, not a fold {fold}.")
    films = recipe.films(data)
    if not recipe.folds:
        return fit(recipe, films, run, resume)
    only = None if fold is None else f"fold-{fold}"
    parts = {
        name: part
        for name, part in cross_validation.runs(films, recipe.folds).items()
        if only in (None, name)
    }
    for name in parts if not resume else ():
        # all of them now: a later fold of an earlier training must not pass for one of this
        if (run / name).is_dir():
            Checkpoints(run / name).clear()
    for name, part in parts.items():
        log.info("%s, %s", recipe.model, name)
        fit(recipe, part, run / name, resume)
        keras.utils.clear_session()  # or the networks of all folds stay in memory
    return run / (only or cross_validation.SHIPPED) / BEST


def fit(recipe: Recipe, films: dict[str, list[Film]], run: Path, resume: bool = False) -> Path:
    """One training: the epoch with the best validation AUC is kept, without validation the last.

    Args:
        recipe: what to train.
        films: {"train", "validation" (optional)} -> films. Others are not looked at.
        run: run folder; made if absent.
        resume: go on after the last finished epoch of an earlier call; without it that is deleted.

    Returns:
        Path of the kept weights.

    Raises:
        ResumeError: what an earlier call left cannot be read.
        ValueError: there are too few films, or the training diverged.
    """
    count = recipe.films_per_epoch or len(films["train"])
    if count < recipe.batch:
        raise ValueError(
            f"{count} films do not fill a batch of {recipe.batch}. Add films, or take a smaller "
            "batch."
        )
    run.mkdir(parents=True, exist_ok=True)
    checkpoints = Checkpoints(run)
    if not resume:
        checkpoints.clear()
    state = checkpoints.state()
    journal = Journal(run, state.epoch)
    if state.epoch < recipe.epochs and not state.stopped:
        with hardware.prepared(recipe.architecture) as strategy:
            state = _fit(recipe, films, run, state, journal, strategy)
    best = {} if state.best is None else {"best_validation_auc": state.best}
    journal.end({"epochs": state.epoch, **best})
    return run / BEST


def _fit(
    recipe: Recipe,
    films: dict[str, list[Film]],
    run: Path,
    state: State,
    journal: Journal,
    strategy: tf.distribute.Strategy,
) -> State:
    keras.utils.set_random_seed(recipe.seed)
    for name, part in films.items():
        log.info("%s: %d films, %d groups", name, len(part), len({film.group for film in part}))
    validation = films.get("validation", [])
    images = pipeline.load(films["train"], recipe, "train", recipe.source_size)
    targets = pipeline.targets(films["train"], recipe)
    if validation:
        unseen = pipeline.load(validation, recipe, "validation")
        truth = pipeline.targets(validation, recipe)
    boxes = pipeline.lesions(films["train"], recipe)

    with strategy.scope():
        network, started_from = _network(recipe, run)
        if hardware.fused(strategy):
            fused.fuse(network)
        learner, cells = learner_of(network, recipe, targets)
    average = RunningAverage(recipe.averaging)
    checkpoints = Checkpoints(run)
    if state.epoch:
        checkpoints.load(learner, state.epoch)
        with readable(checkpoints.average(state.epoch)):
            average.load(checkpoints.average(state.epoch))
        log.info("resumed after epoch %d", state.epoch)
    machine = hardware.described(strategy)
    journal.begin(recipe.as_dict() | {"start": started_from, "machine": machine})
    journal.classes(*pipeline.balance(targets, recipe))

    while state.epoch < recipe.epochs and not state.stopped:
        began = time.monotonic()
        if recipe.plateau < 1:
            learner.optimizer.learning_rate = state.learning_rate or recipe.learning_rate
        reseed(network, recipe.seed, state.epoch)
        stream, count = pipeline.training(images, boxes, targets, recipe, state.epoch, cells)
        history = learner.fit(
            stream,
            initial_epoch=state.epoch,
            epochs=state.epoch + 1,
            steps_per_epoch=count,
            callbacks=[average],
            verbose=_VERBOSE,
        )
        epoch, loss = state.epoch + 1, history.history["loss"][0]
        if not math.isfinite(loss):
            raise ValueError(
                f"The loss of epoch {epoch} is {loss}: the training diverged. Take a lower "
                "learning rate, or look for films that show nothing."
            )
        line: dict[str, float] = {"epoch": epoch, "loss": loss}
        with average.in_place(learner):
            if validation:
                line |= _validate(network, unseen, truth, recipe)
            after = _next(state, line, recipe, float(learner.optimizer.learning_rate))
            if after.kept == epoch:
                with atomic_write(checkpoints.best(epoch)) as file:
                    network.save_weights(file)
        with atomic_write(checkpoints.last(epoch)) as file:
            learner.save_weights(file)
        average.save(checkpoints.average(epoch))
        line["seconds"] = time.monotonic() - began
        log.info(" ".join(f"{name} {value:.4g}" for name, value in line.items()))
        journal.epoch(line)
        checkpoints.commit(after)
        state = after
    return state


def _next(state: State, line: dict[str, float], recipe: Recipe, learning_rate: float) -> State:
    """The state after an epoch; an AUC that is not a number, of one class alone, is none."""
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


def _network(recipe: Recipe, run: Path) -> tuple[keras.Model, str]:
    network = networks.build(
        recipe.architecture,
        recipe.input_size,
        1 if recipe.two_class else len(recipe.labels),
        recipe.dropout,
    )
    started_from = pretrained.start(network, recipe.start, run)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # MobileNet's 0.999 is meant for millions of films: after a thousand steps its moving
            # averages would still be those of the start
            layer.momentum = min(layer.momentum, 0.99)
    _freeze(network, recipe.frozen_until)
    return network, started_from


_LOCAL_WEIGHT = 2.0
"""Weight of the loss of the local map, beside 1 for the film as a whole."""


def learner_of(
    network: keras.Model, recipe: Recipe, targets: np.ndarray
) -> tuple[keras.Model, tuple[int, int] | None]:
    """What is fitted: the network, with its local map as a second output if it has one.

    Args:
        network: of the recipe's architecture, with its start.
        recipe: loss, optimizer and schedule.
        targets: of the films that train, as `batches.targets` gives them.

    Returns:
        The compiled model, which shares the network's weights, and (rows, columns) of the map.
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
        return network, None
    cells = network.get_layer(local.LAYER).output
    learner = keras.Model(network.input, [network.output, cells])
    learner.compile(optimizer, [loss, losses.located], loss_weights=[1.0, _LOCAL_WEIGHT])
    return learner, tuple(cells.shape[1:3])


def _loss(recipe: Recipe, targets: np.ndarray) -> weighing.Loss:
    sigmoid = recipe.activation == "sigmoid"
    if recipe.class_weights:
        weights = weighing.weights(targets, recipe.activation)
        return weighing.sigmoid(weights) if sigmoid else weighing.softmax(weights)
    return losses.known if sigmoid else keras.losses.CategoricalCrossentropy(from_logits=True)


def _freeze(network: keras.Model, until: str | None) -> None:
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


def _validate(
    network: keras.Model, images: np.ndarray, targets: np.ndarray, recipe: Recipe
) -> dict[str, float]:
    raw = logits(network, images, recipe)
    if recipe.activation == "sigmoid":
        loss = float(losses.known(targets, raw.astype(np.float32)))
        return {"validation_auc": score(targets, expit(raw)), "validation_loss": loss}
    values = softmax(raw, axis=1)
    loss = float(-np.log(np.maximum((values * targets).sum(axis=1), 1e-12)).mean())
    accuracy = float((values.argmax(axis=1) == targets.argmax(axis=1)).mean())
    return {
        "validation_auc": score(targets, values),
        "validation_loss": loss,
        "validation_accuracy": accuracy,
    }


def score(targets: np.ndarray, probability: np.ndarray) -> float:
    """Mean over the labels of the AUC of one against the rest.

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

"""Training loop of every recipe: seeded, logged, and resumable after every epoch."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import tensorflow as tf
import keras

from xray_models.datasets import Film
from xray_models.train import epoch, fused, model
from xray_models.train.data import class_balance, cross_validation, training_films
from xray_models.train.recipe import Recipe
from xray_models.train.run_folder import hardware
from xray_models.train.run_folder.checkpoint import BEST, Checkpoints, save_weights
from xray_models.train.run_folder.run import RunFolder
from xray_models.train.weight_averaging import RunningAverage

__all__ = ["fit", "log", "train"]

log = logging.getLogger(__name__)


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
        for name, part in cross_validation.splits(films, recipe.folds).items()
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
    """Train once, and keep the epoch with the best validation AUC; without validation the last.

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
    folder = RunFolder(run, resume)
    if not folder.ended(recipe.epochs):
        with hardware.prepared(recipe.architecture) as strategy:
            _epochs(recipe, films, folder, strategy)
    best = folder.state.best
    folder.end({} if best is None else {"best_validation_auc": best})
    return run / BEST


def _epochs(
    recipe: Recipe,
    films: dict[str, list[Film]],
    run: RunFolder,
    strategy: tf.distribute.Strategy,
) -> None:
    keras.utils.set_random_seed(recipe.seed)
    loaded = training_films.load(films, recipe)
    with strategy.scope():
        network, started_from = model.build(recipe, run.path)
        if hardware.fused(strategy):
            fused.fuse(network)
        learner = model.learner_of(network, recipe, loaded.targets)
    average = RunningAverage(recipe.averaging)
    run.load(learner)
    if run.state.epoch:
        average.load(run.checkpoints.average(run.state.epoch))
    run.begin(recipe.as_dict() | {"start": started_from}, strategy)
    run.classes(*class_balance.counts(loaded.targets, recipe))

    while not run.ended(recipe.epochs):
        began, number = time.monotonic(), run.state.epoch + 1
        line: dict[str, float] = {"epoch": number}
        line["loss"] = epoch.steps(learner, network, loaded, recipe, run.state, average)
        with average.in_place(learner):
            if loaded.validation:
                line |= epoch.validate(network, *loaded.validation, recipe)
            rate = float(learner.optimizer.learning_rate)
            after = epoch.next_state(run.state, line, recipe, rate)
            if after.kept == number:
                save_weights(network, run.checkpoints.best(number))
        save_weights(learner, run.checkpoints.last(number))
        average.save(run.checkpoints.average(number))
        line["seconds"] = time.monotonic() - began
        log.info(" ".join(f"{name} {value:.4g}" for name, value in line.items()))
        run.finish(line, after)

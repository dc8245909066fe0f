"""Training loop of a segmentation: seeded, logged, and resumable after every epoch."""

from __future__ import annotations

import logging
import math
import sys
import time
from pathlib import Path

import tensorflow as tf
import keras
import numpy as np

from xray_models.datasets.lung_masks import EITHER, IGNORED, LEFT, RIGHT, LungFilm
from xray_models.networks import segmentation
from xray_models.train import fused, pretrained
from xray_models.train.run_folder import hardware
from xray_models.train.run_folder.checkpoint import BEST, State, save_weights
from xray_models.train.run_folder.run import RunFolder
from xray_models.train.segmentation import batches
from xray_models.train.segmentation.films import DecodedFilms, decode
from xray_models.train.segmentation.loss import lung_loss
from xray_models.train.segmentation.recipe import CLASSES, SegmentationRecipe, Stage
from xray_models.train.weight_averaging import RunningAverage

__all__ = ["called", "dice", "fit", "log"]

log = logging.getLogger(__name__)

_VERBOSE = 1 if sys.stdout.isatty() else 2
_MOMENTUM = 0.9  # of batch normalization: a short training must not measure by its first steps
_AT_ONCE = 16  # films of a forward pass


def fit(recipe: SegmentationRecipe, data: Path, run: Path, resume: bool = False) -> Path:
    """Train once, and keep the epoch with the best validation Dice, the mean of all sources.

    Args:
        recipe: what to train.
        data: the data folder.
        run: run folder; made if absent.
        resume: go on after the last finished epoch of an earlier call; without it that is deleted.

    Returns:
        Path of the kept weights.

    Raises:
        DataSetError: the data folder is incomplete.
        ResumeError: what an earlier call left cannot be read.
        ValueError: the recipe's start is unknown, or the training diverged.
    """
    films = recipe.films(data)
    folder = RunFolder(run, resume)
    if not folder.ended(recipe.epochs):
        with hardware.prepared(recipe.architecture) as strategy:
            _epochs(recipe, films, folder, strategy)
    best = folder.state.best
    folder.end({} if best is None else {"best_validation_dice": best})
    return run / BEST


def _epochs(
    recipe: SegmentationRecipe,
    films: dict[str, list[LungFilm]],
    run: RunFolder,
    strategy: tf.distribute.Strategy,
) -> None:
    keras.utils.set_random_seed(recipe.seed)
    for name, part in films.items():
        log.info("%s: %d films, %d groups", name, len(part), len({one.film.group for one in part}))
    loaded = decode(films["train"], recipe.source_size, recipe.geometry, "train")
    unseen = decode(
        _first(films["validation"], recipe.validated),
        recipe.input_size[0],
        recipe.geometry,
        "validation",
    )
    # networks of fixed sizes: upsampling needs to know them
    reader = segmentation.build(recipe.architecture, recipe.input_size, len(CLASSES))
    average = RunningAverage(recipe.averaging)
    if run.state.epoch:
        average.load(run.checkpoints.average(run.state.epoch))
    network, stage = None, None

    while not run.ended(recipe.epochs):
        began, state = time.monotonic(), run.state
        number = state.epoch + 1
        if stage != recipe.stage(state.epoch):
            stage = recipe.stage(state.epoch)
            network, started_from = _learner(recipe, stage, run, strategy)
            run.begin(recipe.as_dict() | {"start": started_from}, strategy)
        assert network is not None, "there is a stage"
        stream, count = batches.batches(loaded, recipe, state.epoch)
        history = network.fit(
            stream,
            initial_epoch=state.epoch,
            epochs=number,
            steps_per_epoch=count,
            callbacks=[average],
            verbose=_VERBOSE,
        )
        line: dict[str, float] = {"epoch": number, "loss": float(history.history["loss"][0])}
        if not math.isfinite(line["loss"]):
            raise ValueError(
                f"The loss of epoch {number} is {line['loss']}: the training diverged. Take a "
                "lower learning rate."
            )
        with average.in_place(network):
            reader.set_weights(network.get_weights())
        line |= _validated(reader, unseen, recipe)
        found = line["validation_dice"]
        better = state.best is None or found > state.best
        if better:
            save_weights(reader, run.checkpoints.best(number))
        save_weights(network, run.checkpoints.last(number))
        average.save(run.checkpoints.average(number))
        line["seconds"] = time.monotonic() - began
        log.info(" ".join(f"{name} {value:.4g}" for name, value in line.items()))
        best, kept = (found, number) if better else (state.best, state.kept)
        run.finish(line, State(epoch=number, best=best, kept=kept))


def _learner(
    recipe: SegmentationRecipe, stage: Stage, run: RunFolder, strategy: tf.distribute.Strategy
) -> tuple[keras.Model, str]:
    """Compiled network for films of a stage's size, with what earlier stages taught it."""
    with strategy.scope():
        size = (stage.size, stage.size)
        network = segmentation.build(recipe.architecture, size, len(CLASSES))
        started_from = pretrained.start(network, recipe.start, run.path)
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = _MOMENTUM
        if hardware.fused(strategy):
            fused.fuse(network)
        network.compile(_optimizer(recipe), lung_loss)
    run.load(network)
    return network, started_from


def _optimizer(recipe: SegmentationRecipe) -> keras.optimizers.Optimizer:
    warm = recipe.steps // 20
    schedule = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 10,
        decay_steps=recipe.steps - warm,
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=warm,
    )
    return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, clipnorm=1.0)


def _first(films: list[LungFilm], most: int) -> list[LungFilm]:
    """At most so many films of each source, the same ones every time and from all over it."""
    found: list[LungFilm] = []
    for source in sorted({one.film.facts["source"] for one in films}):
        of_it = [one for one in films if one.film.facts["source"] == source]
        found += of_it[:: -(-len(of_it) // most)]
    return found


def _validated(
    network: keras.Model, films: DecodedFilms, recipe: SegmentationRecipe
) -> dict[str, float]:
    """Mean Dice of the films of each source, and the mean of these."""
    scores = dice(called(network, films.images, recipe) > 0, films.kinds)
    means = {
        f"validation_dice_{source}": float(scores[films.sources == source].mean())
        for source in np.unique(films.sources).tolist()
    }
    return means | {"validation_dice": float(np.mean(list(means.values())))}


def called(network: keras.Model, images: np.ndarray, recipe: SegmentationRecipe) -> np.ndarray:
    """The likeliest class of each pixel of uint8 images: uint8, index into `CLASSES`."""
    parts = [
        network.predict_on_batch(batches.inputs(images[first : first + _AT_ONCE], recipe)).argmax(
            axis=-1
        )
        for first in range(0, len(images), _AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.uint8)


def dice(lungs: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Dice coefficient of both lungs together, for each film: 2 |A and B| / (|A| + |B|).

    Args:
        lungs: bool, (films, height, width): what was called lung.
        kinds: uint8, same shape, as `LungFilm.kinds`; what is to be ignored counts nowhere.

    Returns:
        float64 in 0..1, (films,); 1 where neither holds any lung.
    """
    counted = kinds != IGNORED
    truth = np.isin(kinds, (RIGHT, LEFT, EITHER))
    found = lungs & counted
    both = (found & truth).sum(axis=(1, 2))
    each = found.sum(axis=(1, 2)) + truth.sum(axis=(1, 2))
    return np.where(each, 2 * both / np.maximum(each, 1), 1.0)

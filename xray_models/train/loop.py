"""One training loop for every recipe: seeded, logged, and resumable after every epoch."""

from __future__ import annotations

import csv
import json
import logging
import sys
import time
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
from scipy.special import expit, softmax
from sklearn.metrics import roc_auc_score

from xray_models import networks
from xray_models.train import batches, pretrained
from xray_models.train.recipe import Recipe

log = logging.getLogger(__name__)

# a progress bar for people, a line per epoch for files
_VERBOSE = 1 if sys.stdout.isatty() else 2


def train(recipe: Recipe, data: Path, run: Path, resume: bool = False) -> Path:
    """Train a recipe and leave the best epoch's weights and its predictions in `run`.

    The epoch is chosen by validation AUC; test films are predicted once, at the end.

    Args:
        recipe: what to train.
        data: the data folder.
        run: run folder; made if absent.
        resume: go on after the last finished epoch of an earlier call.

    Returns:
        Path of the chosen weights (`best.weights.h5` in `run`).

    Raises:
        DataSetError: the data folder is incomplete.
    """
    run.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(recipe.seed)
    films = recipe.films(data)
    for name, part in films.items():
        log.info("%s: %d films, %d groups", name, len(part), len({film.group for film in part}))
    images = {
        "train": batches.load(films["train"], recipe, "train", recipe.source_size),
        "validation": batches.load(films["validation"], recipe, "validation"),
    }
    truth = {name: np.array([film.truth for film in part]) for name, part in films.items()}

    network = networks.build(
        recipe.architecture,
        recipe.input_size,
        1 if recipe.two_class else len(recipe.labels),
        recipe.dropout,
    )
    started_from = pretrained.start(network, recipe.start)
    _freeze(network, recipe.frozen_until)
    steps = (recipe.films_per_epoch or len(truth["train"])) // recipe.batch
    schedule = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 10,
        decay_steps=steps * recipe.epochs - steps // 2,
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=steps // 2,
    )
    network.compile(
        keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, clipnorm=1.0),
        keras.losses.BinaryCrossentropy(from_logits=True)
        if recipe.two_class
        else keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    config = {k: v for k, v in asdict(recipe).items() if k != "films"} | {"start": started_from}
    (run / "config.json").write_text(json.dumps(config, indent=2) + "\n")

    state = {"epoch": 0, "best": -1.0}
    if resume and (run / "state.json").is_file():
        state = json.loads((run / "state.json").read_text())
        network.optimizer.build(network.trainable_variables)
        network.load_weights(run / "last.weights.h5")
        log.info("resumed after epoch %d", state["epoch"])
    for epoch in range(int(state["epoch"]), recipe.epochs):
        began = time.monotonic()
        marks = batches.lesions(films["train"], recipe, epoch)
        stream, count = batches.training(images["train"], marks, truth["train"], recipe, epoch)
        history = network.fit(
            stream, initial_epoch=epoch, epochs=epoch + 1, steps_per_epoch=count, verbose=_VERBOSE
        )
        scores = probabilities(network, images["validation"], recipe)
        auc = score(truth["validation"], scores)
        line = {
            "epoch": epoch + 1,
            "loss": history.history["loss"][0],
            "validation_auc": auc,
            "seconds": time.monotonic() - began,
        }
        log.info(" ".join(f"{name} {value:.4g}" for name, value in line.items()))
        _append(run / "history.csv", line, first=epoch == 0)
        if auc > state["best"]:
            network.save_weights(run / "best.weights.h5")
        state = {"epoch": epoch + 1, "best": max(auc, state["best"])}
        network.save_weights(run / "last.weights.h5")
        (run / "state.json").write_text(json.dumps(state))
    return run / "best.weights.h5"


def _freeze(network: keras.Model, until: str | None) -> None:
    if until is None:
        return
    for layer in network.layers:
        layer.trainable = False
        if layer.name == until:
            return
    raise ValueError(f"{network.name} has no layer {until!r} to freeze up to.")


def _append(path: Path, line: dict[str, float], first: bool) -> None:
    with path.open("w" if first else "a", newline="") as file:
        writer = csv.DictWriter(file, list(line))
        if first:
            writer.writeheader()
        writer.writerow(line)


def logits(network: keras.Model, images: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Raw logits of uint8 images, float64 of shape (films, logits)."""
    parts = [
        network.predict_on_batch(batches.inputs(images[first : first + 32], recipe))
        for first in range(0, len(images), 32)
    ]
    return np.concatenate(parts).astype(np.float64)


def probabilities(network: keras.Model, images: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Uncalibrated probabilities, (films, 1) for two classes, (films, labels) otherwise."""
    raw = logits(network, images, recipe)
    return expit(raw) if recipe.two_class else softmax(raw, axis=1)


def score(truth: np.ndarray, probability: np.ndarray) -> float:
    """AUC, for several classes the mean over classes of one against the rest."""
    if probability.shape[1] == 1:
        return float(roc_auc_score(truth, probability[:, 0]))
    return float(roc_auc_score(truth, probability, multi_class="ovr", average="macro"))

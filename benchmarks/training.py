"""Speed of training: what the input pipeline costs, and what fused operations gain.

    python -m benchmarks.training [--quick] [--json] [--architecture efficientnetb0]
    python -m benchmarks.training --recipe bone-regions

Step rate of one network on batches that come through the real pipeline (drawn, augmented, scaled),
over its rate on one synthetic batch that is there already; and that over the rate of the same
network with Keras's own batch normalization and swish. Measured in turns in one run; medians.

With a recipe, its network, sizes, batches, loss and augmentation on drawn films: with borrowed gray
levels, boxes and the targets of a local map where it has them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import tensorflow as tf
import keras
import numpy as np

from xray_models import networks
from xray_models.train import fused, model
from xray_models.train.data import pipeline
from xray_models.train.recipe import Augmentation, Recipe
from xray_models.train.recipes.registry import RECIPES, named

_FILMS = 200


def _plain(architecture: str) -> Recipe:
    def none(_: Path) -> dict[str, list]:
        return {}

    return Recipe(
        model="benchmark",
        films=none,
        labels=("finding",),
        two_class=True,
        architecture=architecture,
        input_size=(224, 224),
        geometry="fit",
        scaling="imagenet",
        start=None,
        batch=16,
        source_size=(288, 288),
        augmentation=Augmentation(sharpness=0.7, aspect=0.1),
    )


def _drawn(recipe: Recipe) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Films of noise with a bright box where the first label is present: images, boxes, targets."""
    random = np.random.default_rng(0)
    height, width = recipe.source_size or recipe.input_size
    images = random.integers(0, 200, (_FILMS, height, width), np.uint8)
    if recipe.activation == "softmax":
        truth = random.integers(0, len(recipe.labels), _FILMS)
        targets = np.eye(len(recipe.labels), dtype=np.float32)[truth]
    else:
        targets = random.integers(0, 2, (_FILMS, len(recipe.labels))).astype(np.float32)
    boxes = []
    for image, target in zip(images, targets, strict=True):
        x, y = random.uniform(0, 0.8, 2)
        box = np.array([[x, y, x + 0.2, y + 0.2]], np.float32)
        if target[0] > 0.5:
            left, top, right, bottom = (box[0] * (width, height, width, height)).astype(int)
            image[top:bottom, left:right] += 50
        boxes.append(box[: int(target[0] > 0.5)])
    return images, boxes, targets


def _seconds(network: keras.Model, stream: tf.data.Dataset, steps: int) -> float:
    began = time.perf_counter()
    network.fit(stream, steps_per_epoch=steps, verbose=0)
    return (time.perf_counter() - began) / steps


def measure(recipe: Recipe, steps: int, rounds: int) -> list[dict[str, float | str]]:
    """Ratios of median seconds a step."""
    recipe = replace(recipe, films_per_epoch=recipe.batch * steps)
    images, boxes, targets = _drawn(recipe)
    learners = []
    for quick in (True, False):
        network = networks.build(
            recipe.architecture, recipe.input_size, targets.shape[1], recipe.dropout
        )
        if quick:
            fused.fuse(network)
        learners.append(model.learner_of(network, recipe, targets))
    network, kerass = learners
    cells = model.cells(network)
    stream, _ = pipeline.batches(images, boxes, targets, recipe, 0, cells)
    ready = stream.take(1).cache().repeat()
    for one in learners:
        _seconds(one, ready, 2)  # traces the step
    full, synthetic, unfused = [], [], []
    for turn in range(rounds):
        stream, _ = pipeline.batches(images, boxes, targets, recipe, turn, cells)
        full.append(_seconds(network, stream, steps))
        synthetic.append(_seconds(network, ready, steps))
        unfused.append(_seconds(kerass, ready, steps))
    real, bare, plain = (statistics.median(times) for times in (full, synthetic, unfused))
    return [
        {
            "name": "pipeline_over_synthetic_step_rate",
            "architecture": recipe.architecture,
            "recipe": recipe.model,
            "ratio": bare / real,
            "milliseconds_a_film": 1000 * real / recipe.batch,
        },
        {
            "name": "fused_over_keras_step_rate",
            "architecture": recipe.architecture,
            "recipe": recipe.model,
            "ratio": plain / bare,
            "milliseconds_a_film": 1000 * bare / recipe.batch,
        },
    ]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--architecture", default="efficientnetb0", choices=networks.ARCHITECTURES)
    # vgg16-codes trains on stored codes, not on films
    trained = sorted(set(RECIPES) - {"chest-nodule"})
    which.add_argument("--recipe", choices=trained, help="with its own network and augmentation")
    parser.add_argument("--quick", action="store_true", help="fewer steps and rounds")
    parser.add_argument("--json", action="store_true", help="one object a line")
    asked = parser.parse_args()
    steps, rounds = (6, 3) if asked.quick else (20, 7)
    recipe = named(asked.recipe) if asked.recipe else _plain(asked.architecture)
    feeding, fusing = measure(recipe, steps, rounds)
    if asked.json:
        print(json.dumps(feeding), json.dumps(fusing), sep="\n")
    else:
        print(
            f"{recipe.model}, {recipe.architecture}: {feeding['ratio']:.3f} of the step rate on "
            "synthetic tensors, "
            f"{feeding['milliseconds_a_film']:.0f} ms a film; these steps are "
            f"{fusing['ratio']:.2f} times as fast as with Keras's own operations"
        )


if __name__ == "__main__":
    main()

"""Does the input pipeline keep the training step busy, and what are fused operations worth?

    python -m benchmarks.training [--quick] [--json] [--architecture efficientnetb0]

Step rate of one network on batches that come through the real pipeline (drawn, augmented, scaled),
over its rate on one synthetic batch that is there already; and that over the rate of the same
network with Keras's own batch normalization and swish. Measured in turns in one run; medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import tensorflow as tf
import keras
import numpy as np

from xray_models import networks
from xray_models.train import batches, fused, losses
from xray_models.train.recipe import Augmentation, Recipe

_SIZE = 224


def _recipe(architecture: str, steps: int) -> Recipe:
    def none(_: Path) -> dict[str, list]:
        return {}

    return Recipe(
        model="benchmark",
        films=none,
        labels=("finding",),
        two_class=True,
        architecture=architecture,
        input_size=(_SIZE, _SIZE),
        geometry="fit",
        scaling="imagenet",
        start=None,
        batch=16,
        films_per_epoch=16 * steps,
        source_size=(288, 288),
        augmentation=Augmentation(sharpness=0.7, aspect=0.1),
    )


def _seconds(network: keras.Model, stream: tf.data.Dataset, steps: int) -> float:
    began = time.perf_counter()
    network.fit(stream, steps_per_epoch=steps, verbose=0)
    return (time.perf_counter() - began) / steps


def measure(architecture: str, steps: int, rounds: int) -> list[dict[str, float | str]]:
    """Ratios of median seconds a step."""
    recipe = _recipe(architecture, steps)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (200, 288, 288), np.uint8)
    unmarked = [np.zeros((0, 4), np.float32)] * len(images)
    targets = random.integers(0, 2, (200, 1)).astype(np.float32)
    network, kerass = (networks.build(architecture, (_SIZE, _SIZE), 1) for _ in range(2))
    fused.fuse(network)
    for one in (network, kerass):
        one.compile(keras.optimizers.AdamW(1e-4), losses.known)
    ready = tf.data.Dataset.from_tensors(
        (
            tf.constant(random.normal(size=(recipe.batch, _SIZE, _SIZE, 3)).astype(np.float32)),
            tf.constant(targets[: recipe.batch]),
        )
    ).repeat()
    for one in (network, kerass):
        _seconds(one, ready, 2)  # traces the step
    pipeline, synthetic, unfused = [], [], []
    for turn in range(rounds):
        stream, _ = batches.training(images, unmarked, targets, recipe, turn)
        pipeline.append(_seconds(network, stream, steps))
        synthetic.append(_seconds(network, ready, steps))
        unfused.append(_seconds(kerass, ready, steps))
    real, bare, plain = (statistics.median(times) for times in (pipeline, synthetic, unfused))
    return [
        {
            "name": "pipeline_over_synthetic_step_rate",
            "architecture": architecture,
            "ratio": bare / real,
            "milliseconds_a_film": 1000 * real / recipe.batch,
        },
        {
            "name": "fused_over_keras_step_rate",
            "architecture": architecture,
            "ratio": plain / bare,
            "milliseconds_a_film": 1000 * bare / recipe.batch,
        },
    ]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", default="efficientnetb0")
    parser.add_argument("--quick", action="store_true", help="fewer steps and rounds")
    parser.add_argument("--json", action="store_true", help="one object a line")
    asked = parser.parse_args()
    steps, rounds = (6, 3) if asked.quick else (20, 7)
    pipeline, fusing = measure(asked.architecture, steps, rounds)
    if asked.json:
        print(json.dumps(pipeline), json.dumps(fusing), sep="\n")
    else:
        print(
            f"{asked.architecture}: {pipeline['ratio']:.3f} of the step rate on synthetic tensors, "
            f"{pipeline['milliseconds_a_film']:.0f} ms a film; these steps are "
            f"{fusing['ratio']:.2f} times as fast as with Keras's own operations"
        )


if __name__ == "__main__":
    main()

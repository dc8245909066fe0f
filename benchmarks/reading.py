"""What a reading costs, and against what: median milliseconds, side by side in one run.

    python -m benchmarks.reading [--quick] [--json]

- reading: classify.read of a real chest DICOM, models warm, nothing cached of the film.
- heatmaps: all findings of a model from the pass already made, against the keras.io recipe (one
  forward and one backward pass per label through a gradient tape on the same network and input),
  and against the forward pass alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
import keras
import numpy as np
from pydicom.data import get_testdata_file

import classify
from xray_models import catalogue, explain, networks, predicting, radiograph, weights
from xray_models.explain import targets
from xray_models.explain.heatmap import Heatmap
from xray_models.preparing import resize, scale


def milliseconds(repeats: int, **functions: Callable[[], object]) -> dict[str, float]:
    """Median time of each function, called in turn so that a drifting machine is fair to all."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats + 1):
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            times[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def keras_recipe(network: keras.Model, image: np.ndarray, labels: int) -> list[np.ndarray]:
    """Grad-CAM as keras.io teaches it: a tape, a forward and a backward pass per label."""
    layer = network.get_layer(networks.last_activation(network))
    both = keras.Model(network.input, [layer.output, network.output])
    heats = []
    for label in range(labels):
        with tf.GradientTape() as tape:
            activation, logits = both(image, training=False)
            score = logits[:, label]
        gradient = tape.gradient(score, activation)
        pooled = tf.reduce_mean(gradient, axis=(0, 1, 2))
        heat = tf.maximum(tf.squeeze(activation[0] @ pooled[..., tf.newaxis]), 0)
        heats.append((heat / (tf.reduce_max(heat) + 1e-9)).numpy())
    return heats


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    repeats = 5 if options.quick else 21

    path = Path(str(get_testdata_file("RG1_UNCI.dcm", download=False)))
    content = path.read_bytes()
    classify.warm()
    rows = [
        {"name": f"{stage}_ms", "milliseconds": value}
        for stage, value in milliseconds(
            repeats,
            decode=lambda: radiograph.read(content),
            reading=lambda: classify.read(content),
        ).items()
    ]

    for card in catalogue.catalogue().values():
        film = radiograph.read(content)
        predicting.forward(card, film)
        network = weights.network(card)
        image = scale(resize(film.pixels, card.input_size, card.geometry)[0], card.scaling)[None]
        runner = predicting.traced(card).forward
        every = [targets.logit(card.labels, label) for label in card.labels]

        def ours(
            card: catalogue.Card = card, film: radiograph.Radiograph = film, every: list = every
        ) -> list[Heatmap]:
            return explain.heats(card, film, every)

        def recipe(network: keras.Model = network, image: np.ndarray = image) -> list[np.ndarray]:
            return keras_recipe(network, image, network.output_shape[-1])

        def forward(runner: Callable = runner, image: np.ndarray = image) -> object:
            return runner(image)

        for mine, theirs in zip(ours(), recipe(), strict=True):
            # half-size numbers change a map a little
            tolerance = 1e-3 if predicting.arithmetic(card) == "float32" else 0.05
            if not np.allclose(mine.values, theirs, atol=tolerance):
                raise SystemExit(f"{card.id}: our map differs from the recipe's")
        found = milliseconds(repeats, forward=forward, ours=ours, recipe=recipe)
        rows += [
            {"name": f"{card.id}_forward_ms", "milliseconds": found["forward"]},
            {
                "name": f"{card.id}_maps_ms",
                "milliseconds": found["ours"],
                "maps": len(every),
            },
            {
                "name": f"{card.id}_recipe_over_forward_and_maps",
                "ratio": found["recipe"] / (found["forward"] + found["ours"]),
            },
            {
                "name": f"{card.id}_forward_and_maps_over_forward",
                "ratio": (found["forward"] + found["ours"]) / found["forward"],
            },
        ]
    for row in rows:
        print(json.dumps(row) if options.json else _words(row))


def _words(row: dict[str, object]) -> str:
    value = row.get("ratio", row.get("milliseconds"))
    unit = "x" if "ratio" in row else "ms"
    return f"{row['name']!s:<46}{value:10.2f} {unit}"


if __name__ == "__main__":
    main()

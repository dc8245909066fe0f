"""Comparison of architectures for one recipe: accuracy on validation films, size, speed.

    python -m benchmarks.architectures RUN... [--json]

Each RUN is the folder of a finished training (runs/MODEL). Accuracy and AUC are of the epoch whose
weights the run kept, on its validation films. Speed is one pass over one film, in float32, medians
of 21, the networks taking turns in one run.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import tensorflow as tf
import numpy as np

from benchmarks.turns import medians
from xray_models import networks


@dataclass(frozen=True)
class Row:
    """Figures of a network: accuracy of all classes, size in MB as RadLens stores weights."""

    architecture: str
    start: str
    pixels: int
    accuracy: float
    auc: float
    parameters: int
    megabytes: float
    film_ms: float
    epoch_seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished trainings")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    configs = [json.loads((run / "config.json").read_text()) for run in options.runs]
    built = [
        networks.build(one["architecture"], tuple(one["input_size"]), len(one["labels"]))
        for one in configs
    ]
    passes = {}
    for index, network in enumerate(built):
        film = tf.constant(np.random.default_rng(0).random((1, *network.input_shape[1:]), "f4"))
        once = tf.function(partial(network, training=False))
        passes[str(index)] = lambda once=once, film=film: once(film).numpy()
    speed = medians(21, passes)
    for index, (run, config, network) in enumerate(zip(options.runs, configs, built, strict=True)):
        with (run / "history.csv").open(newline="") as file:
            epochs = [
                {name: float(value) for name, value in row.items()} for row in csv.DictReader(file)
            ]
        kept = epochs[-1]
        if not config.get("keep_last"):
            kept = max(epochs, key=lambda one: one["validation_auc"])
        kernels = sum(np.prod(weight.shape) for weight in network.weights if len(weight.shape) > 1)
        vectors = network.count_params() - kernels
        row = Row(
            config["architecture"],
            config["start"],
            config["input_size"][0],
            kept.get("validation_accuracy", float("nan")),
            kept["validation_auc"],
            network.count_params(),
            float(2 * kernels + 4 * vectors) / 1e6,
            speed[str(index)],
            sorted(one["seconds"] for one in epochs)[len(epochs) // 2],
        )
        print(json.dumps(asdict(row)) if options.json else words(row))


def words(row: Row) -> str:
    """Line of a Markdown table."""
    return (
        f"| {row.architecture} | {row.start} | {row.pixels} px | {row.accuracy:.3f} | "
        f"{row.auc:.3f} | {row.parameters / 1e6:.1f} M | {row.megabytes:.1f} MB | "
        f"{row.film_ms:.1f} ms | {row.epoch_seconds:.0f} s |"
    )


if __name__ == "__main__":
    main()

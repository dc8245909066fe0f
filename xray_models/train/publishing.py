"""From a finished run to the catalogue: weights, calibration, thresholds, held-out table, card.

Everything is chosen on validation films. The stored probabilities come from the half-precision
weights that ship, not from the ones that were trained.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import log_expit, log_softmax

from xray_models import catalogue, networks, weights
from xray_models.catalogue import Calibration, Card, assets, read_card
from xray_models.datasets import Film
from xray_models.evaluate import figures, thresholds
from xray_models.evaluate.table import load as load_table
from xray_models.predicting import calibrated
from xray_models.train import batches, loop
from xray_models.train.recipe import Recipe


def publish(recipe: Recipe, data: Path, run: Path) -> Card:
    """Write a run's weights, held-out table and measured card fields under assets/.

    The words of the card (name, limits, use...) are kept from assets/models/MODEL.json, which must
    exist.

    Args:
        recipe: what was trained.
        data: the data folder, as in training.
        run: the run folder with best.weights.h5.

    Returns:
        The updated card.

    Raises:
        DataSetError: the data folder is incomplete.
        CatalogueError: the resulting card is not valid.
        OSError: the run or the card is missing.
    """
    card_path = assets() / "models" / f"{recipe.model}.json"
    raw = json.loads(card_path.read_text(encoding="utf-8"))
    films = recipe.films(data)

    network = networks.build(
        recipe.architecture, recipe.input_size, 1 if recipe.two_class else len(recipe.labels)
    )
    network.load_weights(run / "best.weights.h5", skip_mismatch=False)
    file = assets() / "weights" / f"{recipe.model}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    weights.save(network, file)
    weights.fill(network, file.read_bytes(), file.name)

    held_out = films["validation"] + films["test"]
    split = np.repeat(["validation", "test"], [len(films["validation"]), len(films["test"])])
    logits = loop.logits(network, batches.load(held_out, recipe, "held-out films"), recipe)
    truth = np.array([film.truth for film in held_out])
    chosen_on = split == "validation"
    calibration = _calibrate(logits[chosen_on], truth[chosen_on], recipe.two_class)
    activation = "sigmoid" if recipe.two_class else "softmax"
    table = _table(held_out, split, recipe, calibrated(logits, calibration, activation))
    table_path = assets() / "held_out" / f"{recipe.model}.csv"
    table_path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(table_path, index=False, float_format="%.5f", lineterminator="\n")

    config = json.loads((run / "config.json").read_text())
    raw |= {
        "id": recipe.model,
        "architecture": recipe.architecture,
        "input_size": list(recipe.input_size),
        "geometry": recipe.geometry,
        "scaling": recipe.scaling,
        "activation": activation,
        "labels": list(recipe.labels),
        "calibration": asdict(calibration),
        "weights": raw["weights"]
        | {
            "file": file.name,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "bytes": file.stat().st_size,
            "precision": "float16 kernels, float32 vectors",
        },
        "training": raw["training"]
        | {
            "films": len(films["train"]),
            "groups": len({film.group for film in films["train"]}),
            "start": config["start"],
        },
    }
    validation = load_table(table_path, recipe.labels).query("split == 'validation'")
    raw["thresholds"] = thresholds.choose(
        validation, recipe.labels, raw.get("combined", {}), raw["task"]
    )
    raw["held_out"] = {
        "table": table_path.name,
        "films": len(films["test"]),
        "groups": len({film.group for film in films["test"]}),
        "figures": {},
    }
    _write(card_path, raw)
    measured = figures.figures(read_card(card_path))
    raw["held_out"]["figures"] = {name: asdict(figure) for name, figure in measured.items()}
    _write(card_path, raw)
    catalogue.refresh()
    return read_card(card_path)


def _write(path: Path, raw: dict[str, object]) -> None:
    path.write_text(json.dumps(raw, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _calibrate(logits: np.ndarray, truth: np.ndarray, two_class: bool) -> Calibration:
    """Temperature and biases that minimize the negative log-likelihood on validation films.

    Undoes both overconfidence and the class balance of training (Platt 1999, Guo et al. 2017).
    """

    def loss(parameters: np.ndarray) -> float:
        adjusted = logits / np.exp(parameters[0]) + parameters[1:]
        if two_class:
            sign = np.where(truth == 1, 1.0, -1.0)
            likelihood = log_expit(sign * adjusted[:, 0])
        else:
            likelihood = log_softmax(adjusted, axis=1)[np.arange(len(truth)), truth]
        # a weak pull to zero keeps the biases of rare classes sane
        return float(-likelihood.mean() + 1e-3 * np.square(parameters).sum())

    best = minimize(loss, np.zeros(1 + logits.shape[1]), method="L-BFGS-B").x
    return Calibration(
        temperature=round(float(np.exp(best[0])), 5),
        bias=tuple(round(float(value), 5) for value in best[1:]),
    )


def _table(
    films: list[Film], split: np.ndarray, recipe: Recipe, probability: np.ndarray
) -> pd.DataFrame:
    if recipe.two_class:
        truth = [recipe.labels[0] if film.truth else "none" for film in films]
    else:
        truth = [recipe.labels[film.truth] for film in films]
    columns: dict[str, object] = {
        "image": [film.image for film in films],
        "group": [film.group for film in films],
        "split": split,
        "truth": truth,
    }
    columns |= {f"p:{label}": probability[:, k] for k, label in enumerate(recipe.labels)}
    names = sorted({name for film in films for name in film.facts})
    columns |= {name: [film.facts.get(name, "") for film in films] for name in names}
    return pd.DataFrame(columns)

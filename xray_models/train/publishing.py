"""Publishing of a run: weights, calibration, thresholds, held-out table and card.

Everything is chosen on validation films; of a cross-validation, on the other folds. The stored
probabilities come from half-precision weights, as they ship, not from the ones that were trained.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import log_expit, log_softmax
from tqdm import tqdm

from xray_models import catalogue, networks
from xray_models.catalogue import (
    Alternative,
    Calibration,
    Card,
    External,
    Figure,
    assets,
    read_card,
)
from xray_models.datasets import Film
from xray_models.evaluate import (
    alternatives,
    card_figures,
    card_thresholds,
    comparable,
    conformal,
)
from xray_models.evaluate.predictions.held_out_table import JOINT, NONE, crops
from xray_models.evaluate.predictions.held_out_table import load as load_table
from xray_models.inference import predict, weights
from xray_models.inference.predict import calibrated
from xray_models.radiograph import Radiograph
from xray_models.train import rivals
from xray_models.train.data import cross_validation, pipeline
from xray_models.train.model import logits
from xray_models.train.recipe import ExternalCheck, Recipe
from xray_models.train.run_folder.atomic_write import atomic_write
from xray_models.train.run_folder.checkpoint import BEST

__all__ = ["publish", "publish_alternative"]


@dataclass(frozen=True, eq=False)
class _HeldOut:
    """Films that the network behind their logits never saw."""

    films: list[Film]
    split: np.ndarray
    logits: np.ndarray

    @property
    def out_of_fold(self) -> bool:
        return bool(np.char.startswith(self.split.astype(str), "fold").all())


def publish(recipe: Recipe, data: Path, run: Path) -> Card:
    """Write a run's weights, held-out table and measured card fields under assets/.

    The words of the card (name, limits, use...) are kept from assets/models/MODEL.json, which must
    exist.

    Args:
        recipe: what was trained.
        data: the data folder, as in training.
        run: the run folder, as in training.

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

    shipped = _shipped(recipe, run)
    file = assets() / "weights" / f"{recipe.model}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    network = _half_precision(recipe, shipped, file)
    held_out = _held_out(recipe, films, run, network)
    part = (
        cross_validation.splits(films, recipe.folds)[cross_validation.SHIPPED]
        if recipe.folds
        else films
    )
    trained_on = part["train"]

    calibration, probability = _calibrated(held_out, recipe)
    table = _table(held_out, recipe, probability)
    if recipe.rival:
        table[recipe.rival] = rivals.probabilities(recipe.rival, held_out.films)
    table_path = _store(table, assets() / "held_out" / f"{recipe.model}.csv")

    config = json.loads((shipped / "config.json").read_text())
    judged_on = held_out.split != "validation"
    groups = np.array([film.group for film in held_out.films])
    raw |= {
        "id": recipe.model,
        "architecture": recipe.architecture,
        "input_size": list(recipe.input_size),
        "geometry": recipe.geometry,
        "scaling": recipe.scaling,
        "activation": recipe.activation,
        "labels": list(recipe.labels),
        "calibration": asdict(calibration),
        "weights": raw["weights"] | weights.described(file),
        "training": raw["training"]
        | {
            "films": len(trained_on),
            "groups": len({film.group for film in trained_on}),
            "start": config["start"],
        },
        "held_out": {
            "table": table_path.name,
            "films": int(judged_on.sum()),
            "groups": len(set(groups[judged_on])),
            "crops": crops(table[judged_on]),
            "shipped_fold": cross_validation.SHIPPED.replace("-", " ") if recipe.folds else "",
            "figures": {},
        },
    }
    stored = load_table(table_path, recipe.labels, recipe.multi_label)
    raw["thresholds"] = card_thresholds.choose(
        stored if held_out.out_of_fold else stored.query("split == 'validation'"),
        recipe.labels,
        raw.get("combined", {}),
        raw["task"],
        recipe.rule,
        multi_label=recipe.multi_label,
    )
    if recipe.rival:
        raw["rival"] = asdict(comparable.compare(recipe.rival, stored, recipe.labels[0]))
    raw["external"] = []
    raw["bands"] = {}  # of other weights; a threshold may lie outside
    for measured_of_other_weights in ("alternatives", "explanation", "bfloat16"):
        raw.pop(measured_of_other_weights, None)
    _write(card_path, raw)
    raw["external"] = [
        asdict(_external(one, read_card(card_path), data)) for one in recipe.external
    ]
    found = conformal.bands(read_card(card_path))
    raw["bands"] = {label: asdict(band) for label, band in found.items()}
    measured = card_figures.figures(read_card(card_path))
    raw["held_out"]["figures"] = {name: asdict(figure) for name, figure in measured.items()}
    _write(card_path, raw)
    catalogue.refresh()
    return read_card(card_path)


def publish_alternative(recipe: Recipe, data: Path, run: Path) -> Card:
    """Compare a run with the weights that ship, on their held-out films, and say so on the card.

    Its predictions are stored; its weights are not.

    Args:
        recipe: what was trained, of another architecture than the card's.
        data: the data folder, as in training.
        run: the run folder, as in training.

    Returns:
        The updated card.

    Raises:
        DataSetError: the data folder is incomplete.
        CatalogueError: the card cannot be used.
        TableError: the run held out other films than the weights that ship.
        OSError: the run or the card is missing.
        ValueError: the recipe is of the architecture that ships.
    """
    card_path = assets() / "models" / f"{recipe.model}.json"
    card = read_card(card_path)
    if card.architecture == recipe.architecture:
        raise ValueError(
            f"{recipe.model} ships {recipe.architecture} itself. Name the architecture of the run "
            "by --arch, or publish without --alternative."
        )
    shipped = _shipped(recipe, run)
    file = shipped / "half.safetensors"
    network = _half_precision(recipe, shipped, file)
    held_out = _held_out(recipe, recipe.films(data), run, network)
    table = _table(held_out, recipe, _calibrated(held_out, recipe)[1])
    name = f"{recipe.model}.{recipe.architecture}.csv"
    found = alternatives.estimates(card, _store(table, run / name))  # nothing is replaced before
    table_path = _store(table, assets() / "held_out" / name)
    difference = found[alternatives.DIFFERENCE]
    alternative = Alternative(
        architecture=recipe.architecture,
        start=json.loads((shipped / "config.json").read_text())["start"],
        table=table_path.name,
        bytes=file.stat().st_size,
        films=card.held_out.films,
        groups=card.held_out.groups,
        own=found[alternatives.OWN].value,
        other=found[alternatives.OTHER].value,
        difference=Figure(difference.value, difference.low, difference.high),
    )
    raw = json.loads(card_path.read_text(encoding="utf-8"))
    others = [one for one in card.alternatives if one.architecture != recipe.architecture]
    raw["alternatives"] = [asdict(one) for one in (*others, alternative)]
    _write(card_path, raw)
    catalogue.refresh()
    return read_card(card_path)


def _shipped(recipe: Recipe, run: Path) -> Path:
    """The folder of the training whose weights ship."""
    return run / cross_validation.SHIPPED if recipe.folds else run


def _store(table: pd.DataFrame, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, float_format="%.5f", lineterminator="\n")
    return path


def _external(check: ExternalCheck, card: Card, data: Path) -> External:
    films = check.films(data)
    probability = []
    for film in tqdm(films, check.name):
        radiograph = Radiograph(film.pixels(), source_format="file")
        probability.append(predict.probabilities(card, radiograph)[check.finding])
    columns: dict[str, object] = {
        "image": [film.image for film in films],
        "group": [film.group for film in films],
        "split": "test",
        "truth": [check.finding if film.truth else NONE for film in films],
        f"p:{check.finding}": probability,
    }
    names = sorted({name for film in films for name in film.facts})
    columns |= {name: [film.facts.get(name, "") for film in films] for name in names}
    path = _store(pd.DataFrame(columns), assets() / "held_out" / f"{card.id}.{check.id}.csv")
    found = card_figures.external_estimates(path, check.finding, card.thresholds[check.finding])
    return External(
        name=check.name,
        finding=check.finding,
        truth=check.truth,
        table=path.name,
        films=len(films),
        groups=len({film.group for film in films}),
        figures={name: Figure(one.value, one.low, one.high) for name, one in found.items()},
    )


def _half_precision(recipe: Recipe, run: Path, file: Path) -> keras.Model:
    """The network of a run with its weights as `file` will hold them."""
    network = networks.build(
        recipe.architecture, recipe.input_size, 1 if recipe.two_class else len(recipe.labels)
    )
    network.load_weights(run / BEST)
    weights.save(network, file)
    weights.fill(network, file.read_bytes(), file.name)
    return network


def _held_out(
    recipe: Recipe, films: dict[str, list[Film]], run: Path, network: keras.Model
) -> _HeldOut:
    if recipe.folds:
        return _out_of_fold(recipe, films, run)
    return _validation_and_test(recipe, films, network)


def _validation_and_test(
    recipe: Recipe, films: dict[str, list[Film]], network: keras.Model
) -> _HeldOut:
    held_out = films["validation"] + films["test"]
    split = np.repeat(["validation", "test"], [len(films["validation"]), len(films["test"])])
    images = pipeline.load(held_out, recipe, "held-out films")
    return _HeldOut(held_out, split, logits(network, images, recipe))


def _out_of_fold(recipe: Recipe, films: dict[str, list[Film]], run: Path) -> _HeldOut:
    parts = list(_folds(recipe, films, run))
    return _HeldOut(
        [film for part in parts for film in part.films],
        np.concatenate([part.split for part in parts]),
        np.concatenate([part.logits for part in parts]),
    )


def _folds(recipe: Recipe, films: dict[str, list[Film]], run: Path) -> Iterator[_HeldOut]:
    for name, part in cross_validation.splits(films, recipe.folds).items():
        network = _half_precision(recipe, run / name, run / name / "half.safetensors")
        images = pipeline.load(part["test"], recipe, name)
        split = np.full(len(part["test"]), name.replace("-", " "))
        yield _HeldOut(part["test"], split, logits(network, images, recipe))


def _write(path: Path, raw: dict[str, object]) -> None:
    # in one step: a page that reads the catalogue at this moment must not see half a card
    with atomic_write(path) as part:
        part.write_text(json.dumps(raw, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _calibrated(held_out: _HeldOut, recipe: Recipe) -> tuple[Calibration, np.ndarray]:
    """The card's calibration, and probabilities of films that had no part in theirs."""
    targets = pipeline.targets(held_out.films, recipe) > 0.5
    if not held_out.out_of_fold:
        chosen_on = held_out.split == "validation"
        found = _calibrate(held_out.logits[chosen_on], targets[chosen_on], recipe.activation)
        return found, calibrated(held_out.logits, found, recipe.activation)
    probability = np.empty_like(held_out.logits)
    shares = targets.mean(axis=0)
    for fold in np.unique(held_out.split):
        inside = held_out.split == fold
        # to the same share of findings for all folds: a fold with more of them leaves fewer to the
        # others, would be calibrated to these, and come out lower than it is
        others = _calibrate(held_out.logits[~inside], targets[~inside], recipe.activation, shares)
        probability[inside] = calibrated(held_out.logits[inside], others, recipe.activation)
    return _calibrate(held_out.logits, targets, recipe.activation), probability


def _calibrate(
    logits: np.ndarray, targets: np.ndarray, activation: str, shares: np.ndarray | None = None
) -> Calibration:
    """Temperature and biases that minimize the negative log-likelihood.

    Undoes both overconfidence and the class balance of training (Platt 1999, Guo et al. 2017).

    Args:
        logits: (films, labels).
        targets: bool, (films, labels).
        activation: "sigmoid" or "softmax".
        shares: weigh films as if each label had this share of them; as they are by default.
    """
    here = np.clip(targets.mean(axis=0), 1e-6, 1 - 1e-6)
    shares = here if shares is None else shares
    weight = np.where(targets, shares / here, (1 - shares) / (1 - here))

    def loss(parameters: np.ndarray) -> float:
        adjusted = logits / np.exp(parameters[0]) + parameters[1:]
        if activation == "sigmoid":
            likelihood = (weight * log_expit(np.where(targets, adjusted, -adjusted))).sum(axis=1)
        else:
            likelihood = weight[targets] * log_softmax(adjusted, axis=1)[targets]
        # a weak pull to zero keeps the biases of rare classes sane
        return float(-likelihood.mean() + 1e-3 * np.square(parameters).sum())

    best = minimize(loss, np.zeros(1 + logits.shape[1]), method="L-BFGS-B").x
    return Calibration(
        temperature=round(float(np.exp(best[0])), 5),
        bias=tuple(round(float(value), 5) for value in best[1:]),
    )


def _table(held_out: _HeldOut, recipe: Recipe, probability: np.ndarray) -> pd.DataFrame:
    present = pipeline.targets(held_out.films, recipe) > 0.5
    columns: dict[str, object] = {
        "image": [film.image for film in held_out.films],
        "group": [film.group for film in held_out.films],
        "split": held_out.split,
        "truth": [JOINT.join(np.array(recipe.labels)[row]) or NONE for row in present],
    }
    columns |= {f"p:{label}": probability[:, k] for k, label in enumerate(recipe.labels)}
    names = sorted({name for film in held_out.films for name in film.facts})
    columns |= {name: [film.facts.get(name, "") for film in held_out.films] for name in names}
    return pd.DataFrame(columns)

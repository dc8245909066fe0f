"""chest-nodule: nodule or mass against no finding, after Xvision, on ChestX-ray14 films.

VGG16 codes are computed once and kept in the run folder; the 512-512 network on them is trained
once per fold. `publishing.publish` then measures and publishes, as of any recipe.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from xray_models import networks
from xray_models.catalogue import Card
from xray_models.codes.encode import convolutions, encode
from xray_models.codes.fit import Fit, fit
from xray_models.codes.store import Settings, Store
from xray_models.datasets import DataSetError, Film, folder, nodule
from xray_models.evaluate import figures
from xray_models.evaluate.balanced import at_balanced_mix
from xray_models.evaluate.intervals import Estimate
from xray_models.evaluate.judged import films_of_test
from xray_models.networks.vgg_codes import POOL, put_together
from xray_models.train import folds, loop
from xray_models.train.recipe import Recipe

log = logging.getLogger(__name__)


def _films(data: Path) -> dict[str, list[Film]]:
    return {"folds": nodule.films(data / "nih")}


RECIPE = Recipe(
    model="chest-nodule",
    films=_films,
    labels=("nodule",),
    two_class=True,
    architecture="vgg16-codes",
    input_size=(224, 224),
    geometry="fit",
    scaling="hed",
    start="hed",
    folds=5,
    epochs=20,
    batch=20,
    learning_rate=0.01,
    dropout=0.5,
)
VERSIONS = 2
"""Each film and its mirror image."""


def train(data: Path, run: Path, recipe: Recipe = RECIPE) -> Path:
    """Cross-validate by patient; nothing is chosen on held-out films.

    Args:
        data: the data folder.
        run: run folder: codes, and a folder per fold with checkpoints, curves and best.weights.h5
            (whole network, last epoch).
        recipe: what to train.

    Returns:
        Path of the weights that ship.

    Raises:
        DataSetError: the data folder is incomplete or a film cannot be read.
        ModuleNotFoundError: the package with the pretrained start is not installed.
    """
    films = recipe.films(data)
    settings = Settings(
        start=str(recipe.start),
        input_size=recipe.input_size,
        geometry=recipe.geometry,
        scaling=recipe.scaling,
        versions=VERSIONS,
    )
    store = Store(run / "codes", settings)
    hashes = _hashes(films["folds"])
    encode({hashes[film.image]: film.path for film in films["folds"]}, store, stop=True)
    backbone, start = convolutions(settings)
    how = Fit(
        epochs=recipe.epochs,
        batch=recipe.batch,
        learning_rate=recipe.learning_rate,
        dropout=recipe.dropout,
        seed=recipe.seed,
    )
    for name, part in folds.runs(films, recipe.folds).items():
        # films of a stratum with one class only are of no use
        chances = np.array(nodule.chances(part["train"]))
        used = [film for film, chance in zip(part["train"], chances, strict=True) if chance]
        log.info("%s: %d films, %d held out", name, len(used), len(part["test"]))
        head = fit(
            _codes(store, used, hashes),
            _targets(used),
            how,
            chances=chances[chances > 0],
            held_out=(_codes(store, part["test"], hashes), _targets(part["test"])),
            run=run / name,
            keep=1,
        )
        _keep(recipe, backbone, head, start, how, run / name)
    return run / folds.SHIPPED / loop.BEST


def beside_xvision(card: Card) -> dict[str, dict[str, Estimate]]:
    """What stands beside Xvision's figures (accuracy 69.3 %, precision .556, recall .577).

    Args:
        card: chest-nodule, published.

    Returns:
        Name of the films -> figures at a balanced mix, called by thresholds of the other folds: all
        films, and the pairs that no collection and no view gives away.

    Raises:
        TableError: the held-out table cannot be used.
    """
    rows = films_of_test(card)
    label = card.labels[0]
    called = rows[f"p:{label}"] >= figures.cutoffs(rows, card)[label]
    paired = rows["mix"] == "matched"
    parts = {"all films": paired | True, "pairs of one collection and view": paired}
    return {
        name: at_balanced_mix(
            (rows["truth"] == label)[part].to_numpy(),
            called[part].to_numpy(),
            rows["group"][part].to_numpy(str),
        )
        for name, part in parts.items()
    }


def _keep(
    recipe: Recipe, backbone: keras.Model, head: keras.Model, start: str, how: Fit, run: Path
) -> None:
    """Write the whole network and what it is made of, as `publishing` reads them."""
    network = networks.build(recipe.architecture, recipe.input_size, len(recipe.labels))
    put_together(network, backbone, head)
    network.save_weights(run / loop.BEST)
    config = {name: value for name, value in asdict(recipe).items() if name != "films"}
    config |= {"start": start, "pool": POOL, "versions": VERSIONS, "fit": asdict(how)}
    (run / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _hashes(films: list[Film]) -> dict[str, str]:
    try:
        return {film.image: folder.sha256(film.path) for film in films}
    except OSError as error:
        raise DataSetError(f"{error.filename}: cannot be read ({error.strerror}).") from error


def _codes(store: Store, films: list[Film], hashes: dict[str, str]) -> np.ndarray:
    return store.read([hashes[film.image] for film in films], POOL)


def _targets(films: list[Film]) -> np.ndarray:
    return np.array([[film.truth] for film in films], np.float32)

"""chest-nodule: nodule or mass against no finding, after Xvision, on ChestX-ray14 films.

VGG16 codes are computed once and kept in the run folder; the 512-512 network on them is trained
once per fold. `publishing.publish` then measures and publishes, as of any recipe.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from xray_models import networks
from xray_models.datasets import DataSetError, Film, folder, nodule
from xray_models.networks.vgg_codes import POOL, put_together
from xray_models.train.data import cross_validation
from xray_models.train.recipe import Recipe
from xray_models.train.run_folder.checkpoint import BEST, Checkpoints, save_weights
from xray_models.train.vgg_codes.encode import convolutions, encode
from xray_models.train.vgg_codes.fit import Fit, Run, fit
from xray_models.train.vgg_codes.store import Settings, Store

__all__ = ["RECIPE", "VERSIONS", "log", "train"]

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


def train(data: Path, run: Path, recipe: Recipe = RECIPE, resume: bool = False) -> Path:
    """Cross-validate by patient; nothing is chosen on held-out films.

    Args:
        data: the data folder.
        run: run folder: codes, and a folder per fold with checkpoints, curves and best.weights.h5
            (whole network, last epoch).
        recipe: what to train.
        resume: go on after the last finished epoch of an earlier call; without it what that left
            is deleted, except codes.

    Returns:
        Path of the weights that ship.

    Raises:
        DataSetError: the data folder is incomplete or a film cannot be read.
        ModuleNotFoundError: the package with the pretrained start is not installed.
        ResumeError: what an earlier call left cannot be read.
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
    made_of = recipe.as_dict() | {
        "start": start,
        "pool": POOL,
        "versions": VERSIONS,
        "fit": asdict(how),
    }
    parts = cross_validation.splits(films, recipe.folds)
    for name in parts if not resume else ():
        # all of them now: a later fold of an earlier training must not pass for one of this
        if (run / name).is_dir():
            Checkpoints(run / name).clear()
    for name, part in parts.items():
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
            run=Run(run / name, made_of, keep=1, resume=resume),
        )
        _keep(recipe, backbone, head, run / name)
    return run / cross_validation.SHIPPED / BEST


def _keep(recipe: Recipe, backbone: keras.Model, head: keras.Model, run: Path) -> None:
    """Write the whole network, as `publishing` reads it."""
    network = networks.build(recipe.architecture, recipe.input_size, len(recipe.labels))
    put_together(network, backbone, head)
    save_weights(network, run / BEST)


def _hashes(films: list[Film]) -> dict[str, str]:
    try:
        return {film.image: folder.sha256(film.path) for film in films}
    except OSError as error:
        raise DataSetError(f"{error.filename}: cannot be read ({error.strerror}).") from error


def _codes(store: Store, films: list[Film], hashes: dict[str, str]) -> np.ndarray:
    return store.read([hashes[film.image] for film in films], POOL)


def _targets(films: list[Film]) -> np.ndarray:
    return np.array([[film.truth] for film in films], np.float32)

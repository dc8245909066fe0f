"""mura-wrist, ..., mura-body, mura-all: models of MURA-v1.1, for those who have it.

The recipe follows the MURA paper (Rajpurkar et al. 2018, arXiv:1712.06957): DenseNet169 from
ImageNet, 320 px, mirrored and turned up to 30 degrees, every film once in an epoch, both classes
weighing the same in the loss, a learning rate of 1e-4 that falls tenfold when validation stops
improving. EfficientNetB0 trains faster.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
from scipy.special import expit, softmax

from xray_models import BONE_PARTS, networks
from xray_models.datasets import DataSetError, Film, mura
from xray_models.evaluate.predictions.held_out_table import NONE
from xray_models.train.data import pipeline
from xray_models.train.model import logits
from xray_models.train.recipe import Augmentation, Recipe
from xray_models.train.run_folder.checkpoint import BEST

__all__ = ["ALL", "ARCHITECTURES", "BODY", "CHOICES", "of_run", "predict", "recipe"]

BODY, ALL = "body", "all"
CHOICES = (*BONE_PARTS, BODY, ALL)
"""What to train: a part's own model, the detector of the seven parts, the general model."""

ARCHITECTURES = {"densenet169": "imagenet", "efficientnetb0": "lite0"}
"""Architecture -> what it starts from unless told otherwise."""


def recipe(
    part: str,
    architecture: str = "densenet169",
    *,
    start: str | None = "",
    input_size: int = 320,
    epochs: int = 20,
    batch: int = 8,
    strict: bool = True,
) -> Recipe:
    """Recipe of one MURA model.

    Args:
        part: one of `CHOICES`.
        architecture: one of `ARCHITECTURES`.
        start: what to start from; "" for the architecture's own start, None for nothing.
        input_size: height and width in pixels.
        epochs: at most; training stops after three without a better validation AUC.
        batch: films per step.
        strict: stop where the data set has anything missing or malformed.

    Raises:
        ValueError: an unknown part or architecture.
    """
    if part not in CHOICES:
        raise ValueError(f"There is no MURA model for {part!r}. Choose {', '.join(CHOICES)}.")
    if architecture not in ARCHITECTURES:
        raise ValueError(f"MURA models are {' or '.join(ARCHITECTURES)}, not {architecture!r}.")
    detector = part == BODY
    parts = (part,) if part in BONE_PARTS else BONE_PARTS

    def films(data: Path) -> dict[str, list[Film]]:
        found = mura.films(data, parts, strict)
        if not detector:
            return found
        return {
            split: [replace(film, truth=BONE_PARTS.index(film.facts["part"])) for film in some]
            for split, some in found.items()
        }

    return Recipe(
        model=f"mura-{part}",
        films=films,
        labels=BONE_PARTS if detector else (mura.LABEL,),
        two_class=not detector,
        architecture=architecture,
        input_size=(input_size, input_size),
        geometry="fit",
        scaling="imagenet",
        start=ARCHITECTURES[architecture] if start == "" else start,
        epochs=epochs,
        batch=batch,
        learning_rate=1e-4,
        weight_decay=1e-5,
        balance=0.0,
        class_weights=True,
        patience=3,
        plateau=0.1,
        augmentation=Augmentation(rotation=30, zoom=(0.9, 1.1), shift=0.05),
    )


def of_run(run: Path, strict: bool = True) -> Recipe:
    """Recipe that a run folder was made by.

    Raises:
        DataSetError: no finished MURA training lies there.
    """
    path = run / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        part = str(config["model"]).removeprefix("mura-")
        found = recipe(
            part,
            str(config["architecture"]),
            input_size=int(config["input_size"][0]),
            strict=strict,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataSetError(
            f"{path}: not the record of a MURA training ({error}). Run `train mura` first, or "
            "point --run at its folder."
        ) from error
    if not (run / BEST).is_file():
        raise DataSetError(f"{run / BEST}: no such file. Let `train mura` finish an epoch.")
    return found


def predict(recipe: Recipe, data: Path, run: Path) -> pd.DataFrame:
    """Predictions of a finished run for each view of the validation and test films.

    Args:
        recipe: as `of_run` gives it.
        data: MURA-v1.1, or the folder that holds it.
        run: the run folder.

    Returns:
        Columns image, group, split ("validation" or "test"; the latter is the published valid
        split), truth, `p:<label>` for each label (not calibrated), part, study, views.

    Raises:
        DataSetError: the data cannot be used.
    """
    films = recipe.films(data)
    outputs = 1 if recipe.two_class else len(recipe.labels)
    network = networks.build(recipe.architecture, recipe.input_size, outputs)
    network.load_weights(run / BEST)
    tables = []
    for split in ("validation", "test"):
        some = films[split]
        raw = logits(network, pipeline.load(some, recipe, split), recipe)
        values = expit(raw) if recipe.two_class else softmax(raw, axis=1)
        table = pd.DataFrame(
            {
                "image": [film.image for film in some],
                "group": [film.group for film in some],
                "split": split,
                "truth": [_truth(film, recipe) for film in some],
                **{f"p:{label}": values[:, k] for k, label in enumerate(recipe.labels)},
            }
        )
        for fact in ("part", "study", "views"):
            table[fact] = [film.facts[fact] for film in some]
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _truth(film: Film, recipe: Recipe) -> str:
    if recipe.two_class:
        return recipe.labels[0] if film.truth else NONE
    return recipe.labels[film.truth]

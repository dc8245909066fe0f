"""chest-22: the 22 findings of PadChest and Open-i, by CheXNet or by the unified network.

For those who have the films, and a table as `prepare padchest`, `prepare openi` and `prepare join`
write it. Both networks are trained with Adam and a loss in which the few films with a finding weigh
as much as the many without (Wang et al. 2017, section 3.2); the learning rate falls tenfold when
validation stops improving (CheXNet, arXiv:1711.05225).
"""

from __future__ import annotations

import json
from pathlib import Path

from xray_models.datasets import DataSetError, Film
from xray_models.datasets.findings22 import FINDINGS, table
from xray_models.train.recipe import Augmentation, Recipe
from xray_models.train.run_folder.checkpoint import BEST
from xray_models.train.run_folder.journal import CONFIG

__all__ = ["ARCHES", "BACKBONES", "MODEL", "POOLINGS", "of_run", "recipe"]

MODEL = "chest-22"
ARCHES = ("chexnet", "unified")
BACKBONES = {"densenet121": "imagenet", "efficientnetb0": "lite0"}
"""Backbone -> what it starts from unless told otherwise."""

POOLINGS = ("lse", "average", "max")


def recipe(
    arch: str = "chexnet",
    backbone: str = "densenet121",
    *,
    pooling: str = "lse",
    r: float = 10.0,
    learned_r: bool = False,
    start: str | None = "",
    input_size: int = 224,
    epochs: int = 20,
    batch: int = 16,
    learning_rate: float = 1e-4,
) -> Recipe:
    """Recipe of one of the two networks.

    Args:
        arch: "chexnet" (backbone, mean, linear layer) or "unified" (with transition and pooling).
        backbone: one of `BACKBONES`.
        pooling: of the unified network, one of `POOLINGS`.
        r: of log-sum-exp pooling, to begin with.
        learned_r: training may change r.
        start: what to start from; "" for the backbone's own start, None for nothing.
        input_size: height and width in pixels.
        epochs: at most; training stops after three without a better validation AUC.
        batch: films per step.
        learning_rate: to begin with.

    Raises:
        ValueError: an unknown network, backbone or pooling, or r is not above 0.
    """
    for what, given, known in (
        ("network", arch, ARCHES),
        ("backbone", backbone, tuple(BACKBONES)),
        ("pooling", pooling, POOLINGS),
    ):
        if given not in known:
            raise ValueError(f"There is no {what} {given!r} here. Choose {', '.join(known)}.")
    unified = arch == "unified"
    if unified and not r > 0:
        raise ValueError(f"r of log-sum-exp pooling is {r:g}; it must be above 0.")
    ending = "" if pooling == "lse" else f"-{pooling}"
    return Recipe(
        model=MODEL,
        films=films,
        labels=FINDINGS,
        multi_label=True,
        architecture=f"{backbone}-unified{ending}" if unified else backbone,
        input_size=(input_size, input_size),
        geometry="fit",
        scaling="imagenet",
        start=BACKBONES[backbone] if start == "" else start,
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        weight_decay=1e-5,
        balance=0.0,
        class_weights=True,
        patience=3,
        plateau=0.1,
        pooling_r=r if unified and pooling == "lse" else None,
        learned_r=learned_r,
        augmentation=Augmentation(rotation=7, zoom=(0.9, 1.1), shift=0.05, flip_horizontal=False),
    )


def films(data: Path) -> dict[str, list[Film]]:
    """Films of a prepared folder by split; of the test split nothing is trained.

    Raises:
        DataSetError: as of `findings22.table.films`.
    """
    return table.films(data)


def of_run(run: Path) -> Recipe:
    """Recipe that a run folder was made by, as far as judging needs it.

    Raises:
        DataSetError: no finished training of `MODEL` lies there.
    """
    path = run / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if config["model"] != MODEL or tuple(config["labels"]) != FINDINGS:
            raise ValueError(f"it is of {config['model']}")
        backbone, _, rest = str(config["architecture"]).partition("-unified")
        found = recipe(
            "unified" if "-unified" in config["architecture"] else "chexnet",
            backbone,
            pooling=rest.removeprefix("-") or "lse",
            input_size=int(config["input_size"][0]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataSetError(
            f"{path}: not the record of a training of {MODEL} ({error}). Run `train padchest` "
            "first, or point --run at its folder."
        ) from error
    if not (run / BEST).is_file():
        raise DataSetError(f"{run / BEST}: no such file. Let `train padchest` finish an epoch.")
    return found

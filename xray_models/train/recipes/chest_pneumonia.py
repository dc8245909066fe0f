"""chest-pneumonia: children, normal, bacterial or viral; VGG16, partial transfer learning.

The first three blocks keep pretrained convolutions, the rest is trained, as in the pneumonia
detector that RadLens carries on. The first stage reads 160 pixels: half the cost of 224.

The normal films of the training split look alike down to collimation, marker and sharpness, and
those of other splits do not. So sharpness is varied at random, and two more stages, at the full 224
pixels of the films, show windows of them at changing shapes and in the gray levels of each other: a
model must read lungs, not the way a film was taken.
"""

from dataclasses import replace
from pathlib import Path

from xray_models.datasets import Film, kermany, nih, split_of
from xray_models.evaluate import card_thresholds
from xray_models.train.recipe import Augmentation, ExternalCheck, Recipe

__all__ = ["RECIPES"]


def _films(data: Path) -> dict[str, list[Film]]:
    splits: dict[str, list[Film]] = {"train": [], "validation": []}
    for film in kermany.films(data / "kermany", "train"):
        splits[split_of(film.group, shares=(0.88, 0.12))].append(film)
    return splits | {"test": kermany.films(data / "kermany", "test")}


def _adults(data: Path) -> list[Film]:
    return [
        replace(film, truth=int(film.facts["rsna"] == "Lung Opacity"))
        for film in nih.films(data / "nih")
        if film.facts["rsna"] in ("Normal", "Lung Opacity")
    ]


_WHOLE = Recipe(
    model="chest-pneumonia-whole",
    films=_films,
    labels=kermany.LABELS,
    architecture="vgg16",
    input_size=(160, 160),
    geometry="stretch",
    scaling="hed",
    start="hed",
    frozen_until="block3_conv3",
    epochs=7,
    batch=32,
    learning_rate=1.5e-4,
    weight_decay=1e-5,
    dropout=0.4,
    label_smoothing=0.05,
    balance=1.0,
    averaging=0.995,
    augmentation=Augmentation(
        rotation=12, zoom=(0.8, 1.25), gamma=0.5, contrast=0.3, noise=0.03, sharpness=1.0
    ),
)

_WINDOWS = replace(
    _WHOLE,
    model="chest-pneumonia-windows",
    start="run:chest-pneumonia-whole",
    input_size=(224, 224),
    epochs=6,
    keep_last=True,
    learning_rate=1e-4,
    averaging=0.99,
    augmentation=replace(
        _WHOLE.augmentation, zoom=(0.92, 1.7), shift=0.1, aspect=0.15, sharpness=0.6, tone=0.5
    ),
)

_LONGER = replace(
    _WINDOWS,
    model="chest-pneumonia",
    start="run:chest-pneumonia-windows",
    learning_rate=7e-5,
    augmentation=replace(_WINDOWS.augmentation, tone=0.7),
    # validation films are from the same mold as training films: the model is surer of them
    rule=card_thresholds.sensitive,
    external=(
        ExternalCheck(
            id="adults",
            name="Adults (NIH films of the RSNA pneumonia challenge)",
            finding="pneumonia",
            truth="Lung Opacity against Normal, by radiologists of the RSNA",
            films=_adults,
        ),
    ),
)

RECIPES = {recipe.model: recipe for recipe in (_WHOLE, _WINDOWS, _LONGER)}

"""chest-pneumonia: children, normal, bacterial or viral; VGG16, partial transfer learning.

The first three blocks keep pretrained convolutions, the rest is trained, as in the pneumonia
detector
that RadLens carries on. 160 pixels: half the cost of 224 on a processor.

In the training split normal films are sharper than pneumonia films (they were exported larger), so
sharpness is varied at random: a model must not read the export.
"""

from pathlib import Path

from xray_models.datasets import Film, kermany, split_of
from xray_models.train.recipe import Augmentation, Recipe


def _films(data: Path) -> dict[str, list[Film]]:
    splits: dict[str, list[Film]] = {"train": [], "validation": []}
    for film in kermany.films(data / "kermany", "train"):
        splits[split_of(film.group, shares=(0.88, 0.12))].append(film)
    return splits | {"test": kermany.films(data / "kermany", "test")}


RECIPE = Recipe(
    model="chest-pneumonia",
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

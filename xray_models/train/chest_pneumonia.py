"""chest-pneumonia: children, normal, bacterial or viral; VGG16, partial transfer learning.

The first three blocks keep pretrained convolutions, the rest is trained, as in the pneumonia
detector
that RadLens carries on. 160 pixels: half the cost of 224 on a processor.
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
    epochs=4,
    batch=32,
    learning_rate=1e-4,
    weight_decay=1e-5,
    dropout=0.4,
    label_smoothing=0.05,
    balance=1.0,
    augmentation=Augmentation(rotation=10, zoom=(0.9, 1.15), shift=0.06, flip_horizontal=True),
)

"""bone-general: fractured or not, over every FracAtlas film (limbs, hips, shoulders).

A fracture covers a hundredth of a film, so training also shows windows of the films, placed so that
a marked fracture stays in view.
"""

from pathlib import Path

from xray_models.datasets import Film, fracatlas, split_of
from xray_models.train.recipe import Augmentation, Recipe

__all__ = ["RECIPE"]


def _films(data: Path) -> dict[str, list[Film]]:
    parts: dict[str, list[Film]] = {"train": [], "validation": [], "test": []}
    for film in fracatlas.films(data / "fracatlas"):
        parts[split_of(film.group)].append(film)
    return parts


RECIPE = Recipe(
    model="bone-general",
    films=_films,
    labels=("fracture",),
    two_class=True,
    architecture="efficientnetb0",
    input_size=(320, 320),
    geometry="fit",
    scaling="imagenet",
    source_size=(448, 448),
    start="body-part",
    epochs=5,
    batch=24,
    learning_rate=4e-4,
    dropout=0.3,
    augmentation=Augmentation(rotation=20, zoom=(0.9, 1.8), flip_vertical=True),
)

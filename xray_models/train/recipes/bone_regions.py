"""bone-regions, bone-regions-fine: the shared start of the seven per-part models, in two stages.

Fractured or not, over region crops and whole films of every arm part, with leg and hip films that
only ever train: fractures are too few per part to learn them from scratch seven times. Cross-
validated with the same folds as the seven, so that their start never saw a held-out film. Small
pictures first, because they are fast; then larger ones, which show finer lines. Neither is in the
catalogue itself.
"""

from dataclasses import replace
from pathlib import Path

from xray_models import BONE_PARTS
from xray_models.datasets import Film, fracatlas, webfilms
from xray_models.train.recipe import Augmentation, Recipe

__all__ = ["FINE", "RECIPES", "WEB_PARTS"]

WEB_PARTS = ("elbow", "finger", "hand", "shoulder")
"""Parts that take crops of teaching films, if these are at hand: those of other parts are fractured
almost always, or not needed."""


def _films(data: Path) -> dict[str, list[Film]]:
    every = {film.image: film for film in fracatlas.films(data / "fracatlas")}
    crops = fracatlas.crops(data / "fracatlas", every)
    web = webfilms.crops(data / "webfilms")
    arms = [film for part in BONE_PARTS for film in crops[part]]
    groups = {film.group for film in arms}
    others = [film for film in every.values() if film.group not in groups]
    return {"folds": arms, "train": others + [film for part in WEB_PARTS for film in web[part]]}


_COARSE = Recipe(
    model="bone-regions",
    films=_films,
    labels=("fracture",),
    two_class=True,
    architecture="efficientnetb0-local",
    input_size=(192, 192),
    geometry="fit",
    scaling="imagenet",
    source_size=(256, 256),
    start="lite0",
    folds=3,
    epochs=8,
    batch=32,
    films_per_epoch=3008,
    learning_rate=7e-4,
    dropout=0.3,
    averaging=0.99,
    augmentation=Augmentation(
        rotation=25, zoom=(0.85, 1.4), flip_vertical=True, gamma=0.4, contrast=0.25, sharpness=0.7
    ),
)

FINE = replace(
    _COARSE,
    model="bone-regions-fine",
    start="run:bone-regions",
    input_size=(256, 256),
    source_size=(320, 320),
    learning_rate=4e-4,
)

RECIPES = {recipe.model: recipe for recipe in (_COARSE, FINE)}

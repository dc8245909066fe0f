"""chest-adults: a start of chest-14; not in the catalogue itself.

Eleven thousand films of adults, of which only the lungs are there, teach a network the fourteen
labels but for those of what the mask leaves out. Folds are by patient and the same as chest-14's,
which goes on from the same fold: nobody whose films are held out there was seen here.
"""

from pathlib import Path

from xray_models.datasets import Film, chexnet, nih, rsna_lungs
from xray_models.train.recipe import Augmentation, Recipe

__all__ = ["RECIPE"]


def _films(data: Path) -> dict[str, list[Film]]:
    films = rsna_lungs.films(data / "rsna_lungs")
    return {"folds": chexnet.softened(films, data / "nih")}


RECIPE = Recipe(
    model="chest-adults",
    films=_films,
    labels=nih.LABELS,
    multi_label=True,
    architecture="efficientnetb0",
    input_size=(160, 160),
    geometry="fit",
    scaling="imagenet",
    source_size=(192, 192),
    start="lite0",
    folds=3,
    epochs=2,
    batch=32,
    learning_rate=1e-3,
    weight_decay=1e-4,
    dropout=0.2,
    balance=0.3,
    averaging=0.99,
    augmentation=Augmentation(
        rotation=12, zoom=(0.85, 1.25), gamma=0.4, contrast=0.25, noise=0.02, sharpness=0.5
    ),
)

"""chest-14: the 14 findings of ChestX-ray14, after CheXNet, on the few films that could be had.

About 1,500 films: so the network first learns chests from the children's films (chest-start), the
mined labels are softened by a published network's opinion, and the weights are averaged.
Cross-validated by patient.
"""

from pathlib import Path

from xray_models.datasets import Film, chexnet, nih
from xray_models.train.recipe import Augmentation, Recipe

__all__ = ["RECIPE"]


def _films(data: Path) -> dict[str, list[Film]]:
    films = chexnet.films(data / "nih")
    return {"folds": chexnet.softened(films, data / "nih")}


RECIPE = Recipe(
    model="chest-14",
    films=_films,
    labels=nih.LABELS,
    multi_label=True,
    architecture="efficientnetb0",
    input_size=(224, 224),
    geometry="fit",
    scaling="imagenet",
    source_size=(256, 256),
    start="run:chest-start",
    folds=3,
    epochs=7,
    batch=32,
    learning_rate=5e-4,
    weight_decay=5e-4,
    dropout=0.4,
    balance=0.3,
    averaging=0.98,
    augmentation=Augmentation(
        rotation=12, zoom=(0.85, 1.25), gamma=0.4, contrast=0.25, noise=0.02, sharpness=0.7
    ),
)

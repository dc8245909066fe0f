"""body-part: which of eight parts a film shows, or none of these.

Each part comes from a few collections only, and films from elsewhere are exposed otherwise: so gray
levels are borrowed from any other film.
"""

from xray_models.datasets import body_parts
from xray_models.train.recipe import Augmentation, Recipe

__all__ = ["RECIPE"]

RECIPE = Recipe(
    model="body-part",
    films=body_parts.films,
    labels=body_parts.LABELS,
    architecture="efficientnetb0",
    input_size=(192, 192),
    geometry="fit",
    scaling="imagenet",
    start="lite0",
    epochs=7,
    batch=32,
    learning_rate=1e-3,
    dropout=0.2,
    label_smoothing=0.02,
    balance=0.4,
    averaging=0.99,
    films_per_epoch=4320,
    augmentation=Augmentation(
        rotation=25,
        zoom=(0.8, 1.25),
        flip_vertical=True,
        gamma=0.45,
        contrast=0.3,
        invert=0.03,
        tone=0.4,
    ),
)

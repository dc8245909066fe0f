"""chest-opacity: adults' lung opacity as radiologists of the RSNA called it, with their boxes.

The network looks twice, as a whole and cell by cell, as in the bone models: some are small.
Judged on the films with the radiologists' classes, cross-validated by patient. Others of the NIH,
with labels mined from reports, only ever train. It goes on from chest-adults, which saw nobody of
the fold that is held out.
"""

from dataclasses import replace
from pathlib import Path

from xray_models.datasets import Film, boxes, nih
from xray_models.train.recipe import Augmentation, Recipe

__all__ = ["RECIPE"]

_OPACITY = "Lung Opacity"
_MEANS_OPACITY = {"Pneumonia", "Consolidation"}
"""Findings from reports that come with opaque lung. An infiltration or effusion may or may not."""


def _films(data: Path) -> dict[str, list[Film]]:
    drawn = {one.film.image: one.corners for one in boxes.load(data, "RSNA")}
    judged, others = [], []
    for film in nih.films(data / "nih"):
        findings = set(film.facts["findings"].split("|"))
        if film.facts["rsna"]:
            truth = int(film.facts["rsna"] == _OPACITY)
            lesions = tuple(tuple(box) for box in drawn.get(film.image, ()))
            judged.append(replace(film, truth=truth, lesions=lesions))
        elif findings & _MEANS_OPACITY:
            others.append(replace(film, truth=1))
        elif findings == {nih.NO_FINDING}:
            others.append(replace(film, truth=0))
    return {"folds": judged, "train": others}


RECIPE = Recipe(
    model="chest-opacity",
    films=_films,
    labels=("lung opacity",),
    two_class=True,
    architecture="efficientnetb0-local",
    input_size=(224, 224),
    geometry="fit",
    scaling="imagenet",
    source_size=(256, 256),
    start="run:chest-adults",
    folds=3,
    epochs=8,
    batch=32,
    learning_rate=5e-4,
    weight_decay=5e-4,
    dropout=0.4,
    label_smoothing=0.05,
    averaging=0.98,
    augmentation=Augmentation(
        rotation=12, zoom=(0.85, 1.3), gamma=0.4, contrast=0.25, noise=0.02, sharpness=0.7, tone=0.3
    ),
)

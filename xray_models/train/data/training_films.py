"""Films of a training, decoded: images, targets and lesions, and those of validation."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from xray_models.datasets import Film
from xray_models.train.data import lesions, pipeline
from xray_models.train.recipe import Recipe

__all__ = ["TrainingFilms", "load", "log"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TrainingFilms:
    """Decoded films of a training.

    Attributes:
        images: uint8, (films, height, width), at the recipe's source size.
        targets: float32, (films, logits), as `pipeline.targets` gives them.
        boxes: of the marked lesions of each film, as `lesions.boxes` gives them.
        validation: images at input size and targets of the validation films; None without any.
    """

    images: np.ndarray
    targets: np.ndarray
    boxes: list[np.ndarray]
    validation: tuple[np.ndarray, np.ndarray] | None


def load(films: dict[str, list[Film]], recipe: Recipe) -> TrainingFilms:
    """Decode the films of a training.

    Args:
        films: {"train", "validation" (optional)} -> films. Others are not looked at.
        recipe: geometry, sizes and labels.

    Raises:
        DataSetError: a film cannot be read.
    """
    for name, part in films.items():
        log.info("%s: %d films, %d groups", name, len(part), len({film.group for film in part}))
    unseen = films.get("validation", [])
    return TrainingFilms(
        images=pipeline.load(films["train"], recipe, "train", recipe.source_size),
        targets=pipeline.targets(films["train"], recipe),
        boxes=lesions.boxes(films["train"], recipe),
        validation=(
            (pipeline.load(unseen, recipe, "validation"), pipeline.targets(unseen, recipe))
            if unseen
            else None
        ),
    )

"""Films of a held-out table, located in the data folder of this machine."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from xray_models.datasets import DataSetError, Film
from xray_models.datasets.problems import collecting
from xray_models.train.recipes.registry import RECIPES, named

__all__ = ["FOLDER", "data_folder", "locate"]

FOLDER = "RADLENS_DATA"
"""Environment variable that names the data folder."""


def data_folder() -> Path | None:
    """Data folder that the environment names; None without one."""
    name = os.environ.get(FOLDER)
    return Path(name) if name and Path(name).is_dir() else None


def locate(model: str, folder: Path, images: Sequence[str]) -> dict[str, Film]:
    """Locate the films of a model's held-out table: their name -> film.

    A name that several regions of one film share is left out: a table does not tell them apart. So
    are films that the data folder lacks, or lists in a line that cannot be used.

    Args:
        model: id of a model that has a recipe.
        folder: the data folder.
        images: names in the held-out table.

    Raises:
        DataSetError: the folder lacks what the model's films come from, or the model has no recipe.
    """
    if model not in RECIPES:
        raise DataSetError(
            f"{model} was not trained here, so nothing tells where its films come from."
        )
    wanted = set(images)
    found: dict[str, list[Film]] = defaultdict(list)
    try:
        if not folder.is_dir():
            raise DataSetError(
                f"{folder}: there is no such folder on the machine that runs RadLens."
            )
        with collecting():
            splits = named(model).films(folder)
    except OSError as error:
        raise DataSetError(f"{folder}: cannot be read ({error.strerror}).") from error
    except ModuleNotFoundError as error:
        raise DataSetError(
            f"The package {error.name}, which training needs, is not installed. "
            "Run: .venv/bin/python -m pip install -r requirements-train.txt"
        ) from error
    for film in chain.from_iterable(
        films for name, films in splits.items() if name in ("validation", "test", "folds")
    ):
        if film.image in wanted and film.there():
            found[film.image].append(film)
    return {image: films[0] for image, films in found.items() if len(films) == 1}

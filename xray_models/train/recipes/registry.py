"""Registry of the recipes: `train MODEL`, and the module here that holds the recipe."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from xray_models import BONE_PARTS

if TYPE_CHECKING:
    from xray_models.train.recipe import Recipe

__all__ = ["RECIPES", "named"]

RECIPES = {
    "body-part": "body_part",
    "bone-general": "bone_general",
    "bone-regions": "bone_regions",
    "bone-regions-fine": "bone_regions",
    **{f"bone-{part}": "bone_part" for part in BONE_PARTS},
    "chest-14": "chest_14",
    "chest-adults": "chest_adults",
    "chest-nodule": "chest_nodule",
    "chest-opacity": "chest_opacity",
    "chest-pneumonia-whole": "chest_pneumonia",
    "chest-pneumonia-windows": "chest_pneumonia",
    "chest-pneumonia": "chest_pneumonia",
    "chest-start": "chest_start",
}
"""Name of a recipe -> module that holds it, imported only when it is asked for."""


def named(name: str) -> Recipe:
    """Recipe of a name; a module holds one as RECIPE, or several by name as RECIPES.

    Raises:
        KeyError: there is no such recipe.
    """
    module = importlib.import_module(f"xray_models.train.recipes.{RECIPES[name]}")
    found: Recipe = module.RECIPES[name] if hasattr(module, "RECIPES") else module.RECIPE
    return found

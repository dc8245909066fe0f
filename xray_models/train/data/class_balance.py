"""Balance of the classes of an epoch: how often films of each are drawn."""

from __future__ import annotations

import numpy as np

from xray_models.train.recipe import Recipe

__all__ = ["counts", "draw", "strata"]


def strata(targets: np.ndarray) -> np.ndarray:
    """Class that each film is drawn as: its rarest label, or none of them; int, (films,)."""
    present = targets > 0.5
    rarest = np.argsort(np.argsort(-present.sum(axis=0)))
    ranked = np.where(present, rarest + 1, 0).max(axis=1)
    found: np.ndarray = np.unique(ranked, return_inverse=True)[1]
    return found


def draw(classes: np.ndarray, recipe: Recipe, epoch: int) -> np.ndarray:
    """Indices of the films of one epoch, the same for the same seed and epoch.

    With balance b, a film of a class that makes up a share s is drawn with weight s**-b.

    Args:
        classes: int, (films,), as `strata` gives them.
        recipe: seed, balance and films per epoch.
        epoch: gives another draw each time.
    """
    random = np.random.default_rng((recipe.seed, epoch))
    count = recipe.films_per_epoch or len(classes)
    if recipe.balance == 0 and count <= len(classes):
        return random.permutation(len(classes))[:count]
    share = np.bincount(classes) / len(classes)
    weights = share[classes] ** -recipe.balance
    return random.choice(len(classes), size=count, p=weights / weights.sum())


def counts(targets: np.ndarray, recipe: Recipe) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Films of each class, as they are and as an epoch draws them.

    Args:
        targets: as `pipeline.targets` gives them.
        recipe: labels, seed, balance and films per epoch.

    Returns:
        Names of the classes, films of each, and films of each in the first epoch.
    """
    present = targets > 0.5
    names = recipe.labels
    if recipe.activation == "sigmoid":
        present = np.column_stack([present, ~present.any(axis=1)])
        names = (*names, f"no {names[0]}" if recipe.two_class else "none of them")
    drawn = present[draw(strata(targets), recipe, 0)]
    return names, present.sum(axis=0), drawn.sum(axis=0)

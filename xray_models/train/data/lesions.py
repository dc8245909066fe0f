"""Marked lesions of training films, where the network's input shows them."""

from __future__ import annotations

import numpy as np

from xray_models.datasets import Film
from xray_models.radiograph.preprocess import resize
from xray_models.train.recipe import Recipe

__all__ = ["boxes", "centers", "covered"]


def boxes(films: list[Film], recipe: Recipe) -> list[np.ndarray]:
    """Boxes of the marked lesions of each film, where the network's input shows them.

    Returns:
        For each film float32 of shape (lesions, 4): x0, y0, x1, y1 in 0..1 of the input.
    """
    rows, columns = recipe.input_size
    found = []
    for film in films:
        marked = np.array(film.lesions, float).reshape(-1, 4)
        if film.lesions:
            _, at = resize(film.pixels(), recipe.input_size, recipe.geometry)
            x0, y0, x1, y1 = at.box_in_input()
            marked = marked * np.tile((x1 - x0, y1 - y0), 2) + np.tile((x0, y0), 2)
            marked /= np.tile((columns, rows), 2)
        found.append(marked.astype(np.float32))
    return found


def centers(boxes: list[np.ndarray], recipe: Recipe, epoch: int) -> np.ndarray:
    """Center of one marked lesion of each film, drawn anew each epoch.

    Args:
        boxes: as `boxes` gives them.
        recipe: gives the seed.
        epoch: gives another draw each time.

    Returns:
        float32 of shape (films, 2): x and y in 0..1 of the input, NaN without a mark.
    """
    random = np.random.default_rng((recipe.seed, epoch, 1))
    found = np.full((len(boxes), 2), np.nan, np.float32)
    for index, marked in enumerate(boxes):
        if len(marked):
            x0, y0, x1, y1 = marked[random.integers(len(marked))]
            found[index] = ((x0 + x1) / 2, (y0 + y1) / 2)
    return found


def covered(boxes: list[np.ndarray], present: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Mask of the pixels that lie in a marked lesion: float32 of shape (films, *size), 0 or 1.

    A film that shows the finding but has no mark is NaN: nobody knows where it is.

    Args:
        boxes: as `boxes` gives them.
        present: bool, (films,): whether a film shows the finding.
        size: (height, width).
    """
    found = np.zeros((len(boxes), *size), np.float32)
    for index, marked in enumerate(boxes):
        if present[index] and not len(marked):
            found[index] = np.nan
        for x0, y0, x1, y1 in marked:
            rows = slice(int(y0 * size[0]), max(int(y0 * size[0]) + 1, round(float(y1) * size[0])))
            columns = slice(
                int(x0 * size[1]), max(int(x0 * size[1]) + 1, round(float(x1) * size[1]))
            )
            found[index, rows, columns] = 1.0
    return found

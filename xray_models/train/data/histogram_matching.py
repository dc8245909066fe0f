"""Histogram matching of films to each other, so that exposure does not give a class away."""

from __future__ import annotations

import numpy as np

__all__ = ["LEVELS", "distributions", "match"]

LEVELS = 256


def distributions(images: np.ndarray) -> np.ndarray:
    """Cumulative distribution of the gray levels of each film.

    Args:
        images: uint8, shape (films, height, width).

    Returns:
        float32 of shape (films, 256), ascending in 0..1: the share of pixels below the level, and
        half of those that have it.
    """
    counts = np.stack([np.bincount(one.ravel(), minlength=LEVELS) for one in images])
    below = np.cumsum(counts, axis=1) - counts / 2
    return (below / images[0].size).astype(np.float32)


def match(images: np.ndarray, own: np.ndarray, other: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Match the histogram of each film to that of another, wholly or in part.

    Args:
        images: uint8, shape (films, height, width).
        own: `distributions` of these films, shape (films, 256).
        other: `distributions` of the films to match, in the same order.
        amount: 0..1 for each film: 0 leaves it alone, 1 gives it the other's gray levels.

    Returns:
        uint8 of the shape of the images; darker pixels stay darker than lighter ones, or as dark.
    """
    levels = np.arange(LEVELS, dtype=np.float32)
    found = np.empty_like(images)
    for index, image in enumerate(images):
        if amount[index] == 0:
            found[index] = image
            continue
        matched = np.interp(own[index], other[index], levels)
        table = levels + amount[index] * (matched - levels)
        found[index] = np.round(table).astype(np.uint8)[image]
    return found

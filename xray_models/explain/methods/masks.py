"""Masks over a network's input, from coarse grids."""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["enlarged"]


def enlarged(grids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Grids brought to a size, linear between the centers of cells and flat outside them.

    Args:
        grids: float32, (masks, rows, columns).
        size: (height, width).

    Returns:
        float32, (masks, height, width).
    """
    _, rows, columns = grids.shape
    down, across = _between(rows, size[0]), _between(columns, size[1])
    return down @ grids.astype(np.float32, copy=False) @ across.T


@functools.lru_cache(maxsize=32)
def _between(cells: int, pixels: int) -> np.ndarray:
    """Linear interpolation as a matrix, float32, (pixels, cells)."""
    at = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    lower = np.minimum(at.astype(int), max(cells - 2, 0))
    share = at - lower
    matrix = np.zeros((pixels, cells), np.float32)
    matrix[np.arange(pixels), lower] = 1 - share
    matrix[np.arange(pixels), np.minimum(lower + 1, cells - 1)] += share.astype(np.float32)
    matrix.setflags(write=False)
    return matrix

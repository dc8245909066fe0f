"""RISE (Petsiuk et al. 2018, arXiv:1806.07421).

Random soft masks hide parts of the film; a pixel's heat is the mean score when it was seen, less
the mean score of all masks. Masks are random cells, enlarged and shifted by a random part of a
cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from xray_models.explain.methods.masks import enlarged
from xray_models.explain.progress import BATCH, Work

if TYPE_CHECKING:
    from xray_models.explain.pass_cache import PassCache

__all__ = ["random_masks", "rise"]


def rise(
    cache: PassCache,
    vectors: np.ndarray,
    work: Work,
    masks: int = 1000,
    cells: int = 7,
    keep: float = 0.5,
    seed: int = 0,
) -> np.ndarray:
    """RISE maps: mean score where a pixel was seen.

    Args:
        cache: what is explained.
        vectors: float32, (targets, labels).
        work: counts the passes, and stops them.
        masks: how many.
        cells: along each side of a mask before it is enlarged.
        keep: share of the cells that let the film through, 0..1.
        seed: of the masks.

    Returns:
        float32, (targets, height, width), positive where seeing helps the target.
    """
    scores = cache.once(
        ("rise", masks, cells, keep, seed),
        lambda: _scores(cache, masks, cells, keep, seed, work),
    )
    gains = (scores - scores.mean(axis=0)) @ vectors.T
    heat = np.zeros((len(vectors), *cache.size), np.float32)
    seen = np.zeros(cache.size, np.float32)
    start = 0
    for batch in random_masks(masks, cells, keep, cache.size, seed):
        heat += np.tensordot(gains[start : start + len(batch)].T, batch, axes=1)
        seen += batch.sum(axis=0)
        start += len(batch)
    return heat / np.maximum(seen, 1e-6)


def random_masks(
    count: int, cells: int, keep: float, size: tuple[int, int], seed: int
) -> Iterator[np.ndarray]:
    """Random masks of a seed, in batches of float32 in 0..1, (masks, height, width)."""
    random = np.random.default_rng(seed)
    cell = -(-size[0] // cells), -(-size[1] // cells)
    large = (cells + 1) * cell[0], (cells + 1) * cell[1]
    for start in range(0, count, BATCH):
        number = min(BATCH, count - start)
        # one cell more than asked for, so that a mask can be shifted by up to a cell
        grids = (random.random((number, cells + 1, cells + 1)) < keep).astype(np.float32)
        tops, lefts = (random.integers(0, side, number) for side in cell)
        batch = np.empty((number, *size), np.float32)
        for one, whole, top, left in zip(batch, enlarged(grids, large), tops, lefts, strict=True):
            one[:] = whole[top : top + size[0], left : left + size[1]]
        yield batch


def _scores(
    cache: PassCache, masks: int, cells: int, keep: float, seed: int, work: Work
) -> np.ndarray:
    made = random_masks(masks, cells, keep, cache.size, seed)
    return cache.masked(masks, lambda _: next(made), work)

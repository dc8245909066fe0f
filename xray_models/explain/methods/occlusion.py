"""Occlusion (Zeiler & Fergus 2014, arXiv:1311.2901).

A patch of "no film" slides over the film; a pixel's heat is what the target loses while it is
covered, averaged over the patches that cover it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xray_models.explain.progress import Work

if TYPE_CHECKING:
    from xray_models.explain.pass_cache import PassCache

__all__ = ["occlusion", "patches"]


def occlusion(
    cache: PassCache, vectors: np.ndarray, work: Work, patch: int = 32, stride: int = 16
) -> np.ndarray:
    """Occlusion maps: what the target loses while a pixel is covered.

    Args:
        cache: what is explained.
        vectors: float32, (targets, labels).
        work: counts the passes, and stops them.
        patch: side of the patch in input pixels.
        stride: step of the patch in input pixels, at most `patch`.

    Returns:
        float32, (targets, height, width), positive where covering hurts the target.

    Raises:
        ValueError: the stride is wider than the patch, so that pixels would be left out.
    """
    if not 1 <= stride <= patch:
        raise ValueError(f"The stride ({stride}) must be between 1 and the patch ({patch}).")
    spots = patches(cache.size, patch, stride)

    def masks(part: slice) -> np.ndarray:
        seen = np.ones((len(spots[part]), *cache.size), np.float32)
        for mask, spot in zip(seen, spots[part], strict=True):
            mask[spot] = 0
        return seen

    logits = cache.once(("occlusion", patch, stride), lambda: cache.masked(len(spots), masks, work))
    losses = (cache.logits - logits) @ vectors.T
    total = np.zeros((len(vectors), *cache.size), np.float32)
    times = np.zeros(cache.size, np.float32)
    for spot, loss in zip(spots, losses, strict=True):
        total[:, *spot] += loss[:, None, None]
        times[spot] += 1
    return total / times


def patches(size: tuple[int, int], patch: int, stride: int) -> list[tuple[slice, slice]]:
    """Places of the patch; the first and last stand half outside, so that corners count too."""
    down, across = (
        [
            slice(max(start, 0), min(start + patch, side))
            for start in range(stride - patch, side, stride)
        ]
        for side in size
    )
    return [(rows, columns) for rows in down for columns in across]

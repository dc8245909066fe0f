"""Integrated Gradients (Sundararajan et al. 2017, arXiv:1703.01365).

The gradient along the path from "no film" to the film, times the path: the pixels' parts add up to
the difference of the two scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xray_models.explain.progress import Work

if TYPE_CHECKING:
    from xray_models.explain.pass_cache import PassCache

__all__ = ["integrated_gradients"]


def integrated_gradients(
    cache: PassCache, vectors: np.ndarray, work: Work, steps: int = 32
) -> np.ndarray:
    """Integrated Gradients maps: each pixel's part in the score.

    Args:
        cache: what is explained; its baseline is where the path begins.
        vectors: float32, (targets, labels).
        work: counts the passes, and stops them.
        steps: points on the path, each in the middle of its stretch.

    Returns:
        float32, (targets, height, width), summed over channels, positive where a pixel speaks for
        the target; adds up to the score less the baseline's, up to the error of the steps.
    """
    path = cache.inputs - cache.baseline
    shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
    heats = []
    for vector in vectors:
        total = np.zeros(cache.inputs.shape[1:], np.float32)
        for part in work.batches(steps, 4):
            points = cache.baseline + shares[part, None, None, None] * path
            total += cache.network.input_gradient(points, vector).sum(axis=0)
        heats.append((total / steps * path[0]).sum(axis=-1))
    return np.stack(heats)

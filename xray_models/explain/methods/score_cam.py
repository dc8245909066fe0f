"""Score-CAM (Wang et al. 2020, arXiv:1910.01279).

Each channel, enlarged to the input and scaled to 0..1, is laid over the film as a mask; the score
of what it lets through is its weight, by softmax over the channels. Channels go through the network
in batches, and channels without any shape of their own, which all mask everything, go once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xray_models.explain.methods.grad_cam import weighted
from xray_models.explain.methods.masks import enlarged
from xray_models.explain.progress import Work

if TYPE_CHECKING:
    from xray_models.explain.pass_cache import PassCache

__all__ = ["score_cam"]


def score_cam(
    cache: PassCache, vectors: np.ndarray, layer: str, work: Work, top: int = 0
) -> np.ndarray:
    """Score-CAM maps: channels weighted by the score of the film seen through them.

    Args:
        cache: what is explained.
        vectors: float32, (targets, labels).
        layer: whose channels are the masks.
        work: counts the passes, and stops them.
        top: only the channels that vary most over the grid, this many; 0 for all.

    Returns:
        float32, (targets, rows, columns), positive where it speaks for the target.
    """
    activation = cache.activation(layer)
    channels = activation.shape[-1]
    chosen = np.argsort(-activation.std(axis=(0, 1)), kind="stable")[: top or channels]
    scores = cache.once(
        ("score", layer, len(chosen)), lambda: _scores(cache, activation[..., chosen], work)
    )
    from scipy.special import softmax  # not needed to list the methods

    weights = softmax(vectors @ scores.T, axis=1)
    return weighted(activation[..., chosen], weights)


def _scores(cache: PassCache, activation: np.ndarray, work: Work) -> np.ndarray:
    """Logits of the film seen through each channel, (channels, labels)."""
    low, high = activation.min(axis=(0, 1)), activation.max(axis=(0, 1))
    flat = high - low <= 1e-8
    shaped = np.flatnonzero(~flat)
    scaled = (activation - low) / np.where(flat, 1.0, high - low)

    def masks(part: slice) -> np.ndarray:
        return enlarged(np.moveaxis(scaled[..., shaped[part]], -1, 0), cache.size)

    scores = np.empty((activation.shape[-1], len(cache.logits)), np.float32)
    if len(shaped):
        scores[shaped] = cache.masked(len(shaped), masks, work)
    if flat.any():
        scores[flat] = cache.masked(1, lambda _: np.zeros((1, *cache.size), np.float32), work)
    return scores

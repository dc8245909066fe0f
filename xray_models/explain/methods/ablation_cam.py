"""Ablation-CAM (Desai & Ramaswamy 2020, doi 10.1109/WACV45572.2020.9093360).

A channel's weight is what the target loses without it. Only the part of the network above the layer
is run again; under global average pooling and a linear head not even that: the loss of channel k
is its head weight times its mean. The paper divides by the score, which turns the map upside down
where the logit is below zero (a probability below 0.5); the division only scales, so it is left
out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xray_models.explain.methods.grad_cam import weighted
from xray_models.explain.progress import Work

if TYPE_CHECKING:
    from xray_models.explain.pass_cache import PassCache

__all__ = ["ablation_cam"]


def ablation_cam(cache: PassCache, vectors: np.ndarray, layer: str, work: Work) -> np.ndarray:
    """Ablation-CAM maps: channels weighted by what the target loses without them.

    Args:
        cache: what is explained.
        vectors: float32, (targets, labels).
        layer: whose channels are taken away.
        work: counts the passes, and stops them.

    Returns:
        float32, (targets, rows, columns), positive where it speaks for the target.
    """
    losses = cache.once(("ablation", layer), lambda: _losses(cache, layer, work))
    return weighted(cache.activation(layer), vectors @ losses.T)


def _losses(cache: PassCache, layer: str, work: Work) -> np.ndarray:
    """Logits less those without a channel, (channels, labels)."""
    activation, head = cache.activation(layer), cache.head(layer)
    if head is not None:
        return activation.mean(axis=(0, 1))[:, None] * head
    alive = np.flatnonzero(activation.any(axis=(0, 1)))  # taking away nothing changes nothing

    def without(part: slice) -> np.ndarray:
        channels = alive[part]
        changed = np.repeat(activation[None], len(channels), axis=0)
        changed[np.arange(len(channels)), :, :, channels] = 0
        return changed

    losses = np.zeros((activation.shape[-1], len(cache.logits)), np.float32)
    if len(alive):
        # not `cache.logits`: that pass may be in half precision, and each loss is small
        whole = cache.rest(layer, 1, lambda _: activation[None], Work())
        losses[alive] = whole - cache.rest(layer, len(alive), without, work)
    return losses

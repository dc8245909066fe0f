"""Guided backpropagation (Springenberg et al. 2015, arXiv:1412.6806) and guided Grad-CAM.

Going back, a ReLU passes only what is positive: fine lines that look convincing. They hardly
change when the weights are scrambled (Adebayo et al. 2018, arXiv:1810.03292), so they show the
film's edges more than the model's reasons. The rule is made for ReLU and for nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xray_models.explain.methods.grad_cam import grad_cam
from xray_models.explain.methods.masks import enlarged
from xray_models.explain.progress import Work

if TYPE_CHECKING:
    from xray_models.explain.pass_cache import PassCache

__all__ = ["guided_backprop", "guided_grad_cam"]


def guided_backprop(cache: PassCache, vectors: np.ndarray, work: Work) -> np.ndarray:
    """Guided gradients by the pixels, where only positive gradients pass a ReLU.

    Args:
        cache: what is explained, a network with ReLU only.
        vectors: float32, (targets, labels).
        work: counts the passes, and stops them.

    Returns:
        float32, (targets, height, width), summed over channels.
    """
    heats = []
    for vector in vectors:
        for _ in work.batches(1):
            gradient = cache.network.input_gradient(cache.inputs, vector, guided=True)
            heats.append(gradient[0].sum(axis=-1))
    return np.stack(heats)


def guided_grad_cam(cache: PassCache, vectors: np.ndarray, layer: str, work: Work) -> np.ndarray:
    """Guided Grad-CAM maps: guided backpropagation where Grad-CAM is hot.

    Selvaraju et al. 2017, arXiv:1610.02391.

    Args:
        cache: what is explained, a network with ReLU only.
        vectors: float32, (targets, labels).
        layer: of Grad-CAM.
        work: counts the passes, and stops them.

    Returns:
        float32, (targets, height, width).
    """
    coarse = grad_cam(cache.activation(layer), cache.gradients(vectors, layer))
    where = enlarged(np.maximum(coarse, 0), cache.size)
    return guided_backprop(cache, vectors, work) * where

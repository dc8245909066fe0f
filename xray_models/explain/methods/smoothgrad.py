"""SmoothGrad (Smilkov et al. 2017, arXiv:1706.03825).

The gradient of the target by the pixels, averaged over copies of the film with noise. Its size is
drawn, not its sign: it says where the model is sensitive, not for or against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xray_models.explain.progress import Work

if TYPE_CHECKING:
    from xray_models.explain.pass_cache import PassCache

__all__ = ["smoothgrad"]


def smoothgrad(
    cache: PassCache,
    vectors: np.ndarray,
    work: Work,
    samples: int = 16,
    noise: float = 0.15,
    seed: int = 0,
) -> np.ndarray:
    """SmoothGrad maps: size of the mean gradient under noise.

    Args:
        cache: what is explained.
        vectors: float32, (targets, labels).
        work: counts the passes, and stops them.
        samples: noisy copies of the film.
        noise: standard deviation, as a share of the input's range; 0 with one sample is the plain
            gradient of Simonyan et al. 2013 (arXiv:1312.6034).
        seed: of the noise.

    Returns:
        float32, (targets, height, width), the sum over channels: a film is gray, its channels move
        together.
    """
    spread = noise * float(np.ptp(cache.inputs))
    heats = []
    for vector in vectors:
        random = np.random.default_rng(seed)  # the same noise for every target

        def make(part: slice, random: np.random.Generator = random) -> np.ndarray:
            shape = (part.stop - part.start, *cache.size, 1)  # gray noise on a gray film
            return cache.inputs + spread * random.standard_normal(shape, np.float32)

        total = np.zeros(cache.inputs.shape[1:], np.float32)
        for part in work.batches(samples, 4):
            total += cache.network.input_gradient(make(part), vector).sum(axis=0)
        heats.append(np.abs(total.sum(axis=-1)) / samples)
    return np.stack(heats)

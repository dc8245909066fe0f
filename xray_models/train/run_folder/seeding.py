"""Seeding of dropout: it falls alike in an epoch, whether training was stopped before it or not."""

from __future__ import annotations

import keras
import numpy as np

__all__ = ["reseed"]


def reseed(network: keras.Model, seed: int, epoch: int) -> None:
    """Seed a network's own randomness for an epoch: no weights file keeps it.

    Args:
        network: a flat network, as `networks.build` makes it.
        seed: of the training.
        epoch: gives other numbers each time.
    """
    random = np.random.default_rng((seed, epoch, 3))
    for layer in network.layers:
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign(random.integers(2**32, size=2, dtype=np.uint32))

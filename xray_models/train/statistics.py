"""Batch normalization's statistics, taken anew over films as they are read.

Training sees changed films, and an average of weights has statistics of no network at all. So the
last step recomputes them with the weights that are kept (Wu & Johnson 2021, arXiv:2105.07576).
"""

from __future__ import annotations

import keras
import numpy as np

from xray_models.train import batches
from xray_models.train.recipe import Recipe

FILMS = 1024
"""How many training films are passed; more change the statistics little."""

_BATCH = 32


def settle(network: keras.Model, images: np.ndarray, recipe: Recipe) -> None:
    """Replace the moving means and variances by means over batches of unchanged films, in place.

    Args:
        network: any; without batch normalization nothing happens.
        images: uint8 training films at the input size, (films, height, width).
        recipe: scaling and seed.
    """
    layers = [one for one in network.layers if isinstance(one, keras.layers.BatchNormalization)]
    if not layers:
        return
    order = np.random.default_rng(recipe.seed).permutation(len(images))[:FILMS]
    momentum = [layer.momentum for layer in layers]
    for done, first in enumerate(range(0, len(order), _BATCH)):
        for layer in layers:
            layer.momentum = done / (done + 1)  # moving averages become plain means
        network(batches.inputs(images[order[first : first + _BATCH]], recipe), training=True)
    for layer, value in zip(layers, momentum, strict=True):
        layer.momentum = value

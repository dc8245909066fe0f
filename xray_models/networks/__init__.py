"""Architectures in code: a new one is one module and one entry in `_BACKBONES`.

Every network is a flat functional graph, so that any layer can be explained. It takes float32
images of shape (batch, height, width, 3), scaled as its card says, and returns raw logits of shape
(batch, labels).
"""

from __future__ import annotations

from collections.abc import Callable

import keras

from xray_models.networks.densenet import densenet121, densenet169
from xray_models.networks.efficientnet import efficientnet_b0
from xray_models.networks.vgg import vgg16

_BACKBONES: dict[str, Callable[[tuple[int, int]], keras.Model]] = {
    "densenet121": densenet121,
    "densenet169": densenet169,
    "efficientnetb0": efficientnet_b0,
    "vgg16": vgg16,
}

ARCHITECTURES = tuple(_BACKBONES)


def build(
    architecture: str, input_size: tuple[int, int], labels: int, dropout: float = 0.0
) -> keras.Model:
    """Build an untrained network: backbone, global average pooling, one linear layer.

    Args:
        architecture: one of `ARCHITECTURES`.
        input_size: (height, width) in pixels, both at least 32.
        labels: number of logits.
        dropout: share of pooled features dropped in training; 0 adds no layer's effect at
        inference.

    Returns:
        A flat functional model, (batch, height, width, 3) -> (batch, labels) logits in float32.

    Raises:
        ValueError: for an unknown architecture.
    """
    if architecture not in _BACKBONES:
        raise ValueError(
            f"Unknown architecture {architecture!r}. Known: {', '.join(ARCHITECTURES)}."
        )
    backbone = _BACKBONES[architecture](input_size)
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(backbone.output)
    if dropout:
        pooled = keras.layers.Dropout(dropout, name="pooled_dropout")(pooled)
    logits = keras.layers.Dense(labels, name="logits", dtype="float32")(pooled)
    return keras.Model(backbone.input, logits, name=architecture)


def last_activation(network: keras.Model) -> str:
    """Name of the layer whose output the pooling layer reads: the default layer of Grad-CAM."""
    return network.get_layer("pooled").input._keras_history.operation.name

"""Architectures in code: a new one is one module and one entry in `_BACKBONES`.

Every network is a flat functional graph, so that any layer can be explained. It takes float32
images of shape (batch, height, width, 3), scaled as its card says, and returns raw logits of shape
(batch, labels). The names of the architectures cost nothing: a module, and with it TensorFlow, is
imported when its network is built.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

__all__ = ["ARCHITECTURES", "build", "last_activation"]

# architecture: module of this package, and its function (input size) -> network without a head
_BACKBONES = {
    "densenet121": (".densenet", "densenet121"),
    "densenet169": (".densenet", "densenet169"),
    "efficientnetb0": (".efficientnet", "efficientnet_b0"),
    "mobilenet": (".mobilenet", "mobilenet"),
    "mobilenetv2": (".mobilenet", "mobilenet_v2"),
    "vgg16": (".vgg", "vgg16"),
    "vgg16-pool5": (".vgg_codes", "vgg16_pool5"),
}

# with a head of their own: (input size, number of labels, dropout) -> network
_WHOLE = {
    "efficientnetb0-local": (".efficientnet", "efficientnet_b0_local"),
    **{
        f"{name}-unified{pooling.replace('_', '-')}": (".unified", f"{maker}_unified{pooling}")
        for name, maker in (("densenet121", "densenet121"), ("efficientnetb0", "efficientnet_b0"))
        for pooling in ("", "_average", "_max")
    },
    "vgg16-fc": (".vgg", "vgg16_fc"),
    "vgg16-flat": (".vgg", "vgg16_flat"),
    "vgg16-codes": (".vgg_codes", "vgg16_codes"),
}

ARCHITECTURES = (*_BACKBONES, *_WHOLE)


def build(
    architecture: str, input_size: tuple[int, int], labels: int, dropout: float = 0.0
) -> keras.Model:
    """Build an untrained network: backbone, global average pooling, one linear layer.

    "vgg16-codes" has two hidden layers in between, and its pooling is named "codes";
    "efficientnetb0-local" has a map of local logits beside the pooling. "...-unified" has a
    transition layer and log-sum-exp pooling, "-average" and "-max" the pooling they name. "vgg16"
    leaves out VGG16's fifth pooling, "vgg16-pool5" keeps it; "vgg16-flat" and "vgg16-fc" flatten
    it, and the latter has VGG16's own hidden layers.

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
    if architecture not in _BACKBONES and architecture not in _WHOLE:
        raise ValueError(
            f"Unknown architecture {architecture!r}. Known: {', '.join(ARCHITECTURES)}."
        )
    if architecture in _WHOLE:
        return _function(*_WHOLE[architecture])(input_size, labels, dropout)
    backbone = _function(*_BACKBONES[architecture])(input_size)
    import keras

    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(backbone.output)
    if dropout:
        pooled = keras.layers.Dropout(dropout, name="pooled_dropout")(pooled)
    logits = keras.layers.Dense(labels, name="logits", dtype="float32")(pooled)
    return keras.Model(backbone.input, logits, name=architecture)


def _function(module: str, name: str) -> Callable[..., Any]:
    import tensorflow  # noqa: F401 - before keras: see pyproject.toml

    return getattr(importlib.import_module(module, __name__), name)


def last_activation(network: keras.Model) -> str:
    """Name of the last activation, which the pooling layer reads: the default layer of Grad-CAM.

    Of VGG16 codes it is the last convolution, before the fifth pooling: twice the resolution. Of a
    network with a local map it is that map.
    """
    import tensorflow  # noqa: F401 - before keras: see pyproject.toml
    import keras

    from xray_models.networks import local

    names = {layer.name for layer in network.layers}
    if local.LAYER in names:
        return local.LAYER
    layer = network.get_layer("pooled" if "pooled" in names else "codes")
    before = layer.input._keras_history.operation
    if isinstance(before, keras.layers.MaxPooling2D):
        before = before.input._keras_history.operation
    return before.name

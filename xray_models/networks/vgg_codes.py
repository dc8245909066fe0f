"""VGG16 codes and the 512-512 network on them, as Xvision has them (github.com/ayush1997/Xvision).

The codes are the output of VGG16's fifth pooling. They never change in training, so they are
computed once (`xray_models.codes`), and only the small network on top is trained. Put together,
both are one flat network that can be explained like any other.
"""

from __future__ import annotations

import keras

__all__ = [
    "POOL",
    "POOLS",
    "head",
    "head_network",
    "pooling",
    "put_together",
    "vgg16_codes",
    "vgg16_pool5",
]

POOLS = ("mean", "flatten")
"""What becomes of the grid of codes: its mean, or all of it, as in Xvision."""

POOL = "flatten"
"""The pooling of the architecture "vgg16-codes", as cards name it."""

_UNITS = 512


def vgg16_pool5(input_size: tuple[int, int]) -> keras.Model:
    """VGG16 with its fifth pooling: (batch, h, w, 3) -> (batch, h/32, w/32, 512).

    Its layers are named as in `vgg16`, so that the same pretrained starts fit.
    """
    full = keras.applications.VGG16(weights=None, include_top=False, input_shape=(*input_size, 3))
    return keras.Model(full.input, full.output, name="vgg16")


def pooling(pool: str) -> keras.layers.Layer:
    """Layer "codes": a grid of codes -> one vector.

    Raises:
        ValueError: for an unknown kind of pooling.
    """
    if pool not in POOLS:
        raise ValueError(f"Unknown pooling {pool!r}. Known: {', '.join(POOLS)}.")
    if pool == "mean":
        return keras.layers.GlobalAveragePooling2D(name="codes")
    return keras.layers.Flatten(name="codes")


def head(codes: keras.KerasTensor, labels: int, dropout: float = 0.0) -> keras.KerasTensor:
    """Head of two layers of 512 units with batch normalization, and one of logits.

    Args:
        codes: (batch, features).
        labels: number of logits.
        dropout: share of each hidden layer's units dropped in training; 0 leaves the layers out.

    Returns:
        Raw logits in float32, (batch, labels).
    """
    found = codes
    for name in ("dense1", "dense2"):
        # no bias: the batch normalization that follows would take it away again
        found = keras.layers.Dense(_UNITS, use_bias=False, name=name)(found)
        found = keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.9, name=f"{name}_bn")(
            found
        )
        found = keras.layers.Activation("relu", name=f"{name}_relu")(found)
        if dropout:
            found = keras.layers.Dropout(dropout, name=f"{name}_dropout")(found)
    return keras.layers.Dense(labels, name="logits", dtype="float32")(found)


def head_network(features: int, labels: int, dropout: float = 0.0) -> keras.Model:
    """Network of the head alone, to train on codes: (batch, features) -> (batch, labels) logits."""
    codes = keras.Input((features,), name="codes")
    return keras.Model(codes, head(codes, labels, dropout), name="codes-head")


def vgg16_codes(
    input_size: tuple[int, int], labels: int, dropout: float = 0.0, pool: str = POOL
) -> keras.Model:
    """Network of convolutions, codes and head: (batch, h, w, 3) -> (batch, labels) logits.

    Raises:
        ValueError: for an unknown kind of pooling.
    """
    convolutions = vgg16_pool5(input_size)
    logits = head(pooling(pool)(convolutions.output), labels, dropout)
    return keras.Model(convolutions.input, logits, name="vgg16-codes")


def put_together(network: keras.Model, convolutions: keras.Model, trained: keras.Model) -> None:
    """Copy convolutions and a trained head into a network of `vgg16_codes` in place.

    Args:
        network: of `vgg16_codes`, with the pooling that the head was trained on.
        convolutions: of `vgg16_pool5`.
        trained: of `head_network`.
    """
    donors = {layer.name: layer for part in (convolutions, trained) for layer in part.layers}
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(donors[layer.name].get_weights())

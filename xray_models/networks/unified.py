"""Unified networks of Wang et al. 2017 (arXiv:1705.02315): a transition, a pooling, a prediction.

The transition takes a backbone's grid to maps of one size. Pooling takes each map to a number, and
a linear layer those to logits. The same linear layer, laid over the maps, gives a map for each
label: the class activation. Log-sum-exp pooling lies between the mean (r near 0) and the maximum
(r large); its r is a weight, which is given, or learned.
"""

from __future__ import annotations

from functools import partial

import tensorflow  # noqa: F401 - before keras: see pyproject.toml
import keras
import numpy as np

from xray_models.networks.densenet import densenet121
from xray_models.networks.efficientnet import efficientnet_b0

__all__ = [
    "POOLINGS",
    "TRANSITION",
    "LogSumExp",
    "class_activation",
    "densenet121_unified",
    "densenet121_unified_average",
    "densenet121_unified_max",
    "efficientnet_b0_unified",
    "efficientnet_b0_unified_average",
    "efficientnet_b0_unified_max",
    "on_backbone",
    "set_r",
]

POOLINGS = ("lse", "average", "max")
TRANSITION = "transition"
"""The layer whose output the pooling reads: (batch, rows, columns, channels), not negative."""

_CHANNELS = 1024  # of the transition, as in the paper
_R = 10.0  # in the paper the best of those tried
_LEAST_R = 1e-2  # below it the mean, and division by nearly nothing


@keras.saving.register_keras_serializable("radlens")
class LogSumExp(keras.layers.Layer):
    """Log-sum-exp pooling: log(mean(exp(r x))) / r over rows and columns, for each channel.

    Args:
        r: to begin with; the weight "r" holds it from then on.
    """

    def __init__(self, r: float = _R, **options: object) -> None:
        super().__init__(**options)
        self._start = r

    def build(self, _: object) -> None:
        """Make the weight."""
        self.r = self.add_weight(
            name="r", shape=(1,), initializer=keras.initializers.Constant(self._start)
        )

    def call(self, maps: keras.KerasTensor) -> keras.KerasTensor:
        """Pooled maps: (batch, rows, columns, channels) -> (batch, channels)."""
        r = keras.ops.maximum(self.r, _LEAST_R)
        top = keras.ops.max(maps, axis=(1, 2), keepdims=True)
        # relative to the maximum, no exponential grows beyond 1
        mean = keras.ops.mean(keras.ops.exp(r * (maps - top)), axis=(1, 2))
        return keras.ops.squeeze(top, (1, 2)) + keras.ops.log(mean) / r

    def get_config(self) -> dict[str, object]:
        """What the layer is made from."""
        return super().get_config() | {"r": self._start}


def on_backbone(
    backbone: keras.Model,
    labels: int,
    dropout: float = 0.0,
    pooling: str = "lse",
    channels: int = _CHANNELS,
    name: str = "unified",
) -> keras.Model:
    """Unified network on a backbone.

    Args:
        backbone: without a head, (batch, h, w, 3) -> (batch, rows, columns, channels).
        labels: number of logits.
        dropout: share of pooled features dropped in training.
        pooling: one of `POOLINGS`.
        channels: of the transition.
        name: of the network.

    Returns:
        (batch, h, w, 3) -> (batch, labels) logits in float32.

    Raises:
        ValueError: there is no such pooling.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"There is no pooling {pooling!r}. Choose {', '.join(POOLINGS)}.")
    layers = keras.layers
    maps = layers.Conv2D(channels, 3, padding="same", use_bias=False, name="transition_conv")(
        backbone.output
    )
    maps = layers.BatchNormalization(name="transition_bn")(maps)
    maps = layers.Activation("relu", name=TRANSITION, dtype="float32")(maps)
    pool = {
        "lse": lambda: LogSumExp(name="pooled", dtype="float32"),
        "average": lambda: layers.GlobalAveragePooling2D(name="pooled"),
        "max": lambda: layers.GlobalMaxPooling2D(name="pooled"),
    }[pooling]()
    pooled = pool(maps)
    if dropout:
        pooled = layers.Dropout(dropout, name="pooled_dropout")(pooled)
    logits = layers.Dense(labels, name="logits", dtype="float32")(pooled)
    return keras.Model(backbone.input, logits, name=name)


def set_r(network: keras.Model, r: float, learned: bool) -> None:
    """Set r of a network with log-sum-exp pooling, and say whether training may change it.

    Raises:
        ValueError: the network has no such pooling, or r is not above 0.
    """
    layer = network.get_layer("pooled")
    if not isinstance(layer, LogSumExp):
        raise ValueError(f"{network.name} has no log-sum-exp pooling, so it takes no r.")
    if not r > 0:
        raise ValueError(f"r is {r:g}; it must be above 0.")
    layer.r.assign([r])
    layer.trainable = learned


def class_activation(network: keras.Model) -> keras.Model:
    """Network that also gives the class activation: (logits, maps (batch, rows, columns, labels)).

    Maps are the prediction layer's weighted sums of the transition's maps, without its bias.
    """
    maps = network.get_layer(TRANSITION).output
    kernel = np.asarray(network.get_layer("logits").kernel)
    weighted = keras.layers.Conv2D(
        kernel.shape[1],
        1,
        use_bias=False,
        kernel_initializer=keras.initializers.Constant(0.0),
        name="class_activation",
        dtype="float32",
    )
    heat = weighted(maps)
    weighted.set_weights([kernel[None, None]])
    return keras.Model(network.input, [network.output, heat])


def _densenet121(
    input_size: tuple[int, int], labels: int, dropout: float = 0.0, *, pooling: str, name: str
) -> keras.Model:
    return on_backbone(densenet121(input_size), labels, dropout, pooling, name=name)


def _efficientnet_b0(
    input_size: tuple[int, int], labels: int, dropout: float = 0.0, *, pooling: str, name: str
) -> keras.Model:
    return on_backbone(efficientnet_b0(input_size), labels, dropout, pooling, name=name)


densenet121_unified, densenet121_unified_average, densenet121_unified_max = (
    partial(_densenet121, pooling=one, name=name)
    for one, name in zip(
        POOLINGS,
        ("densenet121-unified", "densenet121-unified-average", "densenet121-unified-max"),
        strict=True,
    )
)
efficientnet_b0_unified, efficientnet_b0_unified_average, efficientnet_b0_unified_max = (
    partial(_efficientnet_b0, pooling=one, name=name)
    for one, name in zip(
        POOLINGS,
        ("efficientnetb0-unified", "efficientnetb0-unified-average", "efficientnetb0-unified-max"),
        strict=True,
    )
)

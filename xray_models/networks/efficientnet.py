"""EfficientNetB0 (Tan & Le 2019, arXiv:1905.11946) as the package `efficientnet` builds it."""

import keras
from efficientnet import tfkeras

from xray_models.networks import local

__all__ = ["efficientnet_b0", "efficientnet_b0_local"]


def efficientnet_b0(input_size: tuple[int, int]) -> keras.Model:
    """EfficientNetB0 without its head: (batch, h, w, 3) -> (batch, h/32, w/32, 1280)."""
    return tfkeras.EfficientNetB0(weights=None, include_top=False, input_shape=(*input_size, 3))


def efficientnet_b0_local(
    input_size: tuple[int, int], labels: int, dropout: float = 0.0
) -> keras.Model:
    """EfficientNetB0 with a map of cells of 16 pixels beside its pooling; sides in steps of 32."""
    return local.with_local_map(
        efficientnet_b0(input_size),
        "block6a_expand_activation",
        labels,
        dropout,
        "efficientnetb0-local",
    )

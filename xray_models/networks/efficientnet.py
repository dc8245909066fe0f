"""EfficientNetB0 (Tan & Le 2019, arXiv:1905.11946) as the package `efficientnet` builds it."""

import keras
from efficientnet import tfkeras


def efficientnet_b0(input_size: tuple[int, int]) -> keras.Model:
    """EfficientNetB0 without its head: (batch, h, w, 3) -> (batch, h/32, w/32, 1280)."""
    return tfkeras.EfficientNetB0(weights=None, include_top=False, input_shape=(*input_size, 3))

"""MobileNet and MobileNetV2 as keras.applications builds them.

Howard et al. 2017, arXiv:1704.04861; Sandler et al. 2018, arXiv:1801.04381.
"""

import keras

__all__ = ["mobilenet", "mobilenet_v2"]


def mobilenet(input_size: tuple[int, int]) -> keras.Model:
    """MobileNet without its head: (batch, h, w, 3) -> (batch, h/32, w/32, 1024)."""
    return keras.applications.MobileNet(
        weights=None, include_top=False, input_shape=(*input_size, 3)
    )


def mobilenet_v2(input_size: tuple[int, int]) -> keras.Model:
    """MobileNetV2 without its head: (batch, h, w, 3) -> (batch, h/32, w/32, 1280)."""
    return keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(*input_size, 3)
    )

"""VGG16 (Simonyan & Zisserman 2015, arXiv:1409.1556) as keras.applications builds it."""

import keras

__all__ = ["vgg16"]


def vgg16(input_size: tuple[int, int]) -> keras.Model:
    """VGG16 up to its last convolution: (batch, h, w, 3) -> (batch, h/16, w/16, 512).

    The fifth pooling is left out: the head pools globally, and the heatmaps gain a factor of two.
    """
    full = keras.applications.VGG16(weights=None, include_top=False, input_shape=(*input_size, 3))
    return keras.Model(full.input, full.get_layer("block5_conv3").output)

"""DenseNet (Huang et al. 2017, arXiv:1608.06993) as keras.applications builds it."""

import keras

__all__ = ["densenet121", "densenet169"]


def densenet121(input_size: tuple[int, int]) -> keras.Model:
    """DenseNet121 without its head: (batch, h, w, 3) -> (batch, h/32, w/32, 1024)."""
    return keras.applications.DenseNet121(
        weights=None, include_top=False, input_shape=(*input_size, 3)
    )


def densenet169(input_size: tuple[int, int]) -> keras.Model:
    """DenseNet169 without its head: (batch, h, w, 3) -> (batch, h/32, w/32, 1664)."""
    return keras.applications.DenseNet169(
        weights=None, include_top=False, input_shape=(*input_size, 3)
    )

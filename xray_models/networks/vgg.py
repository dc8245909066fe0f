"""VGG16 (Simonyan & Zisserman 2015, arXiv:1409.1556) as keras.applications builds it."""

import keras

from xray_models.networks.vgg_codes import vgg16_pool5

__all__ = ["vgg16", "vgg16_fc", "vgg16_flat"]

_UNITS = 4096  # of each hidden layer of VGG16's own head


def vgg16(input_size: tuple[int, int]) -> keras.Model:
    """VGG16 up to its last convolution: (batch, h, w, 3) -> (batch, h/16, w/16, 512).

    The fifth pooling is left out: the head pools globally, and the heatmaps gain a factor of two.
    """
    full = keras.applications.VGG16(weights=None, include_top=False, input_shape=(*input_size, 3))
    return keras.Model(full.input, full.get_layer("block5_conv3").output)


def vgg16_flat(input_size: tuple[int, int], labels: int, dropout: float = 0.0) -> keras.Model:
    """VGG16 with one linear layer on all that its fifth pooling gives.

    (batch, h, w, 3) -> (batch, labels) logits in float32.
    """
    return _flattened(input_size, labels, dropout, (), "vgg16-flat")


def vgg16_fc(input_size: tuple[int, int], labels: int, dropout: float = 0.0) -> keras.Model:
    """VGG16 with its own head: two layers of 4,096 units with ReLU, fc1 and fc2, then logits.

    (batch, h, w, 3) -> (batch, labels) logits in float32.
    """
    return _flattened(input_size, labels, dropout, ("fc1", "fc2"), "vgg16-fc")


def _flattened(
    input_size: tuple[int, int], labels: int, dropout: float, hidden: tuple[str, ...], name: str
) -> keras.Model:
    convolutions = vgg16_pool5(input_size)
    found = keras.layers.Flatten(name="codes")(convolutions.output)
    for layer in hidden:
        found = keras.layers.Dense(_UNITS, name=layer)(found)
        found = keras.layers.Activation("relu", name=f"{layer}_relu")(found)
        if dropout:
            found = keras.layers.Dropout(dropout, name=f"{layer}_dropout")(found)
    logits = keras.layers.Dense(labels, name="logits", dtype="float32")(found)
    return keras.Model(convolutions.input, logits, name=name)

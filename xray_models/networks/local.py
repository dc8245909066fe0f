"""Networks that read a backbone twice: as a whole, and cell by cell for something small.

Global average pooling dilutes a fracture of one cell among all the others. Here a map of logits,
one per cell, looks for it where it is; its hottest place adds to what the whole film says. Where
boxes around lesions are known, training tells the map which cells they cover.
"""

from __future__ import annotations

import keras

__all__ = ["LAYER", "Hottest", "with_local_map"]

LAYER = "local"
"""The layer whose output is the map: (batch, rows, columns, labels) logits of the cells."""

_RARE = -4.0  # logit of a cell before training: most cells show nothing


@keras.saving.register_keras_serializable("radlens")
class Hottest(keras.layers.Layer):
    """Layer that takes the hottest place of a map: the largest mean of two by two cells.

    A lesion on the border of two cells then counts as much as one in the middle. One layer, because
    a grid of such means is half a cell off: heat drawn on it would be, too.
    """

    def call(self, cells: keras.KerasTensor) -> keras.KerasTensor:
        """Hottest place of each map: (batch, rows, columns, labels) -> (batch, labels)."""
        return keras.ops.max(keras.ops.average_pool(cells, 2, strides=1), axis=(1, 2))


def with_local_map(
    backbone: keras.Model, finer: str, labels: int, dropout: float, name: str
) -> keras.Model:
    """Network with two heads on a backbone, one of the whole and one of its hottest cells.

    Args:
        backbone: without a head, (batch, h, w, 3) -> (batch, rows, columns, channels).
        finer: its layer with twice the rows and columns of its output, for the map.
        labels: number of logits.
        dropout: share of pooled features dropped in training.
        name: of the network.

    Returns:
        (batch, h, w, 3) -> (batch, labels) logits in float32.
    """
    layers = keras.layers
    whole = layers.GlobalAveragePooling2D(name="pooled")(backbone.output)
    if dropout:
        whole = layers.Dropout(dropout, name="pooled_dropout")(whole)
    whole = layers.Dense(labels, name="global", dtype="float32")(whole)

    rare = keras.initializers.Constant(_RARE)
    fine = backbone.get_layer(finer).output
    near = layers.Conv2D(labels, 1, bias_initializer=rare, name="local_fine")(fine)
    wide = layers.Conv2D(labels, 1, use_bias=False, name="local_coarse")(backbone.output)
    wide = layers.UpSampling2D(2, interpolation="bilinear", name="local_up")(wide)
    cells = layers.Add(name=LAYER, dtype="float32")([near, wide])
    hottest = Hottest(name="hottest", dtype="float32")(cells)
    hottest = layers.Dense(
        labels,
        use_bias=False,
        kernel_initializer="identity",
        name="hottest_weight",
        dtype="float32",
    )(hottest)
    logits = layers.Add(name="logits", dtype="float32")([whole, hottest])
    return keras.Model(backbone.input, logits, name=name)

"""Conversion of a network to what runs without TensorFlow: its pass, and gradients by its layers.

This takes TensorFlow and seconds. `converted` keeps what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import keras
import numpy as np

from xray_models.inference import openvino
from xray_models.inference.backward import OVERRIDES
from xray_models.inference.facts import Facts
from xray_models.inference.functions import Traced

__all__ = ["facts", "gradient", "reading"]


def facts(network: Traced, layers: Sequence[str]) -> Facts:
    """Facts of a network that a film's explanation asks about.

    Args:
        network: frozen, in float32.
        layers: that will be explained without TensorFlow.

    Raises:
        NotImplementedError: something of it is not float32.
    """
    graph = network.graph
    tensors = _tensors(network, layers)
    if any(one.dtype != "float32" for one in (graph.inputs, *tensors)):
        raise NotImplementedError("a network in another precision than float32")
    places = {id(tensor): place for place, tensor in enumerate(tensors)}
    return Facts(
        labels=network.labels,
        default_layer=network.default_layer,
        input_shape=network.input_shape,
        grids=network.grids,
        pooled=network.pooled,
        guided=network.guided,
        bypassed=graph.bypassed(),
        fronts={
            layer: tuple(places[id(one)] for one in (graph.grid(layer), *graph.crossing(layer)))
            for layer in layers
        },
        # above a pooled layer with a linear head nothing need be run
        gradients=tuple(layer for layer in layers if layer != network.pooled),
    )


def reading(network: Traced, layers: Sequence[str]) -> tuple[bytes, bytes]:
    """The pass that reads a film: one image -> the tensors that `Facts.fronts` counts, and logits.

    Raises:
        NotImplementedError, RuntimeError: it cannot be had without TensorFlow.
    """
    tensors = _tensors(network, layers)
    model = keras.Model(network.graph.inputs, tensors)
    return _portable(lambda image: model(image, training=False), [network.graph.inputs])


def gradient(network: Traced, layer: str) -> tuple[bytes, bytes]:
    """The pass back to a layer: its activation, what else crosses, one vector -> gradient.

    Raises:
        NotImplementedError, RuntimeError: it cannot be had without TensorFlow.
    """
    graph = network.graph
    crossing = [graph.grid(layer), *graph.crossing(layer)]
    above = keras.Model(crossing, graph.logits)

    def run(*values: tf.Tensor) -> list[tf.Tensor]:
        *inputs, vector = values
        with tf.compat.v1.get_default_graph().gradient_override_map(OVERRIDES):
            logits = above(list(inputs), training=False)
        return tf.gradients(tf.reduce_sum(logits * vector), inputs[0])

    return _portable(run, [*crossing, graph.logits])


def _tensors(network: Traced, layers: Sequence[str]) -> list[Any]:
    """What the pass that reads a film gives: the default layer, what cuts need, the logits."""
    graph = network.graph
    wanted = [graph.grid(network.default_layer)]
    for layer in layers:
        wanted += [graph.grid(layer), *graph.crossing(layer)]
    return [*{id(one): one for one in wanted}.values(), graph.logits]


def _portable(function: Any, inputs: Sequence[Any]) -> tuple[bytes, bytes]:
    signature = [tf.TensorSpec((1, *one.shape[1:]), np.float32) for one in inputs]
    concrete = tf.function(function, signature, autograph=False).get_concrete_function()
    given = concrete.inputs[: len(inputs)]  # behind them the variables, which become constants
    return openvino.portable(
        concrete.graph, [one.name for one in given], [one.name for one in concrete.outputs]
    )

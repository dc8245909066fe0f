"""Graphs compiled for the processor: the same answers, for many at once, and nobody is told."""

import sys
from concurrent.futures import ThreadPoolExecutor

import tensorflow as tf
import keras
import numpy as np
import pytest
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from xray_models.inference import openvino

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def graph():
    """One image of any batch to a grid and a mean, with weights as constants."""
    kernel = tf.Variable(np.random.default_rng(1).normal(size=(3, 3, 3, 4)).astype(np.float32))

    def run(images):
        grid = tf.nn.relu(tf.nn.conv2d(images, kernel, 2, "SAME"))
        return [grid, tf.reduce_mean(grid, axis=(1, 2))]

    shape = tf.TensorSpec((None, 16, 12, 3), tf.float32)
    return convert_variables_to_constants_v2(tf.function(run, [shape]).get_concrete_function())


def expected(graph, images):
    return [one.numpy() for one in graph(tf.constant(images))]


@pytest.mark.parametrize("count", [1, 2, 16])
def test_the_answers_are_those_of_tensorflow_in_their_order(graph, count):
    names = [tensor.name for tensor in graph.outputs]
    run = openvino.compiled(graph.graph, names, bfloat16=False)
    images = np.random.default_rng(count).normal(size=(count, 16, 12, 3)).astype(np.float32)
    for ours, theirs in zip(run(images), expected(graph, images), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    turned = openvino.compiled(graph.graph, names[::-1], bfloat16=False)(images)
    assert [one.ndim for one in turned] == [2, 4]


def test_threads_do_not_mix_their_films(graph):
    run = openvino.compiled(graph.graph, [graph.outputs[1].name], bfloat16=False)
    films = [np.full((1, 16, 12, 3), value, np.float32) for value in range(24)]
    wanted = [expected(graph, film)[1] for film in films]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for found, right in zip(pool.map(run, films), wanted, strict=True):
                np.testing.assert_allclose(found[0], right, rtol=1e-4, atol=1e-5)


def test_an_answer_stays_when_the_next_film_is_read(graph):
    run = openvino.compiled(graph.graph, [graph.outputs[0].name], bfloat16=False)
    first = run(np.ones((1, 16, 12, 3), np.float32))[0]
    before = first.copy()
    run(np.zeros((1, 16, 12, 3), np.float32))
    np.testing.assert_array_equal(first, before)


def test_nothing_is_reported_to_anyone(graph):
    openvino.compiled(graph.graph, [graph.outputs[0].name], bfloat16=False)
    with pytest.raises(ImportError):
        import openvino_telemetry  # noqa: F401
    assert not [name for name in sys.modules if name.startswith("openvino_telemetry.")]


def test_a_sigmoid_head_and_a_gate_go_through():
    """Layers that networks of the catalogue have beside convolutions."""
    image = keras.Input((32, 32, 3))
    grid = keras.layers.Conv2D(8, 3, activation="swish")(image)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(grid)
    grid = keras.layers.Multiply()([grid, keras.layers.Conv2D(8, 1, activation="sigmoid")(gate)])
    grid = keras.layers.UpSampling2D(2, interpolation="bilinear")(grid)
    network = keras.Model(image, keras.layers.GlobalMaxPooling2D()(grid))
    shape = tf.TensorSpec((None, 32, 32, 3), tf.float32)
    made = tf.function(lambda x: [network(x, training=False)], [shape]).get_concrete_function()
    constant = convert_variables_to_constants_v2(made)
    run = openvino.compiled(constant.graph, [constant.outputs[0].name], bfloat16=False)
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(run(images)[0], network(images), atol=1e-4)

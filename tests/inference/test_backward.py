"""Gradients written with ordinary operations: those of TensorFlow, on every shape they take."""

import tensorflow as tf
import numpy as np
import pytest

from xray_models.inference.backward import OVERRIDES

pytestmark = pytest.mark.network


def gradients(function, image):
    """Of a weighted sum of a function's output, by TensorFlow and by what stands in for it."""
    shape = tf.TensorSpec(image.shape, tf.float32)

    def run(overrides):
        def gradient(values):
            with tf.compat.v1.get_default_graph().gradient_override_map(overrides):
                found = function(values)
            weights = np.random.default_rng(1).normal(size=found.shape).astype(np.float32)
            return tf.gradients(tf.reduce_sum(found * weights), values)[0]

        made = tf.function(gradient, [shape], autograph=False).get_concrete_function()
        return made(tf.constant(image)).numpy(), {one.type for one in made.graph.get_operations()}

    theirs, _ = run({})
    ours, operations = run(OVERRIDES)
    assert not [name for name in operations if name.endswith(("Grad", "BackpropInput"))]
    return ours, theirs


def image(rows=9, columns=7, channels=3):
    return np.random.default_rng(0).normal(size=(1, rows, columns, channels)).astype(np.float32)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("rows", [8, 9])
def test_depthwise_convolutions(rows, size, stride, padding):
    kernel = np.random.default_rng(2).normal(size=(size, size, 3, 1)).astype(np.float32)
    ours, theirs = gradients(
        lambda x: tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], padding), image(rows)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(("size", "stride"), [(2, 1), (2, 2), (3, 2)])
def test_mean_pooling(size, stride):
    ours, theirs = gradients(lambda x: tf.nn.avg_pool2d(x, size, stride, "VALID"), image())
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("rows", [8, 9])
def test_max_pooling_gives_to_the_first_of_equals(rows):
    steps = np.maximum(np.round(image(rows)), 0)  # many are equal, as behind a ReLU
    ours, theirs = gradients(lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), steps)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("size", [(18, 14), (20, 9), (5, 4)])
def test_bilinear_resizing(size):
    ours, theirs = gradients(lambda x: tf.image.resize(x, size, "bilinear"), image())
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("curve", [tf.sigmoid, tf.nn.relu, tf.nn.relu6, tf.nn.silu])
def test_curves(curve):
    ours, theirs = gradients(lambda x: curve(4 * x), image())
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_what_is_not_written_out_is_refused():
    with pytest.raises(NotImplementedError, match="beyond the border"):
        gradients(lambda x: tf.nn.avg_pool2d(x, 2, 1, "SAME"), image())
    with pytest.raises(NotImplementedError, match="overlap"):
        gradients(lambda x: tf.nn.max_pool2d(x, 3, 2, "VALID"), image())

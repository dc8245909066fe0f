"""Networks made of functions of Keras rather than layers: their curves and their ends."""

import tensorflow  # noqa: F401 - before keras: see pyproject.toml
import keras
import numpy as np
import pytest
import toy_networks as toys

from xray_models import explain, networks
from xray_models.explain import targets
from xray_models.inference import layer_graph

pytestmark = pytest.mark.network

ops = keras.ops


def through(function):
    """Image -> convolution -> a function of its grid -> mean -> two logits."""
    image = keras.Input((8, 8, 3))
    grid = function(keras.layers.Conv2D(4, 3, name="grid")(image))
    mean = keras.layers.GlobalAveragePooling2D()(grid)
    return keras.Model(image, keras.layers.Dense(2, name="logits")(mean))


class Own(keras.layers.Layer):
    """Of which nobody knows what it does."""

    def call(self, inputs):
        return keras.ops.square(inputs)


@pytest.mark.parametrize(
    "function",
    [
        ops.silu,
        ops.sigmoid,
        ops.relu6,
        ops.square,
        ops.abs,
        lambda grid: ops.maximum(grid, 0.0),  # a ReLU, but none that gradients can be guided in
        lambda grid: grid * ops.sigmoid(grid),
        lambda grid: grid * grid,
        lambda grid: 2 / grid,
        lambda grid: keras.activations.relu(grid, max_value=6),
        lambda grid: keras.activations.relu(grid, threshold=0.5),
        lambda grid: keras.activations.relu(grid, negative_slope=0.1),
        keras.activations.gelu,
        keras.layers.ReLU(threshold=0.5),
        keras.layers.LeakyReLU(),
        keras.layers.Activation("tanh"),
        keras.layers.LayerNormalization(),
        lambda grid: keras.layers.Multiply()([grid, grid]),
        Own(),
    ],
)
def test_any_other_curve_than_relu_forbids_guided_gradients(function):
    network = through(function)
    assert not layer_graph.is_relu_network(layer_graph.graph(network))
    cache = explain.PassCache(network, toys.an_image(network))
    with pytest.raises(ValueError, match="only curve is ReLU"):
        explain.maps(cache, [targets.logit("ab", "a")], "guided-backprop")


@pytest.mark.parametrize(
    "function",
    [
        ops.relu,
        keras.activations.relu,
        keras.layers.ReLU(),
        keras.layers.Activation(ops.relu),
        lambda grid: ops.relu(grid / 2 - 1) + 0.5 * grid,
        lambda grid: ops.concatenate([ops.relu(grid), -grid], axis=-1)[..., :6],
        lambda grid: ops.pad(ops.max_pool(ops.relu(grid), 2), ((0, 0), (1, 1), (1, 1), (0, 0))),
        lambda grid: ops.matmul(ops.relu(grid), np.ones((4, 2), np.float32)),
        lambda grid: ops.transpose(ops.cast(ops.average_pool(grid, 2), "float32"), (0, 2, 1, 3)),
        lambda grid: ops.reshape(ops.stack([grid, ops.relu(grid)], axis=-1), (-1, 6, 6, 8)),
        lambda grid: grid - ops.mean(grid, axis=(1, 2), keepdims=True),
        lambda grid: grid + ops.expand_dims(ops.squeeze(ops.max(grid, (1, 2), True), 1), 1),
        lambda grid: ops.image.resize(ops.flip(ops.split(grid, 2, axis=-1)[0], 1), (12, 12)),
        lambda grid: ops.divide(ops.sum(ops.tile(grid, (1, 1, 1, 2)), axis=-1, keepdims=True), 3),
        lambda grid: ops.swapaxes(ops.moveaxis(ops.repeat(grid, 2, axis=1), 1, 2), 1, 2),
        lambda grid: ops.expand_dims(ops.unstack(grid, axis=-1)[0], -1),
        lambda grid: ops.einsum("nhwc,cd->nhwd", ops.relu(grid), np.eye(4, dtype=np.float32)),
        lambda grid: ops.tensordot(grid, np.eye(4, dtype=np.float32), axes=1),
        lambda grid: ops.depthwise_conv(
            ops.conv(grid, np.ones((1, 1, 4, 3), np.float32)), np.ones((1, 1, 3, 1), np.float32)
        ),
        keras.layers.UpSampling2D(interpolation="bilinear"),
    ],
)
def test_what_is_straight_beside_relu_allows_them(function):
    network = through(function)
    assert layer_graph.is_relu_network(layer_graph.graph(network))
    cache = explain.PassCache(network, toys.an_image(network))
    found = explain.maps(cache, [targets.logit("ab", "a")], "guided-backprop")
    assert found.shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("architecture", "relu"),
    [
        ("vgg16", True),
        ("vgg16-codes", True),
        ("densenet121", True),
        ("efficientnetb0", False),
        ("efficientnetb0-local", False),
        ("mobilenetv2", False),
    ],
)
def test_networks_of_the_house_are_told_apart(architecture, relu):
    found = layer_graph.graph(networks.build(architecture, (64, 64), 2, dropout=0.2))
    assert layer_graph.is_relu_network(found) is relu


@pytest.mark.parametrize(
    "end",
    [
        ops.sigmoid,
        ops.softmax,
        ops.log_softmax,
        ops.log_sigmoid,
        ops.hard_sigmoid,
        ops.tanh,
        keras.activations.sigmoid,
        keras.activations.softmax,
        lambda logits: ops.cast(ops.sigmoid(logits), "float64"),
        lambda logits: keras.layers.Identity()(ops.sigmoid(logits)),
    ],
)
def test_a_function_at_the_end_is_taken_off_as_a_layer_is(end):
    flat = toys.pooled()
    network = keras.Model(flat.input, end(flat.output))
    cache = explain.PassCache(network, toys.FILM)
    # the means of both channels are 2.5
    np.testing.assert_allclose(cache.logits, 2.5 * toys.HEAD.sum(axis=0))
    np.testing.assert_allclose(cache.head(), toys.HEAD)


def test_a_saturated_function_at_the_end_still_has_a_map():
    flat = toys.pooled(head=np.array([[40.0], [-1.0]], np.float32))
    network = keras.Model(flat.input, ops.sigmoid(flat.output))
    assert network(toys.FILM).numpy().item() == 1.0
    found = explain.maps(explain.PassCache(network, toys.FILM), [targets.logit("a", "a")])
    assert found.max() == 1


@pytest.mark.parametrize("end", [ops.relu, ops.square, lambda logits: logits * 2])
def test_a_function_that_makes_no_probability_stays_at_the_end(end):
    flat = toys.pooled()
    cache = explain.PassCache(keras.Model(flat.input, end(flat.output)), toys.FILM)
    np.testing.assert_allclose(cache.logits, end(2.5 * toys.HEAD.sum(axis=0)))


def test_a_nested_network_of_functions_is_opened():
    inner = through(ops.silu)
    image = keras.Input((8, 8, 3))
    network = keras.Model(image, ops.sigmoid(inner(image)))
    found = layer_graph.graph(network)
    assert "grid" in found.grids and not layer_graph.is_relu_network(found)
    picture = toys.an_image(network)
    logits = explain.PassCache(network, picture).logits
    np.testing.assert_allclose(logits, inner(picture).numpy()[0], atol=1e-6)

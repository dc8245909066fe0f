"""Networks as they come: skip connections, other heads, nesting, half precision."""

import gc
import weakref

import tensorflow as tf
import keras
import numpy as np
import pytest
import toy_networks as toys

from xray_models import explain
from xray_models.explain import targets
from xray_models.explain.progress import Work
from xray_models.inference import functions, layer_graph

pytestmark = pytest.mark.network

VECTORS = np.array([[1, 0, 0], [0, -1, 0.5]], np.float32)


def by_tape(network, image, layer, vectors):
    """Activation and gradients with a plain tape over the whole network."""
    both = keras.Model(network.inputs, [network.get_layer(layer).output, network.output])
    found = []
    for vector in vectors:
        with tf.GradientTape() as tape:
            batch = tf.constant(image)
            tape.watch(batch)
            activation, logits = both(batch, training=False)
            score = tf.reduce_sum(logits * vector)
        found.append(tape.gradient(score, activation)[0].numpy())
    return activation[0].numpy(), np.stack(found)


@pytest.mark.parametrize("activation", ["relu", "silu"])
@pytest.mark.parametrize("layer", ["early", "middle", "joined", "wide", "last"])
def test_the_part_above_a_layer_keeps_what_goes_around_it(layer, activation):
    network = toys.skipping(activation=activation)
    image = toys.an_image(network)
    cache = explain.PassCache(network, image)
    seen, expected = by_tape(network, image, layer, VECTORS)
    np.testing.assert_allclose(cache.activation(layer), seen, atol=1e-6)
    found = np.broadcast_to(cache.gradients(VECTORS, layer), expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    again = cache.rest(layer, 1, lambda _: seen[None], Work())
    np.testing.assert_allclose(again[0], network(image)[0], atol=1e-5)


def test_a_head_that_is_not_linear_takes_gradients_from_the_layer_on():
    network = toys.codes()
    image = toys.an_image(network)
    cache = explain.PassCache(network, image)
    assert cache.default_layer == "grid" and cache.head() is None
    _, expected = by_tape(network, image, "grid", VECTORS[:, :2])
    found = cache.gradients(VECTORS[:, :2])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    a = targets.logit("ab", "a")
    with pytest.raises(ValueError, match="linear head"):
        explain.maps(cache, [a], "cam")
    assert explain.maps(cache, [a], "ablation-cam").shape == (1, 6, 6)


def nested(end):
    """A backbone as one layer, then a head with a sigmoid or softmax, fused or apart."""
    flat = toys.skipping(activation="relu")
    backbone = keras.Model(flat.input, flat.get_layer("last").output, name="backbone")
    image = keras.Input(flat.input_shape[1:])
    mean = keras.layers.GlobalAveragePooling2D()(backbone(image))
    dropped = keras.layers.Dropout(0.5)(mean)
    fused = end in ("sigmoid", "softmax")
    head = keras.layers.Dense(3, activation=end if fused else None, name="head")
    output = head(dropped)
    if end == "activation":
        output = keras.layers.Activation("sigmoid")(output)
    elif end == "layer":
        output = keras.layers.Softmax()(output)
    network = keras.Model(image, output)
    head.set_weights(flat.get_layer("logits").get_weights())
    return network, flat


@pytest.mark.parametrize("end", ["linear", "sigmoid", "softmax", "activation", "layer"])
def test_nested_networks_and_those_with_a_sigmoid_are_seen_flat_and_up_to_the_logits(end):
    network, flat = nested(end)
    image = toys.an_image(network)
    ours, plain = explain.PassCache(network, image), explain.PassCache(flat, image)
    assert list(ours.network.grids) == list(plain.network.grids)
    np.testing.assert_allclose(ours.logits, plain.logits, atol=1e-6)
    for layer in (None, "middle"):
        found = explain.maps(ours, [targets.logit("abc", "b")], toys.spec("grad-cam", layer))
        expected = explain.maps(plain, [targets.logit("abc", "b")], toys.spec("grad-cam", layer))
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert ours.head() is not None, "the pooled head is found through the dropout"
    outside = network(image).numpy()[0]  # the network itself is as before
    assert end == "linear" or abs(outside).max() <= 1


def test_a_saturated_sigmoid_still_has_a_map():
    """At a probability of 1 the sigmoid's gradient is zero in single precision; the logit's not."""
    head = np.array([[40.0], [-1.0]], np.float32)
    network = toys.pooled("sigmoid", head=head)
    assert network(toys.FILM).numpy().item() == 1.0
    found = explain.maps(explain.PassCache(network, toys.FILM), [targets.logit("a", "a")])
    assert found.max() == 1


def test_sequential_networks_can_be_explained():
    network = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Conv2D(4, 3, activation="relu", name="grid"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    found = explain.maps(
        explain.PassCache(network, toys.an_image(network)), [targets.logit("ab", "a")]
    )
    assert found.shape == (1, 4, 4)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_gives_the_same_map(dtype):
    # smooth, so that rounding cannot open or close a ReLU
    full, half = toys.skipping(activation="silu"), toys.skipping(activation="silu", dtype=dtype)
    half.set_weights(full.get_weights())
    image = toys.an_image(full)
    for layer in ("middle", "last"):
        expected = explain.maps(
            explain.PassCache(full, image),
            [targets.logit("abc", "a")],
            toys.spec("grad-cam", layer),
        )
        found = explain.maps(
            explain.PassCache(half, image),
            [targets.logit("abc", "a")],
            toys.spec("grad-cam", layer),
        )
        assert found.dtype == np.float32
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.995


def test_small_gradients_do_not_vanish_in_half_precision():
    full = toys.skipping(activation="silu")
    half = toys.skipping(activation="silu", dtype="mixed_float16")
    weights = full.get_weights()
    weights[-2] *= 1e-5  # a head whose gradients lie below the smallest half
    full.set_weights(weights)
    half.set_weights(weights)
    image = toys.an_image(full)
    expected = explain.maps(
        explain.PassCache(full, image), [targets.logit("abc", "a")], "grad-cam@wide"
    )
    found = explain.maps(
        explain.PassCache(half, image), [targets.logit("abc", "a")], "grad-cam@wide"
    )
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("method", ["grad-cam", "layercam", "integrated-gradients", "smoothgrad"])
def test_large_gradients_do_not_overflow_in_half_precision(method):
    """Scaled up against underflow, they would: the map must not come out empty."""
    full = toys.skipping(activation="silu")
    half = toys.skipping(activation="silu", dtype="mixed_float16")
    weights = full.get_weights()
    weights[-2] *= 1000
    full.set_weights(weights)
    half.set_weights(weights)
    image = toys.an_image(full)
    layer = "middle" if method.endswith("cam") else None
    expected, found = (
        explain.maps(
            explain.PassCache(network, image), [targets.logit("abc", "a")], toys.spec(method, layer)
        )
        for network in (full, half)
    )
    assert expected.max() == found.max() == 1
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.98


def test_a_label_that_overflows_does_not_spoil_a_small_one_beside_it():
    """The scale is chosen for each target: one needs it small, the other great."""
    full = toys.skipping(activation="silu")
    half = toys.skipping(activation="silu", dtype="mixed_float16")
    weights = full.get_weights()
    weights[-2] = weights[-2] * np.array([1000, 1e-5, 1], np.float32)
    full.set_weights(weights)
    half.set_weights(weights)
    image = toys.an_image(full)
    vectors = np.eye(3, dtype=np.float32)
    expected, found = (
        explain.PassCache(network, image).gradients(vectors, "wide") for network in (full, half)
    )
    for one, other in zip(found, expected, strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("method", ["grad-cam", "integrated-gradients", "guided-backprop"])
@pytest.mark.parametrize("gain", [1e9, float("nan")])
def test_gradients_that_overflow_on_any_scale_are_told(method, gain):
    half = toys.skipping(activation="relu", dtype="mixed_float16")
    weights = half.get_weights()
    weights[-2] *= gain
    half.set_weights(weights)
    cache = explain.PassCache(half, toys.an_image(half))
    layer = "middle" if method == "grad-cam" else None
    with pytest.raises(ValueError, match=r"gradient by .* is not finite.* float32"):
        explain.maps(cache, [targets.logit("abc", "a")], toys.spec(method, layer))


def test_weights_that_change_are_followed_unless_frozen():
    network = toys.pooled("sigmoid")
    before = explain.PassCache(network, toys.FILM).logits
    network.get_layer("logits").set_weights([toys.HEAD * 2, np.zeros(2, np.float32)])
    after = explain.PassCache(network, toys.FILM)
    np.testing.assert_allclose(after.logits, before * 2, rtol=1e-6)
    np.testing.assert_allclose(after.head(), toys.HEAD * 2)
    frozen = functions.Traced(network, frozen=True)
    assert frozen.frozen_bytes == 0
    cached = frozen.forward(toys.FILM)[1]
    network.get_layer("grid").set_weights([np.zeros((1, 1, 1, 2)), np.zeros(2)])
    np.testing.assert_array_equal(frozen.forward(toys.FILM)[1], cached)
    assert frozen.frozen_bytes == 4 * (2 + 2 + 4 + 2)


def test_functions_go_with_their_network():
    network = toys.skipping()
    traced = functions.traced(network, frozen=True)
    assert functions.traced(network) is traced
    traced.forward(toys.an_image(network))
    assert functions.frozen_bytes(network) > 0
    gone = weakref.ref(traced)
    del traced, network
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("start", "sentence"), [("vector", "no layer with a grid"), ("two", "one")]
)
def test_networks_without_anything_to_draw_on_are_refused(start, sentence):
    if start == "vector":
        image = keras.Input((4,))
        network = keras.Model(image, keras.layers.Dense(2)(image))
    else:
        image = keras.Input((4, 4, 1))
        flat = keras.layers.Flatten()(image)
        network = keras.Model(image, [keras.layers.Dense(1)(flat), keras.layers.Dense(1)(flat)])
    with pytest.raises(ValueError, match=sentence):
        layer_graph.graph(network)


def test_requests_that_make_no_sense_are_refused():
    network = toys.skipping()
    cache = explain.PassCache(network, toys.an_image(network))
    target = targets.logit("abc", "a")
    with pytest.raises(ValueError, match="no layer 'pooled' with a grid"):
        explain.maps(cache, [target], "grad-cam@pooled")
    with pytest.raises(ValueError, match="no method 'gradcam'"):
        explain.maps(cache, [target], "gradcam")
    with pytest.raises(ValueError, match="weighs 2 labels; the model has 3"):
        explain.maps(cache, [targets.logit("ab", "a")])
    with pytest.raises(ValueError, match="needed is"):
        explain.PassCache(network, np.zeros((1, 3, 3, 3), np.float32))


def test_layers_can_be_fused():
    network = toys.skipping()
    cache = explain.PassCache(network, toys.an_image(network))
    target = targets.logit("abc", "a")
    both = explain.maps(cache, [target, -target], "layercam@early + last")
    assert both.shape == (2, 8, 6) and both.max() == 1
    alone = explain.maps(cache, [target], toys.spec("layercam", "early", fusion="max"))
    assert (alone == explain.maps(cache, [target], "layercam@early")).all()

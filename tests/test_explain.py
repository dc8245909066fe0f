"""Grad-CAM on networks whose map can be worked out by hand."""

import keras
import numpy as np
import pytest

from xray_models.explain import grad_cam, targets
from xray_models.explain.heatmap import Heatmap, normalized
from xray_models.predicting import ForwardPass
from xray_models.preparing import Placement, resize


def a_pass(activation, head):
    rows, columns, _ = activation.shape
    at = Placement(0, 0, 1, 1, columns * 10, rows * 10)
    logits = activation.mean(axis=(0, 1)) @ head
    return ForwardPass(logits, activation, head, at, (rows * 10, columns * 10))


ACTIVATION = np.zeros((2, 3, 2), np.float32)
ACTIVATION[0, 0] = (4, 0)
ACTIVATION[1, 2] = (0, 2)
ACTIVATION[0, 1] = (1, 1)
HEAD = np.array([[1, -1], [0.5, 2]], np.float32)


def test_the_map_of_a_label_is_its_weighted_activation():
    heat = grad_cam.at_last_activation(a_pass(ACTIVATION, HEAD), targets.logit("ab", "a"))
    assert heat.values.tolist() == [[1.0, 0.375, 0.0], [0.0, 0.0, 0.25]]  # 4, 1.5, 1 over 4


def test_the_negated_target_shows_what_speaks_against():
    heat = grad_cam.at_last_activation(a_pass(ACTIVATION, HEAD), -targets.logit("ab", "b"))
    assert heat.values.tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_a_difference_explains_why_one_and_not_the_other():
    heat = grad_cam.at_last_activation(a_pass(ACTIVATION, HEAD), targets.difference("ab", "b", "a"))
    # kernel difference (-2, 1.5): -8, -0.5, 3 -> only the last cell is positive
    assert heat.values.tolist() == [[0, 0, 0], [0, 0, 1.0]]


def test_no_evidence_is_an_empty_map_not_a_division_by_zero():
    heat = grad_cam.at_last_activation(
        a_pass(np.zeros((2, 2, 2), np.float32), HEAD), targets.logit("ab", "a")
    )
    assert (heat.values == 0).all()
    assert normalized(np.array([np.nan, np.inf, -1.0])).tolist() == [0, 0, 0]


@pytest.mark.parametrize("labels", [1, 3])
def test_the_closed_form_equals_the_gradient(labels):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((16, 12, 3))
    x = keras.layers.Conv2D(5, 3, strides=2, activation="relu", name="grid")(inputs)
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    network = keras.Model(inputs, keras.layers.Dense(labels, name="logits")(pooled))
    image = np.random.default_rng(0).normal(size=(1, 16, 12, 3)).astype(np.float32)
    activation = keras.Model(inputs, x)(image).numpy()[0]
    names = [str(k) for k in range(labels)]
    for name in names:
        for target in (targets.logit(names, name), -targets.logit(names, name)):
            done = a_pass(activation, network.get_layer("logits").kernel.numpy())
            by_gradient = grad_cam.at_layer(network, image, target, "grid")
            closed = grad_cam.at_last_activation(done, target).values
            np.testing.assert_allclose(closed, by_gradient, atol=1e-5)


def test_a_layer_without_a_grid_is_refused():
    inputs = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(inputs)
    network = keras.Model(inputs, keras.layers.Dense(1, name="logits")(pooled))
    with pytest.raises(ValueError, match="no grid"):
        grad_cam.at_layer(
            network, np.zeros((1, 8, 8, 3), np.float32), targets.logit("a", "a"), "pooled"
        )


def test_targets_name_what_a_model_has():
    assert targets.logit("abc", "b").weights == (0, 1, 0)
    assert targets.combined("abc", ("a", "b")).weights == (0.5, 0.5, -1)
    with pytest.raises(ValueError, match="no label 'z'"):
        targets.logit("abc", "z")
    with pytest.raises(ValueError, match="nothing to stand against"):
        targets.combined("ab", ("a", "b"))


@pytest.mark.parametrize("shape", [(60, 60), (30, 90), (90, 30)])
def test_heat_lands_on_the_pixels_it_came_from(shape):
    """Heat made from a bright spot's own input pixels comes back onto the spot."""
    pixels = np.zeros(shape, np.float32)
    spot = (int(shape[0] * 0.7), int(shape[1] * 0.3))
    pixels[spot[0] - 2 : spot[0] + 3, spot[1] - 2 : spot[1] + 3] = 1
    canvas, at = resize(pixels, (64, 64), "fit")
    grid = canvas.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    heat = Heatmap(normalized(grid), at, (64, 64)).on_radiograph()
    assert heat.shape == shape
    found = np.unravel_index(heat.argmax(), shape)
    assert abs(found[0] - spot[0]) <= 6 and abs(found[1] - spot[1]) <= 6
    smaller = Heatmap(normalized(grid), at, (64, 64)).on_radiograph((20, 25))
    assert smaller.shape == (20, 25) and 0 <= smaller.min() <= smaller.max() <= 1

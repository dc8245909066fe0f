"""Every method on networks whose map can be worked out by hand."""

import keras
import numpy as np
import pytest
import toy_networks as toys

from xray_models import explain
from xray_models.explain import targets
from xray_models.explain.methods.ablation_cam import ablation_cam
from xray_models.explain.methods.cam import cam
from xray_models.explain.methods.eigen_cam import eigen_cam
from xray_models.explain.methods.grad_cam import grad_cam
from xray_models.explain.methods.grad_cam_plus_plus import grad_cam_plus_plus
from xray_models.explain.methods.hirescam import hirescam
from xray_models.explain.methods.integrated_gradients import integrated_gradients
from xray_models.explain.methods.layercam import layercam
from xray_models.explain.methods.occlusion import patches
from xray_models.explain.methods.rise import random_masks, rise
from xray_models.explain.methods.score_cam import score_cam
from xray_models.explain.methods.xgrad_cam import xgrad_cam
from xray_models.explain.progress import Stopped, Work

A = targets.logit("ab", "a")
B = targets.logit("ab", "b")
LABELS = np.eye(2, dtype=np.float32)

# two cells, two channels; the gradient differs from cell to cell
CELLS = np.array([[[1, 4], [3, 0]]], np.float32)  # (1, 2, 2)
SLOPES = np.array([[[[2, -1], [0, 3]]]], np.float32)  # (1 target, 1, 2, 2)


def test_grad_cam_weighs_channels_by_their_mean_gradient():
    # means (2 + 0) / 2 and (-1 + 3) / 2: both 1
    assert grad_cam(CELLS, SLOPES).tolist() == [[[5, 3]]]


def test_hirescam_multiplies_cell_by_cell():
    assert hirescam(CELLS, SLOPES).tolist() == [[[2 * 1 - 1 * 4, 0 * 3 + 3 * 0]]]


def test_layercam_leaves_out_negative_gradients():
    assert layercam(CELLS, SLOPES).tolist() == [[[2, 0]]]


def test_xgrad_cam_averages_the_gradient_over_the_activation():
    # channel 0: (2 * 1 + 0 * 3) / 4 = 0.5; channel 1: (-1 * 4 + 3 * 0) / 4 = -1
    assert xgrad_cam(CELLS, SLOPES).tolist() == [[[0.5 - 4, 1.5]]]
    assert xgrad_cam(CELLS * 0, SLOPES).tolist() == [[[0, 0]]]
    # a channel of 3 and -2.9 hardly adds up to anything: its weight stays a mean of gradients
    signed = np.array([[[3.0], [-2.9]]], np.float32)
    slopes = np.array([[[[1.0], [2.0]]]], np.float32)
    weight = (3.0 * 1 + 2.9 * 2) / 5.9
    np.testing.assert_allclose(xgrad_cam(signed, slopes), [[[3 * weight, -2.9 * weight]]], 1e-6)


def test_grad_cam_plus_plus_follows_equation_19():
    # channel sums are 4 and 4; alpha = g^2 / (2 g^2 + 4 g^3) = 1 / (2 + 4 g)
    first = 2 / (2 + 4 * 2) / 2  # mean over cells of alpha * relu(g)
    second = 3 / (2 + 4 * 3) / 2
    expected = [[[first * 1 + second * 4, first * 3]]]
    np.testing.assert_allclose(grad_cam_plus_plus(CELLS, SLOPES), expected, rtol=1e-6)


def test_grad_cam_plus_plus_draws_where_a_map_of_logits_is_above_zero():
    # most cells far below zero, as in a map of logits: their sum must not turn the sign
    logits = np.full((4, 4, 1), -4.0, np.float32)
    logits[1, 2] = 3.0
    heat = grad_cam_plus_plus(logits, np.full((1, 1, 1, 1), 0.5, np.float32))[0]
    assert heat.argmax() == 1 * 4 + 2
    assert heat[1, 2] == pytest.approx(3.0 * 0.5 / (2 + 3.0 * 0.5))


def test_grad_cam_plus_plus_does_not_lose_small_gradients():
    """With g near 0 alpha is one half: weights 2 : 3, and no epsilon for g^2 to drown in."""
    small = grad_cam_plus_plus(CELLS, SLOPES * 1e-6)[0]
    np.testing.assert_allclose(small / small.max(), [[1, 6 / 14]], rtol=1e-3)
    # activations below zero, as swish leaves them, cannot turn the sign
    assert np.isfinite(grad_cam_plus_plus(-CELLS, SLOPES)).all()


def test_eigen_cam_finds_the_axis_along_which_cells_differ():
    # along the channel direction (1, 2) the cells lie at -1, 0, 1, and a constant is added
    cells = np.array([[[0, 0], [1, 2], [2, 4]]], np.float32) + np.array([3, 1], np.float32)
    np.testing.assert_allclose(eigen_cam(cells), [[-(5**0.5), 0, 5**0.5]], atol=1e-6)
    np.testing.assert_allclose(eigen_cam(cells[:, ::-1]), [[5**0.5, 0, -(5**0.5)]], atol=1e-6)
    assert eigen_cam(np.ones((2, 2, 3), np.float32)).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("end", ["linear", "sigmoid", "softmax"])
@pytest.mark.parametrize("method", ["cam", "grad-cam", "hirescam", "xgrad-cam"])
def test_a_pooled_linear_head_is_read_off(method, end):
    """Channels [[1, 2], [3, 4]] and [[4, 3], [2, 1]]; heads 2, 1 for a and -1, 3 for b."""
    cache = explain.PassCache(toys.pooled(end), toys.FILM)
    np.testing.assert_allclose(cache.logits, [7.5, 5.0], rtol=1e-6)  # whatever the end
    found = explain.maps(cache, [A, B, -B, targets.difference("ab", "b", "a")], method)
    np.testing.assert_allclose(found[0], np.array([[6, 7], [8, 9]]) / 9, rtol=1e-6)
    np.testing.assert_allclose(found[1], np.array([[11, 7], [3, 0]]) / 11, rtol=1e-6)
    assert found[2].tolist() == [[0, 0], [0, 1]]  # of -11, -7, -3, 1 only one is positive
    # the heads' difference is -3, 2: 5, 0, -5, -10
    assert found[3].tolist() == [[1, 0], [0, 0]]


def test_the_closed_form_is_cam_over_the_cells():
    activation = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    head = np.random.default_rng(1).normal(size=(5, 2)).astype(np.float32)
    by_gradient = grad_cam(activation, (head.T / 12)[:, None, None, :])
    np.testing.assert_allclose(cam(activation, head, LABELS) / 12, by_gradient, rtol=1e-5)


def test_layercam_and_grad_cam_plus_plus_under_a_pooled_head():
    cache = explain.PassCache(toys.pooled(), toys.FILM)
    # b: gradients -1/4 and 3/4, so only the second channel counts
    expected = np.array([[4, 3], [2, 1]]) / 4
    np.testing.assert_allclose(explain.maps(cache, [B], "layercam")[0], expected, rtol=1e-6)
    np.testing.assert_allclose(explain.maps(cache, [B], "grad-cam++")[0], expected, rtol=1e-6)


def test_ablation_takes_channels_away():
    cache = explain.PassCache(toys.pooled(), toys.FILM)
    work = Work()
    # both channels average 2.5; a loses 5 and 2.5 without them
    found = ablation_cam(cache, LABELS[:1], "grid", work)
    np.testing.assert_allclose(found[0], [[5 + 10, 10 + 7.5], [15 + 5, 20 + 2.5]], rtol=1e-6)
    assert work.done == 0  # in closed form


def test_ablation_by_running_the_head_again_equals_the_closed_form():
    network = toys.skipping()
    cache = explain.PassCache(network, toys.an_image(network))
    vectors = np.eye(3, dtype=np.float32)
    closed = ablation_cam(cache, vectors, "last", Work())
    activation = cache.activation("last")
    losses = []
    for channel in range(activation.shape[-1]):
        without = activation.copy()
        without[..., channel] = 0
        logits = cache.rest("last", 1, lambda _, one=without: one[None], Work())[0]
        losses.append(cache.logits - logits)
    np.testing.assert_allclose(closed, np.moveaxis(activation @ np.array(losses), -1, 0), atol=1e-5)


def test_ablation_does_not_turn_over_below_one_half():
    """A label with a negative logit: the paper's division by the score would flip its map."""
    head = np.array([[1.0], [-4.0]], np.float32)
    network = toys.pooled("sigmoid", head=head)
    cache = explain.PassCache(network, toys.FILM)
    assert cache.logits[0] < 0
    found = explain.maps(cache, [targets.logit("a", "a")], "ablation-cam")[0]
    # the first channel speaks for the label: 1 * 2.5; the second against: -4 * 2.5
    expected = 2.5 * np.array([[1, 2], [3, 4]]) - 10 * np.array([[4, 3], [2, 1]])
    np.testing.assert_allclose(found, np.maximum(expected, 0) / max(expected.max(), 1), rtol=1e-6)


def test_score_cam_weighs_channels_by_what_they_let_through():
    cache = explain.PassCache(toys.pooled(bias=(0.0, 0.0)), toys.FILM)
    # the second channel, relu(-film), is flat: it masks everything. The first, (film - 1) / 3,
    # lets through film * mask = 0, 2/3, 2, 4, mean 5/3; head 2: score 10/3 against 0
    strong, weak = np.exp(10 / 3), 1.0
    found = score_cam(cache, LABELS[:1], "grid", Work())
    expected = strong / (strong + weak) * toys.FILM[0, :, :, 0]
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)


def test_score_cam_can_take_only_the_channels_that_vary():
    network = toys.pooled(bias=(0.0, 0.0))
    cache = explain.PassCache(network, toys.FILM)
    found = score_cam(cache, LABELS[:1], "grid", Work(), top=1)
    np.testing.assert_allclose(found[0], toys.FILM[0, :, :, 0], rtol=1e-5)


def test_integrated_gradients_of_a_linear_network_are_weight_times_pixel():
    weights = np.array([[1, -2], [0, 3]], np.float32)
    cache = explain.PassCache(toys.flattened(weights), toys.FILM)
    one = np.ones((1, 1), np.float32)
    found = integrated_gradients(cache, one, Work(), steps=3)
    np.testing.assert_allclose(found[0], weights * toys.FILM[0, :, :, 0], rtol=1e-6)


def test_integrated_gradients_add_up_to_the_difference_from_the_baseline():
    network = toys.skipping(activation="silu")
    image = toys.an_image(network)
    baseline = np.full(3, -0.5, np.float32)
    cache = explain.PassCache(network, image, baseline)
    found = integrated_gradients(cache, np.eye(3, dtype=np.float32), Work(), steps=64)
    empty = np.broadcast_to(baseline, image.shape).astype(np.float32)
    gap = cache.logits - cache.predict(empty)[0]
    np.testing.assert_allclose(found.sum(axis=(1, 2)), gap, rtol=0.02, atol=2e-3)


def test_smoothgrad_of_a_linear_network_is_the_size_of_its_weights():
    weights = np.array([[1, -2], [0, 3]], np.float32)
    cache = explain.PassCache(toys.flattened(weights), toys.FILM)
    target = targets.logit("a", "a")
    for one in (target, -target):
        found = explain.maps(cache, [one], "smoothgrad, samples=5")[0]
        np.testing.assert_allclose(found, np.abs(weights) / 3, rtol=1e-5)


def test_guided_backprop_passes_only_what_is_positive():
    network = toys.pooled()
    cache = explain.PassCache(network, toys.FILM)
    # b: the first channel's gradient -1/4 stops at its ReLU; the second's 3/4 goes on, times -1
    gradient = cache.network.input_gradient(toys.FILM, LABELS[1], guided=True)
    np.testing.assert_allclose(gradient[0, :, :, 0], np.full((2, 2), -0.75), rtol=1e-6)
    plain = cache.network.input_gradient(toys.FILM, LABELS[1])
    np.testing.assert_allclose(plain[0, :, :, 0], np.full((2, 2), -1.0), rtol=1e-6)
    # a: 2/4 through the first, 1/4 through the second, times -1
    found = explain.maps(cache, [A], "guided-grad-cam")[0]
    np.testing.assert_allclose(found, np.array([[6, 7], [8, 9]]) / 9, rtol=1e-6)


@pytest.mark.parametrize("method", ["guided-backprop", "guided-grad-cam"])
def test_guided_gradients_are_refused_where_they_mean_nothing(method):
    network = toys.skipping(activation="silu")
    cache = explain.PassCache(network, toys.an_image(network))
    with pytest.raises(ValueError, match="only curve is ReLU"):
        explain.maps(cache, [targets.logit("abc", "a")], method)


def test_occlusion_shows_what_the_score_loses():
    weights = np.zeros((4, 4), np.float32)
    weights[1, 2] = 1
    film = np.full((1, 4, 4, 1), 2.0, np.float32)
    cache = explain.PassCache(toys.flattened(weights, (4, 4)), film)
    one = targets.logit("a", "a")
    pixelwise = explain.METHODS["occlusion"]
    with pytest.raises(ValueError, match="stride"):
        explain.maps(cache, [one], "occlusion, patch=4, stride=5")
    # patches of 4 x 4, step 4: one patch, the whole film
    assert (explain.maps(cache, [one], "occlusion, patch=4, stride=4") == 1).all()
    found = explain.maps(cache, [one], "occlusion, patch=4, stride=1")[0]
    assert found.max() == found[1, 2] == 1  # every patch over this pixel takes the score away
    assert pixelwise.passes(cache.network, options={"patch": 4, "stride": 1}).forward == 49


def test_patches_cover_every_pixel_equally_deep_or_reach_over_the_border():
    times = np.zeros((10, 7), int)
    for spot in patches((10, 7), 4, 2):
        times[spot] += 1
    assert times.min() == times.max() == 4


def test_rise_masks_are_the_same_for_a_seed_and_let_half_through():
    once = np.concatenate(list(random_masks(40, 3, 0.5, (20, 26), seed=4)))
    again = np.concatenate(list(random_masks(40, 3, 0.5, (20, 26), seed=4)))
    other = np.concatenate(list(random_masks(40, 3, 0.5, (20, 26), seed=5)))
    assert once.shape == (40, 20, 26) and (once == again).all() and (once != other).any()
    assert once.min() >= 0 and once.max() <= 1 and abs(once.mean() - 0.5) < 0.06


def test_rise_finds_the_pixels_that_count():
    weights = np.zeros((16, 16), np.float32)
    weights[3:6, 9:12] = 1
    film = np.ones((1, 16, 16, 1), np.float32)
    cache = explain.PassCache(toys.flattened(weights, (16, 16)), film)
    heat = rise(cache, np.ones((1, 1), np.float32), Work(), masks=600, cells=5)[0]
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert 2 <= row <= 6 and 8 <= column <= 12
    against = rise(cache, -np.ones((1, 1), np.float32), Work(), masks=600, cells=5)[0]
    np.testing.assert_allclose(against, -heat, atol=1e-6)


def test_nothing_to_see_is_an_empty_map_for_every_method():
    """A black film without a bias: every activation and every score is zero."""
    network = toys.pooled(bias=(0.0, 0.0), size=(8, 8))
    cache = explain.PassCache(network, np.zeros((1, 8, 8, 1), np.float32))
    few = {"rise": {"masks": 20}, "occlusion": {"patch": 4, "stride": 4}}
    for method in explain.METHODS:
        found = explain.maps(cache, [A, -B], toys.spec(method, **few.get(method, {})))
        assert np.isfinite(found).all(), method
        assert found.max() == 0 or method == "smoothgrad", method


def test_a_grid_of_one_cell_can_be_explained():
    image = keras.Input((6, 6, 1))
    wide = keras.layers.Conv2D(3, 3, activation="relu", name="wide")(image)
    one = keras.layers.Conv2D(4, 4, activation="relu", name="one")(wide)
    mean = keras.layers.GlobalAveragePooling2D()(one)
    network = keras.Model(image, keras.layers.Dense(2)(mean))
    cache = explain.PassCache(network, toys.an_image(network))
    assert cache.default_layer == "one"
    for method in ("cam", "grad-cam", "hirescam", "xgrad-cam", "layercam", "ablation-cam"):
        found = explain.maps(cache, [A, -A], method)
        assert found.shape == (2, 1, 1) and set(found.ravel()) <= {0, 1}, method


def test_the_registry_tells_what_fits_and_what_it_costs():
    network = toys.skipping(activation="silu")
    cache = explain.PassCache(network, toys.an_image(network))
    traced = cache.network
    by_id = explain.METHODS
    assert by_id["cam"].objection(traced) == ""
    assert "pooling" in by_id["cam"].objection(traced, "middle")
    assert "no layer can be chosen" in by_id["rise"].objection(traced, "middle")
    assert by_id["grad-cam"].passes(traced, targets=14).total == 0
    assert by_id["grad-cam"].passes(traced, targets=2, layer="middle").total > 0
    assert by_id["score-cam"].passes(traced).forward == 8  # channels of the last layer
    assert by_id["score-cam"].passes(traced, options={"top": 3}).forward == 3
    assert (
        by_id["integrated-gradients"].passes(traced, targets=2, options={"steps": 10}).total == 60
    )
    assert by_id["rise"].passes(traced, options={"masks": 100}).slow
    with pytest.raises(ValueError, match="no option 'mask'"):
        by_id["rise"].passes(traced, options={"mask": 3})
    with pytest.raises(ValueError, match="between 16 and"):
        explain.maps(cache, [targets.logit("abc", "a")], "rise, masks=3")


def test_what_a_method_says_of_itself_is_so():
    network = toys.skipping()
    image = toys.an_image(network)
    first, second = targets.logit("abc", "a"), targets.logit("abc", "b")
    few = {"rise": {"masks": 32}, "occlusion": {"patch": 8, "stride": 8}}
    for method in explain.METHODS.values():
        cache = explain.PassCache(network, image)
        message: list[tuple[int, int]] = []

        def make(target, cache=cache, method=method, message=message, seed=0):
            return explain.maps(
                cache,
                [target],
                toys.spec(method.id, **few.get(method.id, {})),
                progress=lambda done, total: message.append((done, total)),
                seed=seed,
            )[0]

        one = make(first)
        passes = len(message)
        assert (make(first) == one).all() and len(message) == passes, f"{method.id} works twice"
        other, against = make(second), make(-first)
        assert (one != other).any() == method.depends_on_target, method.id
        assert (one != against).any() == method.signed, method.id
        if method.many_labels:
            assert len(message) == passes, f"{method.id} needs more passes for another label"
        if message:
            assert message[-1][0] == message[-1][1]
        again = explain.PassCache(network, image)
        seeded = make(first, cache=again, seed=7)
        assert (seeded != one).any() == method.random, method.id


def test_long_work_can_be_stopped_and_leaves_nothing_half_done():
    network = toys.skipping()
    cache = explain.PassCache(network, toys.an_image(network))
    target = targets.logit("abc", "a")
    message = []
    with pytest.raises(Stopped):
        explain.maps(
            cache,
            [target],
            "rise, masks=64",
            progress=lambda done, total: message.append((done, total)),
            stop=lambda: len(message) == 2,
        )
    assert message == [(16, 64), (32, 64)]
    after = explain.maps(cache, [target], "rise, masks=64")
    fresh = explain.PassCache(network, toys.an_image(network))
    assert (after == explain.maps(fresh, [target], "rise, masks=64")).all()

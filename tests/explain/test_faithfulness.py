"""Faithfulness and sanity on models whose perfect map is known."""

import keras
import numpy as np
import pytest

from xray_models import networks
from xray_models.explain.metrics import faithfulness, randomization
from xray_models.explain.metrics.rank_correlation import rank_correlation, similarity

SHAPE = (16, 16, 3)
RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.random((16, 16)).astype(np.float32) ** 4
FILM = np.ones(SHAPE, np.float32)
FILL = np.zeros(SHAPE, np.float32)


def linear(batch):
    """A model whose perfect map is WEIGHTS: the score is 1 for the film and 0 for the fill."""
    return (batch[..., 0] * WEIGHTS).sum(axis=(1, 2)) / WEIGHTS.sum()


def one_pixel(batch):
    """A model that looks at a single pixel."""
    return batch[:, 5, 7, 0]


def test_deletion_and_insertion_of_a_one_pixel_model_are_steps():
    heat = np.zeros((16, 16), np.float32)
    heat[5, 7] = 1
    found = faithfulness.curves(one_pixel, FILM, heat, FILL, steps=4)
    assert found.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert found.deletion.tolist() == [1, 0, 0, 0, 0]
    assert found.insertion.tolist() == [0, 1, 1, 1, 1]
    assert found.deletion_area == 0.125 and found.insertion_area == 0.875


def test_a_map_upside_down_is_punished():
    heat = np.ones((16, 16), np.float32)
    heat[5, 7] = 0
    found = faithfulness.curves(one_pixel, FILM, heat, FILL, steps=4)
    assert found.deletion.tolist() == [1, 1, 1, 1, 0]
    assert found.insertion.tolist() == [0, 0, 0, 0, 1]


def test_no_map_beats_the_perfect_one():
    best = faithfulness.curves(linear, FILM, WEIGHTS, FILL)
    for seed in range(1, 6):
        other = np.random.default_rng(seed).random((16, 16))
        found = faithfulness.curves(linear, FILM, other, FILL)
        assert best.deletion_area < found.deletion_area
        assert best.insertion_area > found.insertion_area
    # a linear model loses by deletion what it gains by insertion
    np.testing.assert_allclose(best.deletion + best.insertion, 1, atol=1e-5)


def test_an_empty_map_is_a_random_order_fixed_by_the_seed():
    empty = np.zeros((16, 16), np.float32)
    one = faithfulness.curves(linear, FILM, empty, FILL, seed=1)
    assert (one.deletion == faithfulness.curves(linear, FILM, empty, FILL, seed=1).deletion).all()
    assert (one.deletion != faithfulness.curves(linear, FILM, empty, FILL, seed=2).deletion).any()
    assert one.deletion_area == pytest.approx(0.5, abs=0.1)


def test_batches_change_nothing_and_progress_is_told():
    seen = []
    sizes = []

    def watched(batch):
        sizes.append(len(batch))
        return linear(batch)

    found = faithfulness.curves(
        watched,
        FILM,
        WEIGHTS,
        FILL,
        steps=20,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(16, 42), (32, 42), (42, 42)] and sizes == [16, 16, 10]
    for share, score in zip(found.shares, found.deletion, strict=True):
        kept = np.sort(WEIGHTS.ravel())[: 256 - round(share * 256)]
        assert score == pytest.approx(kept.sum() / WEIGHTS.sum(), abs=1e-5)


def test_progress_can_stop_the_work():
    class Stopped(Exception):
        pass

    calls = []

    def stop(done, _total):
        calls.append(done)
        raise Stopped

    with pytest.raises(Stopped):
        faithfulness.curves(linear, FILM, WEIGHTS, FILL, progress=stop)
    assert len(calls) == 1


def test_drop_and_increase_by_hand():
    half = np.full((16, 16), 0.25, np.float32)
    assert faithfulness.drop_and_increase(linear, FILM, half, FILL) == (
        pytest.approx(0.75, abs=1e-5),
        0.0,
    )
    everything = np.ones((16, 16), np.float32)
    drop, rose = faithfulness.drop_and_increase(linear, FILM, everything, FILL)
    assert drop == pytest.approx(0, abs=1e-6) and rose == 0

    def dislikes_the_left(batch):
        return 1 - 0.5 * batch[:, :, :8].mean(axis=(1, 2, 3))

    right = everything.copy()
    right[:, :8] = 0
    assert faithfulness.drop_and_increase(dislikes_the_left, FILM, right, FILL) == (0.0, 1.0)


def test_mu_fidelity_is_one_for_the_perfect_map_and_minus_one_for_its_negative():
    made = faithfulness.drops(linear, FILM, FILL, grid=(4, 4))
    assert made.chosen.shape == (64, 16) and (made.chosen.sum(axis=1) == 4).all()
    assert faithfulness.mu_fidelity(made, WEIGHTS) == pytest.approx(1)
    assert faithfulness.mu_fidelity(made, WEIGHTS.max() - WEIGHTS) == pytest.approx(-1)
    noise = np.random.default_rng(3).random((16, 16))
    assert abs(faithfulness.mu_fidelity(made, noise)) < 0.9


def test_mu_fidelity_of_a_map_or_model_that_never_changes_is_undefined():
    made = faithfulness.drops(linear, FILM, FILL, grid=(4, 4))
    assert np.isnan(faithfulness.mu_fidelity(made, np.zeros((16, 16))))
    constant = faithfulness.drops(lambda batch: np.ones(len(batch)), FILM, FILL, grid=(4, 4))
    assert np.isnan(faithfulness.mu_fidelity(constant, WEIGHTS))


def test_cells_of_an_input_that_the_grid_does_not_divide():
    film = np.ones((17, 19, 3), np.float32)
    made = faithfulness.drops(lambda b: b[..., 0].sum(axis=(1, 2)), film, film * 0, grid=(4, 5))
    assert faithfulness.mu_fidelity(made, np.ones((17, 19))) == pytest.approx(1)  # larger, more


def test_a_map_that_ignores_the_film_is_stable_and_one_of_noise_is_not():
    film = RANDOM.random(SHAPE).astype(np.float32)
    assert faithfulness.stability(lambda _: WEIGHTS, film) == pytest.approx(1)
    assert np.isnan(faithfulness.stability(lambda _: np.zeros((4, 4)), film))
    shaky = iter(np.random.default_rng(1).random((5, 16, 16)))
    assert abs(faithfulness.stability(lambda _: next(shaky), film)) < 0.3
    little = faithfulness.stability(lambda x: x[..., 0], film, spread=0.01)
    much = faithfulness.stability(lambda x: x[..., 0], film, spread=0.5)
    assert 0.9 < little < 1 and much < little


def test_noise_is_the_same_on_all_channels():
    film = np.repeat(RANDOM.random((16, 16, 1)), 3, axis=-1).astype(np.float32)
    kept = []

    def gray(inputs):
        kept.append(inputs)
        return inputs[..., 0]

    faithfulness.stability(gray, film, repeats=1)
    np.testing.assert_allclose(kept[1] - film, (kept[1] - film)[..., :1].repeat(3, -1), atol=1e-6)


def test_the_fill_keeps_brightness_and_loses_shape():
    film = np.zeros((64, 64, 3), np.float32)
    film[::2] = 1
    fill = faithfulness.blurred(film)
    assert fill.mean() == pytest.approx(0.5, abs=0.01) and fill.std() < 0.02


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="the heat \\(4, 4\\)"):
        faithfulness.curves(linear, FILM, np.zeros((4, 4)), FILL)
    with pytest.raises(ValueError, match="the fill"):
        faithfulness.drops(linear, FILM, FILL[:8])


def test_rank_correlation_sees_order_alone():
    one = RANDOM.random((5, 6))
    assert rank_correlation(one, np.exp(one)) == pytest.approx(1)
    assert rank_correlation(one, -(one**3)) == pytest.approx(-1)
    assert rank_correlation(np.array([1.0, 2, 2, 3]), np.array([1.0, 2, 3, 4])) == pytest.approx(
        4.5 / np.sqrt(4.5 * 5)
    )
    assert np.isnan(rank_correlation(one, np.zeros((5, 6))))
    with pytest.raises(ValueError, match="compare like sizes"):
        rank_correlation(one, one.T)


def test_similarity_is_one_only_for_equal_maps():
    one = RANDOM.random((20, 20))
    assert similarity(one, one) == pytest.approx(1)
    assert similarity(one, 1 - one) < 0
    flat = np.full((20, 20), 0.5)
    # without structure only the brightness term is left: (2ab + c1) / (a² + b² + c1)
    assert similarity(flat, flat / 2) == pytest.approx((0.25 + 1e-4) / (0.3125 + 1e-4))


def small_network():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(6, 3, activation="relu", name="lower")(inputs)
    x = keras.layers.Conv2D(6, 3, activation="relu", name="grid")(x)
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    return keras.Model(inputs, keras.layers.Dense(1, name="logits")(pooled))


def test_the_cascade_goes_down_from_the_top_and_leaves_the_network_alone():
    network = small_network()
    before = [w.copy() for w in network.get_weights()]
    film = RANDOM.random((1, 16, 16, 3)).astype(np.float32)

    def cam(one):
        grid = keras.Model(one.input, one.get_layer("grid").output)(film).numpy()[0]
        return np.maximum(grid @ one.get_layer("logits").kernel.numpy()[:, 0], 0)[None]

    stages = randomization.cascade(network, cam, stages=3)
    assert [stage.layer for stage in stages] == ["as trained", "logits", "grid", "lower"]
    assert stages[0].correlation == pytest.approx(1)
    assert stages[-1].correlation < 0.9
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert stages == randomization.cascade(network, cam, stages=3)  # seeded


def test_a_gain_on_top_does_not_hide_the_heads_below_it():
    """Two heads are added up, one through a gain of a single number that no shuffling changes."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((16, 16, 3))
    grid = keras.layers.Conv2D(6, 3, activation="relu", name="grid")(inputs)
    cells = keras.layers.Conv2D(1, 1, name="cells")(grid)
    hottest = keras.layers.GlobalMaxPooling2D()(cells)
    gain = keras.layers.Dense(1, use_bias=False, kernel_initializer="identity", name="gain")
    pooled = keras.layers.GlobalAveragePooling2D()(grid)
    whole = keras.layers.Dense(1, name="whole")(pooled)
    network = keras.Model(inputs, keras.layers.Add()([whole, gain(hottest)]))
    film = RANDOM.random((1, 16, 16, 3)).astype(np.float32)

    def by(name):
        return lambda one: np.stack([one.get_layer(name).kernel.numpy().ravel()[None]])

    for name in ("whole", "cells"):
        stages = randomization.cascade(network, by(name), stages=2)
        assert len(stages) == 3 and stages[1].correlation < 1, name
    heat = randomization.cascade(
        network, lambda one: keras.Model(one.input, one.get_layer("cells").output)(film)[..., 0], 2
    )
    assert heat[1].correlation < 0.999 and heat[2].layer == "grid"


def test_even_two_values_are_shuffled():
    inputs = keras.Input((4, 4, 2))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    network = keras.Model(inputs, keras.layers.Dense(1, use_bias=False, name="logits")(pooled))
    network.set_weights([np.array([[1.0], [2.0]])])
    for seed in range(8):
        kernel = randomization.cascade(network, lambda one: one.get_weights()[0][None], 1, seed)[1]
        assert kernel.correlation == pytest.approx(-1)


def test_an_edge_detector_passes_the_cascade_unchanged_and_so_fails_the_check():
    film = RANDOM.random((16, 16))
    stages = randomization.cascade(small_network(), lambda _: film[None], stages=2)
    assert [stage.layer for stage in stages] == ["as trained", "logits", "lower"]
    assert all(stage.correlation == pytest.approx(1) for stage in stages)
    assert all(stage.similarity == pytest.approx(1) for stage in stages)


def test_a_network_of_the_house_can_be_copied_and_scrambled():
    network = networks.build("efficientnetb0", (32, 32), 1)
    film = RANDOM.random((1, 32, 32, 3)).astype(np.float32)
    grid = np.arange(16.0).reshape(1, 4, 4)
    stages = randomization.cascade(network, lambda one: one(film).numpy() * grid, stages=2)
    assert stages[1].layer == "logits" and len(stages) == 3


def test_a_map_without_heat_has_nothing_to_lose_and_does_not_count():
    film, empty = RANDOM.random((16, 16)), np.zeros((16, 16))
    network = small_network()
    stages = randomization.cascade(network, lambda _: np.stack([film, empty]), stages=1)
    assert [(stage.correlation, stage.maps) for stage in stages] == [(pytest.approx(1), 1)] * 2
    (trained, _) = randomization.cascade(network, lambda _: empty[None], stages=1)
    assert np.isnan(trained.correlation) and np.isnan(trained.similarity) and trained.maps == 0


def test_a_network_without_weights_has_no_cascade():
    inputs = keras.Input((4, 4, 3))
    with pytest.raises(ValueError, match="with weights"):
        randomization.cascade(
            keras.Model(inputs, keras.layers.Flatten()(inputs)), lambda _: np.ones(1)
        )


def test_maps_of_a_head_on_shuffled_labels_have_little_in_common_with_the_true_ones():
    random = np.random.default_rng(2)
    truth = np.arange(200) % 2
    features = random.normal(size=(200, 8))
    features[:, 3] += 4 * truth
    grids = random.normal(size=(3, 10, 10, 8))
    head = randomization.linear_head(features, truth.astype(float))
    assert np.abs(head).argmax() == 3 and head[3] > 0
    assert abs(randomization.random_labels(features, truth, lambda head: grids @ head)) < 0.6
    unmoved = randomization.random_labels(features, truth, lambda _: grids[..., 0])
    assert unmoved == pytest.approx(1)
    with pytest.raises(ValueError, match="only one kind"):
        randomization.random_labels(features, np.ones(200), lambda head: grids @ head)
    with pytest.raises(ValueError, match="one truth per film"):
        randomization.random_labels(features, truth[:5], lambda head: grids @ head)

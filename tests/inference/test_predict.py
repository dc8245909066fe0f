"""Passes of the catalogue's models: one per film, frozen, and let go with the film."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from xray_models import catalogue, radiograph
from xray_models.catalogue import Bfloat16
from xray_models.explain import PassCache, heat, heats, targets
from xray_models.explain.api import default_layer, layers, method_supports, pass_cache_of
from xray_models.explain.methods.ablation_cam import _losses
from xray_models.explain.progress import Work
from xray_models.inference import functions, precision, predict, weights
from xray_models.radiograph.preprocess import resize, scale

pytestmark = pytest.mark.network

MODEL = "body-part"


@pytest.fixture(scope="module")
def card():
    return catalogue.get(MODEL)


@pytest.fixture(scope="module")
def film(lower_leg):
    return radiograph.read(lower_leg)


def test_the_frozen_pass_is_the_network(card, film):
    network = weights.network(card)
    batch = scale(resize(film.pixels, card.input_size, card.geometry)[0], card.scaling)[None]
    done = predict.forward(card, film)
    expected = network(batch, training=False).numpy()
    np.testing.assert_allclose(done.logits, expected[0], atol=1e-4)
    np.testing.assert_allclose(predict.logits(card, batch), expected, atol=1e-4)
    pooled = done.activation.mean(axis=(0, 1)) @ done.head
    offset = network.get_layer("logits").bias.numpy()
    np.testing.assert_allclose(pooled + offset, done.logits, atol=1e-4)


def test_every_frozen_pass_is_counted_as_a_copy_of_its_weights(card):
    network = weights.load(card)
    own = functions.traced(network, frozen=True)
    own.forward(np.zeros((1, *card.input_size, 3), np.float32))
    size = 4 * sum(int(np.prod(variable.shape)) for variable in network.weights)
    assert functions.frozen_bytes(network) == size
    own.cut("block6a_expand_activation")
    assert functions.frozen_bytes(network) > size, "so is the part below a layer"


def test_one_pass_serves_every_label(card, film, monkeypatch):
    predict.forward(card, film)

    def forbidden(*_arguments):
        raise AssertionError("another pass was made")

    monkeypatch.setattr(functions.Traced, "forward", forbidden)
    every = [targets.logit(card.labels, label) for label in card.labels]
    fast = ("cam", "grad-cam", "grad-cam++", "hirescam", "layercam", "xgrad-cam", "eigen-cam")
    for method in (*fast, "ablation-cam"):
        found = heats(card, film, [*every, -every[0]], method)
        rows, columns, _ = layers(card)[default_layer(card)]
        assert {one.values.shape for one in found} == {(rows, columns)}


def test_a_film_in_a_model_is_explained_as_the_bare_input_is(card, film):
    network = weights.load(card)  # live variables
    batch = scale(resize(film.pixels, card.input_size, card.geometry)[0], card.scaling)[None]
    bare = PassCache(network, batch)
    target = targets.difference(card.labels, "hand", "elbow")
    for layer in (None, list(layers(card))[-40]):
        from_card = pass_cache_of(card, film).gradients(target.vector()[None], layer)
        live = bare.gradients(target.vector()[None], layer)
        np.testing.assert_allclose(from_card, live, atol=1e-4 * np.abs(live).max())


def test_no_film_is_black_to_the_model(card, film):
    cache = pass_cache_of(card, film)
    black = scale(np.zeros(card.input_size, np.float32), card.scaling)
    np.testing.assert_array_equal(cache.baseline[0], black)


def test_offers_say_what_fits_the_model(card):
    found = {support.method.id: support for support in method_supports(card)}
    assert found["grad-cam"].fits and found["grad-cam"].cost.total == 0
    assert found["rise"].slow and not found["ablation-cam"].slow
    assert not found["guided-backprop"].fits and "ReLU" in found["guided-backprop"].why
    with pytest.raises(ValueError, match="no layer 'nowhere'"):
        method_supports(card, "nowhere")


def test_a_film_lets_go_of_its_passes(card):
    pixels = np.random.default_rng(0).random((50, 40)).astype(np.float32)
    film = radiograph.Radiograph(pixels=pixels, source_format="drawn")
    heat(card, film, targets.logit(card.labels, "hand"))
    cache = weakref.ref(pass_cache_of(card, film))
    del film
    gc.collect()
    assert cache() is None


def test_bfloat16_is_for_models_that_lose_nothing_by_it(card, monkeypatch):
    here = precision.multiplies_bfloat16()
    for choice, free, expected in (
        (None, True, here),
        (None, False, False),
        ("auto", True, here),
        ("float32", True, False),
        ("bfloat16", False, True),
    ):
        if choice is None:
            monkeypatch.delenv("RADLENS_PRECISION", raising=False)
        else:
            monkeypatch.setenv("RADLENS_PRECISION", choice)
        assert precision.wants_bfloat16(free) == expected
    monkeypatch.delenv("RADLENS_PRECISION")
    dear = replace(card, bfloat16=Bfloat16(100, auc_change=-0.01, largest_change=0.1))
    assert predict.arithmetic(replace(card, bfloat16=None)) == "float32"
    assert predict.arithmetic(dear) == "float32"
    moved = replace(card, bfloat16=Bfloat16(100, auc_change=0.0, largest_change=0.1))
    assert predict.arithmetic(moved) == "float32"
    cheap = replace(card, bfloat16=Bfloat16(100, auc_change=0.0, largest_change=0.01))
    assert predict.arithmetic(cheap) == ("bfloat16" if here else "float32")


@pytest.mark.slow  # a pass a channel, twice
def test_bfloat16_is_close(card, film):
    if not precision.multiplies_bfloat16():
        pytest.skip("this processor has no instructions for bfloat16")
    half = functions.Traced(weights.load(card), frozen=True, bfloat16=True)
    activation, logits = half.forward(pass_cache_of(card, film).inputs)
    done = predict.forward(card, film)
    assert activation.dtype == logits.dtype == np.float32
    assert 0 < np.abs(logits[0] - done.logits).max() < 0.1 * np.abs(done.logits).max()
    assert np.corrcoef(activation.ravel(), done.activation.ravel())[0, 1] > 0.99
    # rounding is no loss: what every channel seems to cost must not move by it
    single = pass_cache_of(card, film)
    rounded = PassCache(lambda: half, single.inputs)
    losses = [_losses(one, "block7a_expand_activation", Work()) for one in (single, rounded)]
    moved = np.abs((losses[1] - losses[0]).mean(axis=0))
    assert (moved < 0.1 * losses[0].std(axis=0)).all()


def test_an_unknown_precision_is_refused(monkeypatch):
    monkeypatch.setenv("RADLENS_PRECISION", "int4")
    with pytest.raises(precision.PrecisionError, match="'int4'; it must be one of auto"):
        precision.wants_bfloat16(free=True)

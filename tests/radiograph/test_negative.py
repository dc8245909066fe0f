"""Negatives are told where that is sure, and inverted on request."""

import numpy as np
import pytest
from drawing import dicom, picture, ramp
from PIL import Image

from xray_models import pipeline
from xray_models.datasets import samples
from xray_models.radiograph import exchanged, negative, read


def as_png(film, inverted: bool) -> bytes:
    gray = np.rint(255 * film.pixels).astype(np.uint8)
    return picture(Image.fromarray(255 - gray if inverted else gray), "PNG")


def said(film) -> bool:
    return any("negative" in warning for warning in film.warnings)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_an_inverted_chest_is_said_to_be_a_negative(chest, kind):
    gray = np.rint(255 * read(chest).pixels).astype(np.uint8)
    assert said(read(picture(Image.fromarray(255 - gray), kind)))
    assert not said(read(picture(Image.fromarray(gray), kind)))


def test_one_step_makes_a_positive_of_it(chest):
    film = read(chest)
    turned = read(as_png(film, inverted=True), invert=True)
    assert not said(turned) and turned.inverted
    assert turned.facts()["Inverted"] == "black and white were exchanged"
    np.testing.assert_allclose(turned.pixels, film.pixels, atol=0.003)
    assert not exchanged(turned).inverted


def test_a_sound_film_that_is_inverted_by_mistake_is_said_to_be_a_negative(chest):
    assert said(read(as_png(read(chest), inverted=False), invert=True))


@pytest.mark.network
def test_the_pipeline_inverts(chest):
    film = read(chest)
    right = pipeline.read(film)
    turned = pipeline.read(as_png(film, inverted=True), invert=True)
    assert turned.part == right.part
    for one, other in zip(right.findings, turned.findings, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=0.02)
    again = pipeline.read(read(as_png(film, inverted=True)), invert=True)
    assert again.radiograph.inverted and again.findings == turned.findings


def test_dicom_that_says_which_way_round_it_is_is_doubted_only_if_very_sure(chest, lower_leg):
    assert not said(read(chest)) and not said(read(lower_leg))
    gray = np.rint(255 * read(chest).pixels).astype(np.uint8)
    score = negative.score(negative.thumbnail(1 - gray / np.float32(255)))
    assert said(read(dicom(255 - gray))) == (score >= negative.CERTAIN)


def test_drawings_are_no_negatives():
    for values in (np.zeros((90, 90)), np.full((90, 90), 255), ramp(200, 300)):
        for way in (values, 255 - values):
            assert not said(read(picture(Image.fromarray(way.astype(np.uint8)), "PNG")))


def test_scores_turn_their_sign():
    random = np.random.default_rng(1)
    small = random.random((8, 8)).astype(np.float32)
    assert negative.score(1 - small) == pytest.approx(-negative.score(small), abs=1e-3)


def test_the_samples_at_hand_are_no_negatives():
    for name in samples.SAMPLES:
        if samples.at_hand(name):
            assert not said(read(samples.content(name)))


def test_few_real_films_are_taken_for_negatives(data):
    films = sorted((data / "nih" / "images").glob("*.jpg"))[:150]
    assert sum(said(read(film)) for film in films) <= 1
    told = sum(said(read(film, invert=True)) for film in films)
    assert told >= 0.8 * len(films)

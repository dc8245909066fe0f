"""Bands in which a model cannot tell: their coverage, on drawn scores and on every card's films."""

from pathlib import Path

import numpy as np
import pytest

from xray_models import catalogue
from xray_models.catalogue import Band
from xray_models.evaluate import conformal
from xray_models.number_text import decimals
from xray_models.report import coverage_text

MEASURED = [card.id for card in catalogue.shipped().values() if card.bands]


def drawn(films, seed, shift=0.0):
    """Truth and scores of a model that tells the classes apart by 1.5 standard deviations."""
    random = np.random.default_rng(seed)
    truth = random.random(films) < 0.3
    return truth, 1 / (1 + np.exp(-random.normal(1.5 * truth - 1 + shift)))


def covered(truth, scores, band):
    given = conformal.answers(scores, band)
    return (np.isnan(given) | (given == truth)), np.isnan(given)


def test_nine_in_ten_films_of_either_class_are_covered_and_many_get_a_clear_answer():
    band = conformal.band(*drawn(2_000, 1), threshold=0.4)
    truth, scores = drawn(20_000, 2)
    right, unsure = covered(truth, scores, band)
    for one in (True, False):
        assert right[truth == one].mean() == pytest.approx(0.9, abs=0.03)
    assert 0.1 < unsure.mean() < 0.6


def test_a_kind_of_film_that_scores_higher_is_covered_too():
    (truth, scores), (other_truth, other_scores) = drawn(2_000, 1), drawn(300, 2, shift=1.5)
    both = np.concatenate([truth, other_truth]), np.concatenate([scores, other_scores])
    kinds = np.repeat(["crop", "whole"], [2_000, 300])
    new_truth, new_scores = drawn(20_000, 3, shift=1.5)

    def specificity(band):
        return covered(new_truth, new_scores, band)[0][~new_truth].mean()

    assert specificity(conformal.band(*both, 0.4)) < 0.7
    assert specificity(conformal.band(*both, 0.4, [kinds])) > 0.87


def test_the_band_holds_the_threshold_so_that_a_clear_answer_agrees_with_the_call():
    truth, scores = drawn(500, 1)
    for threshold in (0.01, 0.4, 0.99):
        band = conformal.band(truth, scores, threshold)
        assert band.low <= threshold <= band.high
        assert {band.answer(band.low - 1e-4), band.answer(band.high)} == {"no", "yes"}


def test_of_few_films_nothing_is_clear():
    truth, scores = np.arange(500) < 19, np.linspace(0, 1, 500)
    band = conformal.band(truth, scores, 0.5)
    assert band.everything and {band.answer(p) for p in (0.0, 1.0)} == {"cannot tell"}
    assert not Band(0.1, 0.9).everything


@pytest.mark.parametrize("model", MEASURED)
def test_bands_of_a_card_are_those_of_its_table_and_cover_what_they_say(model):
    card = catalogue.get(model)
    assert card.bands == conformal.bands(card)
    for one in conformal.cross_validated(card):
        kinds = one.column in ("", *conformal.KINDS)
        for films, share in ((one.films_with, one.with_it), (one.films_without, one.without)):
            # three standard errors below nine in ten, of films that had no part in the band
            assert not kinds or films < 20 or share > 0.9 - 3 * (0.09 / films) ** 0.5, one


def test_the_report_tells_the_coverage_also_where_films_are_from_elsewhere():
    text = "\n".join(coverage_text.lines(catalogue.get("chest-pneumonia")))
    assert "pneumonia, Adults" in text and "The card quotes the same bands." in text
    assert not coverage_text.lines(catalogue.get("body-part"))


@pytest.mark.parametrize("model", MEASURED)
def test_the_docs_quote_the_coverage(model):
    text = (Path(__file__).parents[2] / "docs" / "doubt.md").read_text(encoding="utf-8")
    for one in conformal.cross_validated(catalogue.get(model), []):
        start = f"| `{model}`, {one.label} | {one.films_with:,} | {decimals(one.with_it)} |"
        assert f"{start} {one.films_without:,} | {decimals(one.without)} |" in text

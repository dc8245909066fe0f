"""Several readers, against the output of the program OR-DBM MRMC on its own example."""

import numpy as np
import pytest
from van_dyke import ratings

from xray_models.teaching import agreement, mrmc


@pytest.fixture(scope="module")
def table():
    return mrmc.obuchowski_rockette(*ratings())


# OR-DBM MRMC 2.51 (University of Iowa), trapezoidal areas, jackknife, 30 April 2020, as the R
# package RJafroc keeps its output in tests/testthat/goodValues361/Iowa/VanDyke.txt
def test_areas_and_mean_squares_are_the_published_ones(table):
    published = [
        [0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066],
        [0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169],
    ]
    assert table.areas == pytest.approx(np.array(published), abs=5e-9)
    assert table.mean_squares["T"] == pytest.approx(0.00479617, abs=5e-9)
    assert table.mean_squares["R"] == pytest.approx(0.00383620, abs=5e-9)
    assert table.mean_squares["T*R"] == pytest.approx(0.00055103, abs=5e-9)


def test_error_and_components_are_the_published_ones(table):
    assert table.error == pytest.approx(0.00080229, abs=5e-9)
    assert table.covariances == pytest.approx((0.00034661, 0.00034407, 0.00023903), abs=5e-9)
    assert table.reader == pytest.approx(0.00153500, abs=5e-9)
    assert table.interaction == pytest.approx(0.00020040, abs=5e-9)


def test_the_test_and_its_intervals_are_the_published_ones(table):
    assert table.f == pytest.approx(4.46, abs=5e-3)
    assert table.degrees == (1, pytest.approx(15.26, abs=5e-3))
    assert table.p == pytest.approx(0.0517, abs=5e-5)
    (pair,) = table.comparisons
    assert (pair.difference.value, pair.difference.low, pair.difference.high) == pytest.approx(
        (-0.04380, -0.08796, 0.00036), abs=6e-6
    )
    assert (pair.error, pair.p) == pytest.approx((0.02075, 0.0517), abs=5e-5)
    first, second = table.means
    assert (first.value, first.low, first.high) == pytest.approx(
        (0.89703704, 0.82522360, 0.96885048), abs=5e-8
    )
    assert (second.value, second.low, second.high) == pytest.approx(
        (0.94083736, 0.89413783, 0.98753689), abs=5e-8
    )


def test_delong_gives_nearly_the_same_errors(table):
    other = mrmc.obuchowski_rockette(*ratings(), covariance="delong")
    assert other.error == pytest.approx(table.error, rel=0.02)
    assert other.covariances == pytest.approx(table.covariances, rel=0.02)


@pytest.mark.parametrize(
    ("shape", "said"),
    [((1, 5, 8), "two ways"), ((2, 1, 8), "two readers"), ((2, 5, 7), "shape")],
)
def test_too_little_is_told(shape, said):
    with pytest.raises(ValueError, match=said):
        mrmc.obuchowski_rockette(np.arange(8) % 2 == 0, np.random.default_rng(0).random(shape))


def test_readers_who_never_differ_are_told():
    truth = np.arange(8) % 2 == 0
    with pytest.raises(ValueError, match="nothing to compare"):
        mrmc.obuchowski_rockette(truth, np.tile(truth, (2, 3, 1)).astype(float))


# Fleiss' example as Wikipedia has it: 14 readers, 10 subjects, 5 categories, kappa 0.210
def test_fleiss_kappa_is_the_published_one():
    counts = [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
    found = agreement.fleiss_kappa(np.array(counts))
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert found.low < found.value < found.high


def test_fleiss_kappa_of_two_readers_who_agree_always_is_one():
    answers = np.tile(np.arange(12) % 2, (3, 1))
    assert agreement.fleiss_kappa(agreement.counts_of(answers, 2)).value == pytest.approx(1.0)


def test_films_with_different_readers_are_told():
    with pytest.raises(ValueError, match="same two or more readers"):
        agreement.fleiss_kappa(np.array([[1, 1], [2, 1]]))

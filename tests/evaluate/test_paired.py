"""Two models on the same films: DeLong against published values and the plain definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from xray_models.evaluate import comparable
from xray_models.evaluate.metrics import paired
from xray_models.evaluate.metrics.bootstrap import resamples
from xray_models.evaluate.predictions.predictions import Predictions

# DeLong, DeLong & Clarke-Pearson 1988: albumin, total protein, K-G score (0 is best) and who was
# helped by surgery, of 43 patients, as reprinted in the SAS/STAT guide to PROC LOGISTIC
PATIENTS = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""


def model(name: str, truth: np.ndarray, scores: np.ndarray, images: list[str]) -> Predictions:
    groups = np.array([f"patient {i // 2}" for i in range(len(truth))])
    return Predictions(
        name,
        ("Pleural_Thickening",),
        truth[:, None].astype(float),
        scores[:, None],
        groups,
        np.array(images),
    )


def plain_delong(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The definition: every positive beside every negative."""
    wins = [
        (one[truth][:, None] > one[~truth]) + 0.5 * (one[truth][:, None] == one[~truth])
        for one in scores
    ]
    by_positive, by_negative = [w.mean(1) for w in wins], [w.mean(0) for w in wins]
    covariance = np.cov(by_positive) / truth.sum() + np.cov(by_negative) / (~truth).sum()
    return np.array([w.mean() for w in wins]), covariance


def test_delong_gives_the_published_values() -> None:
    cells = np.array(PATIENTS.split(), float).reshape(43, 4)
    truth = cells[:, 3] == 1
    albumin, protein, k_g = cells[:, 0], cells[:, 1], -cells[:, 2]
    areas, covariance = paired.auc_covariance(truth, np.stack([albumin, k_g, protein]))
    assert areas == pytest.approx([0.7366, 0.7258, 0.6478], abs=5e-5)
    assert np.sqrt(np.diag(covariance)) == pytest.approx([0.0927, 0.1028, 0.1000], abs=5e-5)
    found = paired.delong(truth, np.stack([albumin, k_g]))
    assert (found.first.low, found.first.high) == pytest.approx((0.5549, 0.9182), abs=5e-5)
    assert (found.second.low, found.second.high) == pytest.approx((0.5243, 0.9273), abs=5e-5)
    assert found.difference.value == pytest.approx(0.0108, abs=5e-5)
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (-0.1761, 0.1976), abs=5e-5
    )
    assert found.p == pytest.approx(0.9102, abs=5e-5)
    other = paired.delong(truth, np.stack([protein, k_g]))
    assert other.difference.value == pytest.approx(-0.0780, abs=5e-5)
    assert other.p == pytest.approx(0.4561, abs=5e-5)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 5)), min_size=0, max_size=40
    )
)
def test_delong_is_the_plain_definition_with_ties(rows: list[tuple[bool, int, int]]) -> None:
    truth = np.array([row[0] for row in rows], bool)
    scores = np.array([[row[k] for row in rows] for k in (1, 2)], float).reshape(2, len(rows))
    areas, covariance = paired.auc_covariance(truth, scores)
    found = paired.delong(truth, scores)
    if min(truth.sum(), (~truth).sum()) < 1:
        assert np.isnan(areas).all() and np.isnan(found.p) and np.isnan(found.first.value)
        return
    assert areas == pytest.approx([sk.roc_auc_score(truth, one) for one in scores])
    if min(truth.sum(), (~truth).sum()) < 2:
        assert np.isnan(covariance).all() and np.isnan(found.first.low)
        return
    expected, plain = plain_delong(truth, scores)
    assert areas == pytest.approx(expected)
    assert covariance == pytest.approx(plain, abs=1e-12)
    # a group per film is no grouping
    alone = paired.auc_covariance(truth, scores, np.arange(len(rows)))
    assert alone[1] == pytest.approx(covariance)


def test_films_of_one_patient_are_no_new_evidence() -> None:
    random = np.random.default_rng(0)
    truth = np.arange(120) % 3 == 0
    scores = random.normal(size=(2, 120)) + truth
    once = paired.auc_covariance(truth, scores)[1]
    # every film four times, in the group of its first
    groups = np.tile(np.arange(120), 4)
    copies = paired.auc_covariance(np.tile(truth, 4), np.tile(scores, 4), groups)[1]
    naive = paired.auc_covariance(np.tile(truth, 4), np.tile(scores, 4))[1]
    assert copies == pytest.approx(once)
    assert naive == pytest.approx(once / 4, rel=0.05)


def test_the_grouped_interval_is_as_wide_as_the_grouped_bootstraps() -> None:
    random = np.random.default_rng(8)
    patients = np.repeat(np.arange(150), 3)
    truth = random.random(450) < np.where(patients % 2 == 0, 0.5, 0.1)
    ease = random.normal(size=150)[patients]
    scores = np.stack([truth + ease + random.normal(size=450), truth + random.normal(size=450)])
    found = paired.delong(truth, scores, patients)
    films = paired.Pair(("a", "b"), truth, scores, patients.astype(str), patients.astype(str))
    drawn = paired.bootstrap_difference(films, replicates=2000)
    assert drawn.value == pytest.approx(found.difference.value)
    width = found.difference.high - found.difference.low
    assert drawn.high - drawn.low == pytest.approx(width, rel=0.1)


def test_the_same_model_does_not_differ_from_itself() -> None:
    truth, scores = np.arange(20) % 2 == 0, np.random.default_rng(0).random(20)
    found = paired.delong(truth, np.stack([scores, scores]))
    assert found.difference.value == 0 and np.isnan([found.z, found.p]).all()
    perfect = paired.delong(truth, np.stack([truth.astype(float), scores])).first
    assert (perfect.value, perfect.low, perfect.high) == (1, 1, 1)
    with pytest.raises(ValueError, match="finite"):
        paired.delong(truth, np.full((2, 20), np.nan))
    with pytest.raises(ValueError, match="agree"):
        paired.delong(truth, np.zeros((2, 3)))


def test_the_paired_difference_is_measured_on_the_same_resamples() -> None:
    random = np.random.default_rng(1)
    truth = random.random(60) < 0.4
    scores = random.normal(size=(2, 60)) + [[1.0], [0.5]] * truth
    groups = np.repeat(np.arange(20), 3).astype(str)
    films = paired.Pair(("a", "b"), truth, scores, groups, groups)
    for measure, score in (
        ("auc", sk.roc_auc_score),
        ("average_precision", sk.average_precision_score),
    ):
        found = paired.bootstrap_difference(films, 80, 6, measure)
        differences = []
        for block in resamples(groups, 80, 6):
            for row in block.astype(int):
                again = np.repeat(np.arange(60), row)
                one, other = (score(truth[again], scores[k][again]) for k in (0, 1))
                differences.append(one - other)
        assert found.value == pytest.approx(score(truth, scores[0]) - score(truth, scores[1]))
        assert (found.low, found.high) == pytest.approx(
            tuple(np.quantile(differences, [0.025, 0.975]))
        )
    with pytest.raises(ValueError, match="no measure 'accuracy'"):
        paired.bootstrap_difference(films, measure="accuracy")


def test_models_are_compared_on_the_films_that_both_know() -> None:
    truth = np.array([True, False, True, False, False])
    one = model(
        "one", truth, np.array([0.9, 0.2, 0.8, 0.1, 0.6]), [f"films/{c}.jpg" for c in "abcde"]
    )
    other = model("other", truth[[3, 0, 2]], np.array([0.3, 0.7, 0.6]), ["d.png", "a.png", "c.png"])
    other = replace(other, labels=("pleural thickening",))
    films = comparable.pair(one, other, "Pleural_Thickening")
    assert sorted(films.images) == ["a", "c", "d"]
    by_film = dict(zip(films.images, films.scores.T.tolist(), strict=True))
    assert by_film == {"a": [0.9, 0.7], "c": [0.8, 0.6], "d": [0.1, 0.3]}
    assert dict(zip(films.images, films.truth, strict=True)) == {"a": True, "c": True, "d": False}

    with pytest.raises(comparable.NotComparable, match="different films"):
        comparable.pair(one, replace(other, images=np.array(["x", "y", "z"])), "Pleural_Thickening")
    with pytest.raises(comparable.NotComparable, match="lists the film 'a' twice"):
        comparable.pair(one, replace(other, images=np.array(["d", "a", "a"])), "Pleural_Thickening")
    with pytest.raises(comparable.NotComparable, match="different truths for 1 of the 3"):
        comparable.pair(one, replace(other, truth=np.ones((3, 1))), "Pleural_Thickening")
    with pytest.raises(comparable.NotComparable, match="other does not judge"):
        comparable.pair(one, replace(other, labels=("Edema",)), "Pleural_Thickening")
    # films of unknown truth are no ground to compare on
    unknown = replace(other, truth=np.array([[0.0], [np.nan], [1.0]]))
    assert sorted(comparable.pair(one, unknown, "Pleural_Thickening").images) == ["c", "d"]


def test_where_two_models_disagree() -> None:
    truth = np.array([True, True, True, False, False, False])
    scores = np.array([[0.9, 0.2, 0.1, 0.7, 0.1, 0.2], [0.8, 0.9, 0.2, 0.1, 0.2, 0.85]])
    names = np.arange(6).astype(str)
    films = paired.Pair(("a", "b"), truth, scores, names, names)
    found = paired.disagreement(films, (0.5, 0.5))
    # with the finding: both right, only the second, neither; without: only the second, both, first
    assert found.counts.tolist() == [[1, 0, 1, 1], [1, 1, 1, 0]]
    assert found.apart.tolist() == [1, 5, 3] and len(paired.WHO_IS_RIGHT) == 4
    assert found.p == pytest.approx(stats.binomtest(1, 3).pvalue)
    same = paired.disagreement(replace(films, scores=scores[[0, 0]]), (0.5, 0.5))
    assert np.isnan(same.p) and len(same.apart) == 0

"""Curves, bands, calibration, decision curves and histograms, against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from xray_models.evaluate.metrics import curves
from xray_models.evaluate.metrics.bootstrap import resamples
from xray_models.evaluate.metrics.calibration import calibration_error, reliability, wilson
from xray_models.evaluate.metrics.decision_curve import decision_curve
from xray_models.evaluate.metrics.histogram import distribution
from xray_models.evaluate.metrics.ranking import Ranking, Rankings
from xray_models.evaluate.predictions.predictions import LabelPredictions

# scores on a coarse grid, so that ties are the rule
scored = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=0, max_size=40)


def one_label(rows: list[tuple[bool, int]]) -> LabelPredictions:
    count = len(rows)
    return LabelPredictions(
        "label",
        np.array([positive for positive, _ in rows], bool),
        np.array([score / 6 for _, score in rows], float),
        np.array([str(i // 2) for i in range(count)], str),
        np.arange(count),
    )


def drawn(films: int = 300, seed: int = 2) -> LabelPredictions:
    random = np.random.default_rng(seed)
    return one_label(
        [
            (i % 3 == 0, int(np.clip(random.normal(2 + 2 * (i % 3 == 0), 1.5), 0, 6)))
            for i in range(films)
        ]
    )


# ---------------------------------------------------------------- ranking


@settings(deadline=None)
@given(scored, st.integers(0, 2**32 - 1))
def test_a_ranking_is_scikit_learns_on_resampled_films(
    rows: list[tuple[bool, int]], seed: int
) -> None:
    one = one_label(rows)
    ranking = Ranking(one.truth, one.scores)
    weights = np.random.default_rng(seed).integers(0, 4, size=(4, len(rows)))
    areas, precisions = ranking.auc(weights), ranking.average_precision(weights)
    floats = ranking.auc(weights / 3), ranking.average_precision(weights / 3)
    assert floats[0] == pytest.approx(areas, nan_ok=True, abs=1e-12)
    assert floats[1] == pytest.approx(precisions, nan_ok=True, abs=1e-12)
    for row, area, precision in zip(weights, areas, precisions, strict=True):
        truth, scores = np.repeat(one.truth, row), np.repeat(one.scores, row)
        if truth.any() and not truth.all():
            assert area == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-12)
        else:
            assert np.isnan(area)
        if truth.any():
            assert precision == pytest.approx(sk.average_precision_score(truth, scores), abs=1e-12)
        else:
            assert np.isnan(precision)


def test_films_of_unknown_truth_are_left_out_and_labels_can_be_pooled() -> None:
    random = np.random.default_rng(0)
    truth = (random.random((80, 3)) < 0.4).astype(float)
    truth[random.random((80, 3)) < 0.2] = np.nan
    scores = random.random((80, 3)).round(1)
    scores[0, 0], truth[0, 0] = np.nan, np.nan  # nobody asks for a score where truth is unknown
    known = ~np.isnan(truth)
    once = np.ones((1, 80), int)
    assert Ranking(truth, scores).auc(once)[0] == pytest.approx(
        sk.roc_auc_score(truth[known], scores[known])
    )
    assert Ranking(truth[:, 1], scores[:, 1]).auc(once)[0] == pytest.approx(
        sk.roc_auc_score(truth[known[:, 1], 1], scores[known[:, 1], 1])
    )
    weights = random.integers(0, 3, size=(1, 80))
    again = np.repeat(np.arange(80), weights[0])
    pooled = truth[again][known[again]], scores[again][known[again]]
    assert Ranking(truth, scores).auc(weights)[0] == pytest.approx(sk.roc_auc_score(*pooled))
    assert Ranking(truth, scores).average_precision(weights)[0] == pytest.approx(
        sk.average_precision_score(*pooled)
    )
    with pytest.raises(ValueError, match="not a finite number"):
        Ranking(np.array([1.0, 0.0]), np.array([0.3, np.inf]))
    with pytest.raises(ValueError, match="shapes must agree"):
        Ranking(truth, scores).auc(np.ones((1, 79)))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(0, 30))
def test_findings_side_by_side_are_ranked_as_each_alone(
    seed: int, findings: int, films: int
) -> None:
    random = np.random.default_rng(seed)
    truth = random.choice([0.0, 1.0, np.nan], size=(films, findings))
    scores = random.integers(0, 6, size=(films, findings)) / 6
    weights = random.integers(0, 4, size=(40, films))
    together = Rankings(truth, scores)
    areas, precisions = together.auc(weights), together.average_precision(weights)
    for k in range(findings):
        alone = Ranking(truth[:, k], scores[:, k])
        np.testing.assert_array_equal(areas[k], alone.auc(weights))
        np.testing.assert_array_equal(precisions[k], alone.average_precision(weights))
        assert (together.positives[k], together.negatives[k], together.defined[k]) == (
            alone.positives,
            alone.negatives,
            alone.defined,
        )


def test_large_counts_do_not_overflow() -> None:
    # 60,000 positives x 60,000 negatives, each drawn twice: 14.4 thousand million pairs
    truth = np.repeat([True, False], 60_000)
    ranking = Ranking(truth, np.repeat([1.0, 0.0], 60_000))
    assert ranking.auc(np.full((1, 120_000), 2))[0] == 1.0


# ---------------------------------------------------------------- curves


@settings(deadline=None)
@given(scored)
def test_the_roc_curve_is_scikit_learns(rows: list[tuple[bool, int]]) -> None:
    one = one_label(rows)
    curve = curves.roc(one.truth, one.scores)
    if not (one.positives and one.negatives):
        assert len(curve.x) == 0 and np.isnan(curve.area) and one.problem
        return
    x, y, _ = sk.roc_curve(one.truth, one.scores, drop_intermediate=False)
    # the same line: all of scikit-learn's points are on it, and its corners are among them
    assert set(zip(curve.x, curve.y, strict=True)) <= set(zip(x, y, strict=True))
    assert curve.area == pytest.approx(sk.auc(curve.x, curve.y))
    assert curve.area == pytest.approx(sk.roc_auc_score(one.truth, one.scores))
    for x_here, y_here, cut in zip(curve.x, curve.y, curve.thresholds, strict=True):
        called = one.scores >= cut
        assert (called[~one.truth].mean(), called[one.truth].mean()) == (x_here, y_here)


@settings(deadline=None)
@given(scored)
def test_the_precision_recall_curve_is_scikit_learns(rows: list[tuple[bool, int]]) -> None:
    one = one_label(rows)
    curve = curves.precision_recall(one.truth, one.scores)
    if not one.positives:
        assert len(curve.x) == 0 and np.isnan(curve.area)
        return
    precision, recall, thresholds = sk.precision_recall_curve(one.truth, one.scores)
    assert curve.x == pytest.approx(recall[::-1])
    assert curve.y == pytest.approx(precision[::-1])
    assert curve.thresholds[1:] == pytest.approx(thresholds[::-1])
    assert curve.area == pytest.approx(sk.average_precision_score(one.truth, one.scores))
    assert curve.no_skill == one.truth.mean()


def test_a_thinned_curve_keeps_its_ends() -> None:
    random = np.random.default_rng(0)
    many = LabelPredictions(
        "x",
        random.random(2000) < 0.5,
        random.random(2000),
        np.arange(2000).astype(str),
        np.arange(2000),
    )
    curve = curves.precision_recall(many.truth, many.scores)
    thin = curve.thinned(100)
    assert len(thin.x) == 100 and (thin.x[0], thin.x[-1]) == (0, 1)
    assert (
        thin.area == curve.area
        and curves.roc(drawn().truth, drawn().scores).thinned(100).x.size < 100
    )


def test_the_bands_are_percentiles_of_resampled_curves() -> None:
    one = drawn(90)
    roc_band = curves.roc_band(one.truth, one.scores, one.groups, replicates=60, seed=4)
    pr_band = curves.precision_recall_band(one.truth, one.scores, one.groups, replicates=60, seed=4)
    rates, precisions = [], []
    for block in resamples(one.groups, 60, 4):
        for row in block.astype(int):
            truth, scores = np.repeat(one.truth, row), np.repeat(one.scores, row)
            x, y, _ = sk.roc_curve(truth, scores, drop_intermediate=False)
            rates.append(np.interp(curves.GRID, x, y))
            precision, recall, _ = sk.precision_recall_curve(truth, scores)
            precision, recall = precision[:-1], recall[:-1]  # without the point that is convention
            # the last of these, in descending order, is the first threshold that gets there
            precisions.append(
                [
                    precision[np.flatnonzero(recall >= max(at, 1e-12) - 1e-9)[-1]]
                    for at in curves.GRID
                ]
            )
    for band, expected in ((roc_band, rates), (pr_band, precisions)):
        low, high = np.quantile(expected, [0.025, 0.975], axis=0)
        assert band.low == pytest.approx(low)
        assert band.high == pytest.approx(high)
    assert (roc_band.low[50] < curves.roc(one.truth, one.scores).y.max()).all()


def test_there_is_no_band_without_both_classes_or_two_groups() -> None:
    for rows in ([], [(True, 3)], [(False, 3), (False, 2)], [(True, 3), (False, 2)]):
        one = one_label(rows)
        assert np.isnan(curves.roc_band(one.truth, one.scores, one.groups, 5).low).all()


# ---------------------------------------------------------------- calibration


@settings(deadline=None)
@given(scored)
def test_reliability_is_scikit_learns(rows: list[tuple[bool, int]]) -> None:
    one = one_label(rows)
    found = reliability(one.truth, one.scores, bins=5)
    filled = found.films > 0
    assert found.films.sum() == len(rows)
    assert (np.isnan(found.share) == ~filled).all()
    if rows:
        # scikit-learn closes its bins at the upper end; scores here are never on such an edge
        # but at 0 and 1
        shares, scores = calibration_curve(one.truth, one.scores, n_bins=5)
        assert found.share[filled] == pytest.approx(shares)
        assert found.score[filled] == pytest.approx(scores)
        assert found.brier == pytest.approx(sk.brier_score_loss(one.truth, one.scores))
        by_hand = sum(
            films * abs(share - score)
            for films, share, score in zip(found.films[filled], shares, scores, strict=True)
        )
        assert found.error == pytest.approx(by_hand / len(rows))
    else:
        assert np.isnan([found.error, found.brier]).all()
    error = calibration_error(np.ones((1, len(rows))), one.truth, one.scores, bins=5)[0]
    assert error == pytest.approx(found.error, nan_ok=True)


def test_the_calibration_error_of_resamples_is_that_of_the_repeated_films() -> None:
    one = drawn(80)
    weights = np.random.default_rng(0).integers(0, 4, (5, 80))
    found = calibration_error(weights, one.truth, one.scores)
    for row, value in zip(weights, found, strict=True):
        again = reliability(np.repeat(one.truth, row), np.repeat(one.scores, row))
        assert value == pytest.approx(again.error)


def test_bins_of_equally_many_films_and_what_is_refused() -> None:
    random = np.random.default_rng(0)
    scores = random.random(1000) ** 6
    found = reliability(random.random(1000) < scores, scores, bins=10, quantiles=True)
    assert found.films.tolist() == [100] * 10
    assert len(reliability([True, False], [0.3, 0.3], bins=10, quantiles=True).films) == 2
    with pytest.raises(ValueError, match=r"0\.\.1"):
        reliability([True], [1.2])
    with pytest.raises(ValueError, match=r"0\.\.1"):
        reliability([True], [np.nan])
    with pytest.raises(ValueError, match="at least one bin"):
        reliability([True], [0.2], bins=0)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 40))
def test_wilson_is_scipys(positives: int, more: int) -> None:
    films = positives + more
    low, high = wilson(np.array([positives]), np.array([films]))
    expected = stats.binomtest(positives, films).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))
    assert np.isnan(wilson(np.array([0]), np.array([0]))).all()


# ---------------------------------------------------------------- decisions, histograms


def test_net_benefit_is_the_definition() -> None:
    one = drawn(200)
    found = decision_curve(one.truth, one.scores)
    share = one.truth.mean()
    for place in (0, 20, 49, 98):
        cut = found.threshold[place]
        _, fp, _, tp = sk.confusion_matrix(one.truth, one.scores >= cut).ravel()
        odds = cut / (1 - cut)
        assert found.model[place] == pytest.approx((tp - fp * odds) / 200)
        assert found.treat_all[place] == pytest.approx(share - (1 - share) * odds)
    assert (found.treat_none == 0).all()
    assert np.isnan(decision_curve(np.zeros(0, bool), np.zeros(0)).model).all()
    with pytest.raises(ValueError, match="below 1"):
        decision_curve(one.truth, one.scores, np.array([1.0]))


@settings(deadline=None)
@given(scored, st.booleans())
def test_a_histogram_counts_every_film_once(rows: list[tuple[bool, int]], log: bool) -> None:
    one = one_label(rows)
    found = distribution(one.truth, one.scores, bins=7, logarithmic=log)
    assert (np.diff(found.edges) > 0).all() and len(found.positive) == 7
    assert (found.positive.sum(), found.negative.sum()) == (one.positives, one.negatives)
    with pytest.raises(ValueError, match="at least one bin"):
        distribution(one.truth, one.scores, bins=0)

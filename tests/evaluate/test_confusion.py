"""Counts, thresholds that move, and rules that choose them, against scikit-learn on every film."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from xray_models.evaluate import label_measures
from xray_models.evaluate.metrics import thresholds
from xray_models.evaluate.metrics.counts import (
    MEASURES,
    Counts,
    predictive_values,
    reason,
    weighted_counts,
)
from xray_models.evaluate.metrics.thresholds import ThresholdIndex
from xray_models.evaluate.predictions.predictions import Predictions

# truth (None: unknown) and scores on a coarse grid, so that ties are the rule
films = st.lists(
    st.tuples(st.sampled_from([True, False, None]), st.integers(0, 6)), min_size=0, max_size=40
)


def predictions(rows: list[tuple[bool | None, int]], labels: int = 1) -> Predictions:
    """Films of one label, repeated under several names."""
    truth = np.array([np.nan if known is None else float(known) for known, _ in rows])
    scores = np.array([score / 6 for _, score in rows])
    count = len(rows)
    return Predictions(
        name="drawn",
        labels=tuple(f"label {k}" for k in range(labels)),
        truth=np.repeat(truth[:, None], labels, axis=1).reshape(count, labels),
        scores=np.repeat(scores[:, None], labels, axis=1).reshape(count, labels),
        groups=np.array([str(i // 2) for i in range(count)], str),
        images=np.array([f"{i}.png" for i in range(count)], str),
    )


def by_scikit_learn(truth: np.ndarray, called: np.ndarray) -> dict[str, float]:
    """Every measure as scikit-learn gives it, NaN where it warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {
            "sensitivity": sk.recall_score(truth, called, zero_division=np.nan),
            "specificity": sk.recall_score(~truth, ~called, zero_division=np.nan),
            "PPV": sk.precision_score(truth, called, zero_division=np.nan),
            "NPV": sk.precision_score(~truth, ~called, zero_division=np.nan),
            "accuracy": sk.accuracy_score(truth, called),
            "F1": sk.f1_score(truth, called, zero_division=np.nan),
            "Cohen's kappa": sk.cohen_kappa_score(truth, called),
        }
        if truth.any() and not truth.all():
            found["Youden's J"] = sk.balanced_accuracy_score(truth, called, adjusted=True)
            ratios = sk.class_likelihood_ratios(truth, called, replace_undefined_by=np.nan)
            found["positive likelihood ratio"], found["negative likelihood ratio"] = ratios
        else:
            found["Youden's J"] = np.nan
    return found


@settings(deadline=None)
@given(films, st.integers(-1, 7))
def test_every_measure_at_every_threshold_is_scikit_learns(
    rows: list[tuple[bool | None, int]], cut: int
) -> None:
    one = predictions(rows)
    counts = ThresholdIndex(one.labels, one.truth, one.scores).counts_of("label 0", cut / 6)
    known = ~np.isnan(one.truth[:, 0])
    truth, called = one.truth[known, 0] == 1, one.scores[known, 0] >= cut / 6
    assert (counts.tp, counts.fp) == ((truth & called).sum(), (~truth & called).sum())
    assert (counts.fn, counts.tn) == ((truth & ~called).sum(), (~truth & ~called).sum())
    if not known.any():
        assert all(np.isnan(value) for value in counts.measures().values())
        return
    found = {name: float(value) for name, value in counts.measures().items()}
    for name, value in by_scikit_learn(truth, called).items():
        assert found[name] == pytest.approx(value, nan_ok=True), name


@settings(deadline=None)
@given(films, st.integers(0, 2**32 - 1))
def test_resampled_counts_are_those_of_the_repeated_films(
    rows: list[tuple[bool | None, int]], seed: int
) -> None:
    one = predictions(rows)
    weights = np.random.default_rng(seed).integers(0, 4, size=(3, len(rows)))
    called = one.scores[:, 0] > 0.5
    counts = weighted_counts(weights, one.truth[:, 0], called)
    for row, times in enumerate(weights):
        repeated = one.where(np.repeat(np.arange(len(rows)), times))
        expected = weighted_counts(
            np.ones((1, repeated.films)), repeated.truth[:, 0], repeated.scores[:, 0] > 0.5
        )
        for cell in ("tp", "fp", "fn", "tn"):
            assert getattr(counts, cell)[row] == getattr(expected, cell)[0]


def test_several_thresholds_for_several_labels_at_once() -> None:
    random = np.random.default_rng(3)
    truth = (random.random((500, 3)) < 0.3).astype(float)
    truth[random.random((500, 3)) < 0.1] = np.nan
    scores = random.random((500, 3)).round(2)
    index = ThresholdIndex(("a", "b", "c"), truth, scores)
    cuts = random.random((5, 3)).round(2)
    counts = index.counts(cuts)
    assert counts.tp.shape == (5, 3)
    for row, cut in enumerate(cuts):
        for column in range(3):
            yes = scores[:, column] >= cut[column]
            assert counts.tp[row, column] == (yes & (truth[:, column] == 1)).sum()
            assert counts.tn[row, column] == (~yes & (truth[:, column] == 0)).sum()
    everywhere = index.counts(0.5)
    assert everywhere.fp.tolist() == index.counts(np.full(3, 0.5)).fp.tolist()
    with pytest.raises(ValueError, match="3 labels need a threshold each, not 2"):
        index.counts(np.zeros(2))
    with pytest.raises(ValueError, match="must be a number"):
        index.counts(np.array([0.1, np.nan, 0.2]))
    with pytest.raises(ValueError, match="no label 'd'"):
        index.counts_of("d", 0.5)


@settings(deadline=None)
@given(films)
def test_the_cuts_call_every_set_of_films_that_a_threshold_can(
    rows: list[tuple[bool | None, int]],
) -> None:
    one = predictions(rows)
    index = ThresholdIndex(one.labels, one.truth, one.scores)
    cuts = index.cuts("label 0")
    known = one.of("label 0").scores
    assert (np.diff(cuts) > 0).all()
    assert len(cuts) == (len(set(known)) + 1 if len(known) else 0)
    if len(known):
        called = index.counts_of("label 0", cuts).called
        assert called[0] == len(known) and called[-1] == 0
        assert (np.diff(called) < 0).all()


def test_cuts_between_neighboring_floats_still_part_them() -> None:
    low = 0.1
    high = np.nextafter(low, 1)
    names = np.array(["a", "b"])
    pair = Predictions(
        "two", ("x",), np.array([[0.0], [1.0]]), np.array([[low], [high]]), names, names
    )
    index = ThresholdIndex(pair.labels, pair.truth, pair.scores)
    assert index.counts_of("x", index.cuts("x")).called.tolist() == [2, 1, 0]


@settings(deadline=None, max_examples=60)
@given(films, st.sampled_from([0.0, 0.5, 0.8, 0.95, 1.0]), st.sampled_from([0.2, 1.0, 7.0]))
def test_chosen_thresholds_are_the_best_of_all(
    rows: list[tuple[bool | None, int]], share: float, miss: float
) -> None:
    one = predictions(rows)
    index = ThresholdIndex(one.labels, one.truth, one.scores)
    part = one.of("label 0")
    # every threshold that calls different films
    cuts = [*np.unique(part.scores), 2.0] if len(part.scores) else []
    every = [index.counts_of("label 0", cut) for cut in cuts]

    found = thresholds.at_sensitivity(index, "label 0", share)
    if not part.positives:
        assert found.threshold is None and "no threshold" in found.why
    else:
        best = max(n.specificity for n in every if n.sensitivity >= share) if part.negatives else 0
        chosen = index.counts_of("label 0", found.threshold)
        assert chosen.sensitivity >= share
        assert not part.negatives or chosen.specificity == best

    found = thresholds.at_specificity(index, "label 0", share)
    if not part.negatives:
        assert found.threshold is None and "no threshold" in found.why
    else:
        chosen = index.counts_of("label 0", found.threshold)
        assert chosen.specificity >= share
        if part.positives:
            best = max(n.sensitivity for n in every if n.specificity >= share)
            assert chosen.sensitivity == best

    rules = (thresholds.youden, thresholds.max_f1)
    costly = thresholds.least_cost(index, "label 0", miss, 1.0)
    if not (part.positives and part.negatives):
        assert costly.threshold is None
        assert all(rule(index, "label 0").threshold is None for rule in rules)
        return
    for rule, measure in zip(rules, ("youden", "f1"), strict=True):
        chosen = index.counts_of("label 0", rule(index, "label 0").threshold)
        best = max(getattr(n, measure) for n in every[:-1])
        assert getattr(chosen, measure) == pytest.approx(best)
    chosen = index.counts_of("label 0", costly.threshold)
    least = min(miss * n.fn + n.fp for n in every)
    assert miss * chosen.fn + chosen.fp == pytest.approx(least)


def test_the_cost_of_a_miss_depends_on_how_common_the_finding_is() -> None:
    random = np.random.default_rng(0)
    rows = [(bool(i % 2), int(np.clip(random.normal(2 + 2 * (i % 2)), 0, 6))) for i in range(400)]
    found = predictions(rows)
    index = ThresholdIndex(found.labels, found.truth, found.scores)
    common, rare = (
        thresholds.least_cost(index, "label 0", 1.0, 1.0, prevalence).threshold
        for prevalence in (0.5, 0.02)
    )
    assert common is not None and rare is not None
    assert common < rare
    with pytest.raises(ValueError, match="above 0"):
        thresholds.least_cost(index, "label 0", 0.0, 1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        thresholds.at_sensitivity(index, "label 0", 1.2)


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_what_is_not_defined_has_a_reason_and_what_is_has_none(
    tp: int, fp: int, fn: int, tn: int
) -> None:
    counts = Counts(*(np.asarray(n) for n in (tp, fp, fn, tn)))
    for name, value in counts.measures().items():
        sentence = reason(counts, name)
        assert (sentence is None) == (not np.isnan(value))
        assert sentence is None or sentence.startswith(f"{name} is not defined here: ")
    assert set(counts.measures()) == set(MEASURES)


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 50), st.integers(1, 50))
def test_predictive_values_at_the_films_own_prevalence_are_those_of_the_films(
    tp: int, fp: int, fn: int, tn: int
) -> None:
    counts = Counts(*(np.asarray(n) for n in (tp, fp, fn, tn)))
    ppv, npv = predictive_values(counts.sensitivity, counts.specificity, counts.prevalence)
    assert (ppv, npv) == (pytest.approx(counts.ppv), pytest.approx(counts.npv))
    assert predictive_values(counts.sensitivity, counts.specificity, 0.0) == (0.0, 1.0)


def test_predictive_values_of_a_rare_finding() -> None:
    # sensitivity and specificity of 90 %, one in a hundred ill: 9 of 108 alarms are right
    ppv, npv = predictive_values(np.array(0.9), np.array(0.9), 0.01)
    assert ppv == pytest.approx(9 / 108)
    assert npv == pytest.approx(891 / 892)
    assert np.isnan(predictive_values(np.array(0.0), np.array(1.0), 0.1)[0])
    with pytest.raises(ValueError, match="from 0 to 1"):
        predictive_values(np.array(0.9), np.array(0.9), 1.2)


def test_calls_by_chance_are_the_mean_of_shuffled_calls() -> None:
    random = np.random.default_rng(5)
    truth, called = random.random(300) < 0.3, random.random(300) < 0.2
    once = np.ones((1, 300))
    expected = weighted_counts(once, truth, called).no_skill()
    shuffled = [
        weighted_counts(once, truth, random.permutation(called)).measures() for _ in range(3000)
    ]
    for name in ("sensitivity", "specificity", "PPV", "NPV", "accuracy", "Cohen's kappa", "F1"):
        mean = np.mean([one[name][0] for one in shuffled])
        assert expected[name][0] == pytest.approx(mean, abs=0.005), name
    assert expected["positive likelihood ratio"][0] == pytest.approx(1)


def test_measures_hold_every_measure_with_its_interval_and_no_skill() -> None:
    random = np.random.default_rng(1)
    rows = [
        (bool(i % 3 == 0), int(np.clip(random.normal(2 + (i % 3 == 0)), 0, 6))) for i in range(200)
    ]
    rows[5] = (None, 3)
    one = predictions(rows)
    truth, scores = one.of("label 0").truth, one.of("label 0").scores
    called = (one.scores[:, 0] >= 0.5).astype(float)
    called[9] = np.nan
    found = label_measures.measure(one, "label 0", called, replicates=100)
    assert found["AUC"].estimate.value == pytest.approx(sk.roc_auc_score(truth, scores))
    assert found["average precision"].estimate.value == pytest.approx(
        sk.average_precision_score(truth, scores)
    )
    assert found["average precision"].no_skill == pytest.approx(truth.mean())
    assert found["Brier score"].estimate.value == pytest.approx(sk.brier_score_loss(truth, scores))
    kept = np.delete(np.arange(200), [5, 9])
    expected = by_scikit_learn(one.truth[kept, 0] == 1, called[kept] == 1)
    for name, value in expected.items():
        assert found[name].estimate.value == pytest.approx(value), name
        assert found[name].estimate.low < value < found[name].estimate.high, name
    assert list(found)[4:] == list(MEASURES)
    assert set(label_measures.measure(one, "label 0", replicates=5)) == set(list(found)[:4])


def test_measures_without_films_or_with_one_class_are_nan_and_not_a_crash() -> None:
    for rows in ([], [(None, 2)], [(True, 2)], [(False, 3), (False, 4)]):
        one = predictions(rows)
        found = label_measures.measure(one, "label 0", np.ones(len(rows)), replicates=20)
        assert np.isnan(found["AUC"].estimate.value)
        assert one.of("label 0").problem


def test_labels_measured_together_get_what_each_gets_alone() -> None:
    random = np.random.default_rng(3)
    scores = random.random((60, 3)).round(2)
    truth = (random.random((60, 3)) < scores).astype(float)
    truth[:7, 1] = np.nan  # these films count for the others
    groups = np.array([str(k // 2) for k in range(60)])
    films = Predictions("toy", ("a", "b", "c"), truth, scores, groups, groups)
    called = {name: (scores[:, k] > 0.5).astype(float) for k, name in enumerate("ab")}
    together = label_measures.measures(films, films.labels, called, replicates=60)
    assert list(together) == ["a", "b", "c"]
    for label, found in together.items():
        assert found == label_measures.measure(films, label, called.get(label), replicates=60)
        assert len(found) == (4 if label == "c" else 4 + len(MEASURES))

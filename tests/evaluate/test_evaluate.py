"""Figures against scikit-learn, intervals against the plain definition, tables against damage."""

from __future__ import annotations

import itertools
import re
from dataclasses import asdict, astuple, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn import metrics as sk

from xray_models import NONE_OF_THESE, PARTS, catalogue
from xray_models.catalogue import (
    Alternative,
    Asked,
    Calibration,
    Card,
    Figure,
    HeldOut,
    Training,
    WeightsFile,
)
from xray_models.evaluate import alternatives, card_thresholds, comparable
from xray_models.evaluate.card_figures import confusion_matrix, estimates, figures, films_of_test
from xray_models.evaluate.metrics import confusion, thresholds
from xray_models.evaluate.metrics import weighted as metrics
from xray_models.evaluate.metrics.bootstrap import bootstrap, resamples
from xray_models.evaluate.metrics.thresholds import ThresholdIndex
from xray_models.evaluate.pooled import pooled_estimate
from xray_models.evaluate.predictions.held_out_table import (
    TableError,
    crops,
    load,
    out_of_fold,
    probabilities,
)
from xray_models.evaluate.predictions.routing import ABSTAINS, route
from xray_models.evaluate.whole_films import of_catalogue, whole_films
from xray_models.number_text import with_interval
from xray_models.report import model_text, readme, whole_films_text

NINE = (*PARTS, NONE_OF_THESE)
CHEST = ("normal", "bacterial pneumonia", "viral pneumonia")

# scores on a coarse grid, so that ties are the rule
scored = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=40)


def once(films: int) -> np.ndarray:
    return np.ones((1, films))


def card(
    task: str,
    labels: tuple[str, ...],
    cuts: dict[str, float],
    combined: dict[str, tuple[str, ...]] | None = None,
    quoted: dict[str, Figure] | None = None,
) -> Card:
    """A card of an untrained model: only what figures are computed from is set."""
    return Card(
        id="example",
        name="An example",
        task=task,
        parts=() if task == "body-part" else ("chest",),
        architecture="vgg16",
        input_size=(64, 64),
        geometry="fit",
        scaling="unit",
        activation="sigmoid" if len(labels) == 1 else "softmax",
        labels=labels,
        thresholds=cuts,
        calibration=Calibration(1.0, (0.0,) * len(labels)),
        weights=WeightsFile("example.safetensors", "", 0, "float16", "", "Apache-2.0"),
        training=Training((), 0, 0, "", ""),
        held_out=HeldOut("example.csv", 0, 0, quoted or {}),
        intended_use="",
        limits=(),
        references=(),
        combined=combined or {},
    )


def drawn(labels: tuple[str, ...], films: int = 300, seed: int = 3) -> pd.DataFrame:
    """A held-out table with fair but imperfect probabilities, two films a group."""
    random = np.random.default_rng(seed)
    names = (*labels, "none") if len(labels) == 1 else labels
    truth = random.integers(len(names), size=films)
    if len(labels) == 1:
        p = 1 / (1 + np.exp(-random.normal(np.where(truth == 0, 1.0, -1.0))))[:, None]
    else:
        p = softmax(random.normal(size=(films, len(labels))) + 2 * np.eye(len(names))[truth], 1)
    group = np.arange(films) // 2
    table = pd.DataFrame(
        {
            "image": [f"film{i}.png" for i in range(films)],
            "group": [f"g{g}" for g in group],
            "split": np.where(group % 3 == 0, "validation", "test"),
            "truth": np.array(names)[truth],
        }
    )
    for column, label in enumerate(labels):
        table[f"p:{label}"] = p[:, column].round(5)
    table["source"] = np.where(group % 2 == 0, "here", "there")
    return table


def saved(table: pd.DataFrame, folder: Path) -> Path:
    path = folder / "held_out" / "example.csv"
    path.parent.mkdir(exist_ok=True)
    table.to_csv(path, index=False)
    return path


# ---------------------------------------------------------------- metrics


@given(scored)
def test_auc_and_average_precision_are_scikit_learns_with_ties(
    films: list[tuple[bool, int]],
) -> None:
    truth = np.array([positive for positive, _ in films])
    scores = np.array([score / 6 for _, score in films])
    auc = metrics.auc(once(len(films)), truth, scores)
    precision = metrics.average_precision(once(len(films)), truth, scores)
    if truth.any() and not truth.all():
        assert auc == pytest.approx([sk.roc_auc_score(truth, scores)])
    else:
        assert np.isnan(auc).all()
    if truth.any():
        assert precision == pytest.approx([sk.average_precision_score(truth, scores)])
    else:
        assert np.isnan(precision).all()


@given(scored, st.integers(0, 2**32 - 1))
def test_a_weight_counts_a_film_that_often(films: list[tuple[bool, int]], seed: int) -> None:
    truth = np.array([positive for positive, _ in films])
    scores = np.array([score / 6 for _, score in films])
    weights = np.random.default_rng(seed).integers(0, 4, size=(3, len(films)))
    measures = [
        lambda w, t, s: metrics.auc(w, t, s),
        lambda w, t, s: metrics.average_precision(w, t, s),
        lambda w, t, s: metrics.share(w, s > 0.5, among=t),
        lambda w, t, s: metrics.mean(w, (s - t) ** 2),
        lambda w, t, s: confusion.macro_f1(
            confusion.weighted_matrix(w, t.astype(int), (s > 0.5).astype(int), 2)
        ),
    ]
    for measure in measures:
        weighted = measure(weights, truth, scores)
        for row, value in zip(weights, weighted, strict=True):
            repeated = measure(once(row.sum()), np.repeat(truth, row), np.repeat(scores, row))
            assert value == pytest.approx(repeated[0], nan_ok=True)


def test_shares_and_macro_f1_are_scikit_learns() -> None:
    random = np.random.default_rng(0)
    truth, called = random.integers(4, size=(2, 200))
    w = once(200)
    assert metrics.share(w, truth == called)[0] == pytest.approx(sk.accuracy_score(truth, called))
    assert metrics.share(w, called == 1, among=truth == 1)[0] == pytest.approx(
        sk.recall_score(truth == 1, called == 1)
    )
    assert confusion.macro_f1(confusion.weighted_matrix(w, truth, called, 4))[0] == pytest.approx(
        sk.f1_score(truth, called, average="macro")
    )
    scores = random.random(200)
    assert metrics.mean(w, (scores - (truth == 1)) ** 2)[0] == pytest.approx(
        sk.brier_score_loss(truth == 1, scores)
    )
    assert (confusion.count_matrix(truth, called, 4) == sk.confusion_matrix(truth, called)).all()


def test_what_is_not_defined_is_nan_and_not_zero() -> None:
    nothing = np.zeros(0)
    assert np.isnan(metrics.auc(once(0), nothing.astype(bool), nothing)).all()
    assert np.isnan(metrics.average_precision(once(0), nothing.astype(bool), nothing)).all()
    assert np.isnan(metrics.mean(once(0), nothing)).all()
    three = np.array([True, True, False])
    assert np.isnan(metrics.share(once(3), three, among=np.zeros(3, bool))).all()
    # class 2 has no true film
    counts = confusion.count_matrix(np.array([0, 1, 1]), np.array([0, 1, 2]), 3)
    assert np.isnan(confusion.macro_f1(counts))


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        metrics.auc(once(2), np.array([True, False]), np.array([0.5, np.nan]))
    with pytest.raises(ValueError, match="shapes must agree"):
        metrics.auc(once(3), np.array([True, False]), np.array([0.5, 0.1]))


def test_confusion_refuses_classes_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        confusion.count_matrix(np.array([0, 2]), np.array([0, 1]), 2)
    with pytest.raises(ValueError, match="shape"):
        confusion.count_matrix(np.array([0, 1]), np.array([0]), 2)
    assert confusion.count_matrix(np.zeros(0, int), np.zeros(0, int), 2).tolist() == [
        [0, 0],
        [0, 0],
    ]


# ---------------------------------------------------------------- intervals


def test_groups_are_drawn_whole_and_as_many_as_there_are() -> None:
    groups = np.array(["a", "b", "a", "c", "b", "a"])
    counts = np.concatenate(list(resamples(groups, replicates=250, seed=1)))
    assert counts.shape == (250, 6)
    for name in "abc":
        of_group = counts[:, groups == name]
        assert (of_group == of_group[:, :1]).all()
    assert (counts[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_the_interval_is_the_percentiles_of_plain_resampling() -> None:
    groups = np.repeat(np.arange(30), [1, 2, 3] * 10)
    values = np.random.default_rng(5).normal(size=60)
    found = bootstrap(lambda w: metrics.mean(w, values), groups, replicates=200, seed=9)
    plain = [
        np.concatenate([np.repeat(values[i], int(row[i])) for i in range(60)]).mean()
        for row in itertools.chain.from_iterable(resamples(groups, 200, 9))
    ]
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(plain, [2.5, 97.5])))
    assert found.undefined == 0


def test_the_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(0).normal(size=400)
    alone = bootstrap(lambda w: metrics.mean(w, values), np.arange(400), replicates=2000)
    standard_error = values.std() / 20
    assert (alone.high - alone.low) / 2 == pytest.approx(1.96 * standard_error, rel=0.08)
    # every film four times: four times the rows, and no more knowledge
    copies = np.tile(values, 4)
    grouped = bootstrap(
        lambda w: metrics.mean(w, copies), np.tile(np.arange(400), 4), replicates=2000
    )
    assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low)


def test_the_same_seed_gives_the_same_interval() -> None:
    values, groups = np.arange(50.0), np.arange(50)
    one, same, other = (
        bootstrap(lambda w: metrics.mean(w, values), groups, replicates=150, seed=seed)
        for seed in (4, 4, 5)
    )
    assert one == same
    assert one != other


def test_replicates_without_a_positive_are_left_out_and_counted() -> None:
    truth = np.array([True] + [False] * 9)
    scores = np.linspace(1, 0, 10)
    found = bootstrap(lambda w: metrics.auc(w, truth, scores), np.arange(10), replicates=1000)
    without = sum(
        int((block[:, 0] == 0).sum() + (block[:, 1:] == 0).all(axis=1).sum())
        for block in resamples(np.arange(10), 1000)
    )
    assert 0 < found.undefined == without < 1000
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_no_interval_without_two_groups_and_no_figure_without_films() -> None:
    values = np.arange(4.0)
    single = bootstrap(lambda w: metrics.mean(w, values), np.array(["a"] * 4))
    assert single.value == 1.5
    assert np.isnan([single.low, single.high]).all()
    with pytest.raises(ValueError, match="no film"):
        bootstrap(lambda w: metrics.mean(w, np.zeros(0)), np.zeros(0))


# ---------------------------------------------------------------- thresholds


def sorted_scores(truth: np.ndarray, scores: np.ndarray) -> ThresholdIndex:
    """Films of one label, as thresholds are chosen on."""
    return ThresholdIndex(("it",), truth[:, None].astype(float), scores[:, None])


@given(scored)
def test_thresholds_are_the_best_there_are(films: list[tuple[bool, int]]) -> None:
    truth = np.array([positive for positive, _ in films])
    scores = np.array([score / 6 for _, score in films])
    if truth.all() or not truth.any():
        table = pd.DataFrame({"truth": np.where(truth, "it", "none"), "p:it": scores})
        with pytest.raises(ValueError, match="only one class"):
            card_thresholds.choose(table, ["it"], {}, "bone")
        return
    index = sorted_scores(truth, scores)
    false_rate, true_rate, _ = sk.roc_curve(truth, scores, drop_intermediate=False)
    called = scores >= thresholds.youden(index, "it").threshold
    gain = called[truth].mean() - called[~truth].mean()
    assert gain == pytest.approx((true_rate - false_rate).max())
    cut = thresholds.at_sensitivity(index, "it", 0.75).threshold
    assert (scores >= cut)[truth].mean() >= 0.75
    higher = scores[scores >= cut].min()
    assert (scores > higher)[truth].mean() < 0.75, "a higher one would find enough too"
    cut = card_thresholds.specific(index, "it").threshold
    assert (scores < cut)[~truth].mean() >= 0.9


@given(scored)
def test_sensitive_finds_nine_in_ten_at_the_highest_threshold(
    films: list[tuple[bool, int]],
) -> None:
    truth = np.array([positive for positive, _ in films])
    scores = np.array([score / 6 for _, score in films])
    found = card_thresholds.sensitive(sorted_scores(truth, scores), "it").threshold
    if not truth.any():
        assert found is None
        return
    assert (scores >= found)[truth].mean() >= 0.9
    higher = scores[scores >= found].min()
    assert (scores > higher)[truth].mean() < 0.9, "a higher one would find enough too"


def test_nine_in_ten_films_are_counted_exactly() -> None:
    scores = np.arange(20) / 20
    half = np.arange(20) % 2 == 0  # ten films with it: 0.0, 0.1 ... 0.9; ten without: 0.05 ... 0.95
    assert card_thresholds.sensitive(sorted_scores(half, scores), "it").threshold == pytest.approx(
        0.075
    )
    assert card_thresholds.specific(sorted_scores(half, scores), "it").threshold == pytest.approx(
        0.875
    )


# the model whose validation films are easier than those it will meet; the others go by the default
RULES_OF_CARDS = {"chest-pneumonia": card_thresholds.sensitive}


@pytest.mark.parametrize("model", catalogue.catalogue())
def test_the_thresholds_of_a_card_follow_from_its_stored_predictions(model: str) -> None:
    card = catalogue.get(model)
    table = load(catalogue.table_path(card), card.labels, card.multi_label)
    rows = table if out_of_fold(table) else table[table["split"] == "validation"]
    rule = RULES_OF_CARDS.get(model)
    found = card_thresholds.choose(
        rows, card.labels, card.combined, card.task, rule, card.multi_label
    )
    assert found == card.thresholds


def test_of_equal_thresholds_the_most_sensitive_is_taken() -> None:
    truth = np.array([False, True, False, True])
    scores = np.array([0.1, 0.3, 0.5, 0.7])
    assert thresholds.youden(sorted_scores(truth, scores), "it").threshold == pytest.approx(0.2)


def test_a_threshold_refuses_scores_that_are_no_numbers() -> None:
    with pytest.raises(ValueError, match="finite"):
        sorted_scores(np.array([True, False]), np.array([np.nan, 0.2]))


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.8, 0.98]))
def test_refusal_is_the_highest_threshold_that_refuses_enough(seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    none, supported = random.integers(0, 20, 60) / 20, random.random(60) < 0.5
    if supported.all():
        with pytest.raises(ValueError, match="none of the parts"):
            card_thresholds.refusal(none, supported, share)
        return

    def refused(cut: float) -> float:
        return float((none >= cut)[~supported].mean())

    cut = card_thresholds.refusal(none, supported, share)
    assert refused(cut) >= share > refused(np.nextafter(cut, 2))


def test_thresholds_are_chosen_for_every_kind_of_model() -> None:
    nine = card_thresholds.choose(drawn(NINE), NINE, {}, "body-part")
    assert set(nine) == {NONE_OF_THESE}
    sent = route(probabilities(drawn(NINE), NINE), NINE, nine)
    assert (~sent.read)[drawn(NINE)["truth"] == NONE_OF_THESE].mean() >= 0.98
    assert set(card_thresholds.choose(drawn(("fracture",)), ("fracture",), {}, "bone")) == {
        "fracture"
    }
    combined = {"pneumonia": CHEST[1:]}
    three = card_thresholds.choose(drawn(CHEST), CHEST, combined, "chest")
    assert set(three) == {"pneumonia", *CHEST[1:]}, "normal is no finding"
    table = drawn(CHEST)
    assert three["pneumonia"] == pytest.approx(
        thresholds.youden(
            sorted_scores(
                (table["truth"] != "normal").to_numpy(), 1 - table["p:normal"].to_numpy()
            ),
            "it",
        ).threshold,
        abs=1e-4,
    )
    sick = table["truth"] != "normal"
    for rule, kept in ((card_thresholds.sensitive, sick), (card_thresholds.specific, ~sick)):
        cut = card_thresholds.choose(table, CHEST, combined, "chest", rule)["pneumonia"]
        called = 1 - table["p:normal"] >= cut
        assert (called == sick)[kept].mean() >= 0.9


# ---------------------------------------------------------------- routing


def test_a_film_is_refused_for_being_unlike_and_never_for_lying_between_two_parts() -> None:
    labels, cuts = ("hand", "wrist", "elbow", NONE_OF_THESE), {NONE_OF_THESE: 0.5}
    values = np.array(
        [
            [0.8, 0.1, 0.1, 0.0],
            [0.3, 0.25, 0.01, 0.44],  # between two parts, and more likely none than either
            [0.2, 0.6, 0.0, 0.2],
            [0.4, 0.1, 0.0, 0.5],
            [0.25, 0.5, 0.25, 0.0],  # of two that are as close, the first
        ]
    )
    sent = route(values, labels, cuts)
    assert sent.part.tolist() == [0, 0, 1, ABSTAINS, 1]
    assert sent.also.tolist() == [ABSTAINS, 1, 0, ABSTAINS, 0]
    assert sent.read.tolist() == [True, True, True, False, True]
    assert sent.names(np.array([1, 1, 1, 0, 2])).tolist() == [False, True, True, False, False]
    assert route(np.zeros((0, 4)), labels, cuts).part.shape == (0,)
    with pytest.raises(ValueError, match="do not fit"):
        route(values, ("hand", "wrist"), cuts)
    with pytest.raises(ValueError, match="threshold for 'none of these'"):
        route(values, labels, {"hand": 0.5})


def test_a_reading_routes_as_the_figures_say() -> None:
    from xray_models import pipeline

    detector = card("body-part", NINE, {NONE_OF_THESE: 0.3})
    values = softmax(np.random.default_rng(2).normal(size=(500, 9), scale=1.5), axis=1)
    sent = route(values, NINE, detector.thresholds)
    for row, part, also in zip(values, sent.part, sent.also, strict=True):
        named = pipeline.route(detector, dict(zip(NINE, row.tolist(), strict=True)))
        assert named == tuple(NINE[k] for k in (part, also) if k != ABSTAINS)


# ---------------------------------------------------------------- figures


def test_figures_of_one_label_are_scikit_learns() -> None:
    one = card("bone", ("fracture",), {"fracture": 0.4})
    rows = drawn(one.labels)
    found = estimates(rows, one, replicates=20)
    truth, p = rows["truth"] == "fracture", rows["p:fracture"]
    called = p >= 0.4
    expected = {
        "AUC": sk.roc_auc_score(truth, p),
        "average precision": sk.average_precision_score(truth, p),
        "Brier score": sk.brier_score_loss(truth, p),
        "accuracy": sk.accuracy_score(truth, called),
        "sensitivity": sk.recall_score(truth, called),
        "specificity": sk.recall_score(~truth, ~called),
    }
    assert {name: figure.value for name, figure in found.items()} == pytest.approx(expected)
    assert all(figure.low < figure.value < figure.high for figure in found.values())
    found = confusion_matrix(rows, one)
    assert found.names == ("fracture", "none")
    assert (found.counts == sk.confusion_matrix(~truth, ~called)).all()


def test_films_like_those_that_the_model_is_asked_about_get_figures_of_their_own() -> None:
    one = card("bone", ("fracture",), {"fracture": 0.4})
    asked = replace(one, asked=Asked("arms and shoulders", "region", ("arm", "shoulder")))
    rows = drawn(one.labels)
    rows["region"] = np.resize(["arm", "leg", "shoulder", "hip", "leg"], len(rows))
    of_all = estimates(rows, asked, replicates=20)
    inside = estimates(rows[rows["region"].isin(("arm", "shoulder"))], one, replicates=20)
    names = ["AUC", "accuracy", "sensitivity", "specificity"]
    assert list(of_all)[:4] == [f"{name}, arms and shoulders" for name in names]
    for name in names:
        assert of_all[f"{name}, arms and shoulders"].value == pytest.approx(inside[name].value)
        assert of_all[name].value != pytest.approx(inside[name].value)
    assert model_text.headlines(asked, of_all)[0] == "AUC, arms and shoulders"
    with pytest.raises(TableError, match="no column 'region'"):
        estimates(drawn(one.labels), asked, replicates=20)


def test_figures_of_several_labels_are_scikit_learns() -> None:
    chest = card("chest", CHEST, {"pneumonia": 0.6}, {"pneumonia": CHEST[1:]})
    rows = drawn(CHEST)
    found = {name: one.value for name, one in estimates(rows, chest, replicates=5).items()}
    values = rows[[f"p:{label}" for label in CHEST]].to_numpy()
    most_probable = np.array(CHEST)[values.argmax(axis=1)]
    sick, score = rows["truth"] != "normal", 1 - rows["p:normal"]
    called = values[:, 1] + values[:, 2] >= 0.6
    expected = {
        "macro-F1": sk.f1_score(rows["truth"], most_probable, average="macro"),
        "accuracy": sk.accuracy_score(rows["truth"], most_probable),
        "AUC, pneumonia vs normal": sk.roc_auc_score(sick, score.round(5)),
        "accuracy, pneumonia vs normal": sk.accuracy_score(sick, called),
        "sensitivity, pneumonia vs normal": sk.recall_score(sick, called),
        "specificity, pneumonia vs normal": sk.recall_score(~sick, ~called),
    }
    for label in CHEST:
        expected[f"AUC, {label} vs the rest"] = sk.roc_auc_score(
            rows["truth"] == label, rows[f"p:{label}"]
        )
    assert found == pytest.approx(expected, abs=1e-4)
    found = confusion_matrix(rows, chest)
    assert found.names == CHEST
    assert (found.counts == sk.confusion_matrix(rows["truth"], most_probable, labels=CHEST)).all()


def test_figures_of_the_body_part_model_count_what_is_routed() -> None:
    labels = NINE
    detector = card("body-part", labels, {NONE_OF_THESE: 0.5})
    p = {
        "right": ("hand", {"hand": 0.7, "wrist": 0.3}),
        "to another part": ("hand", {"wrist": 0.9, "hand": 0.1}),
        "to two parts": ("hand", {"wrist": 0.5, "hand": 0.3, NONE_OF_THESE: 0.2}),
        "unsure": ("chest", {"chest": 0.3, "hand": 0.3, NONE_OF_THESE: 0.4}),
        "refused": ("wrist", {NONE_OF_THESE: 0.8, "wrist": 0.2}),
        "a leg, refused": (NONE_OF_THESE, {NONE_OF_THESE: 1.0}),
        "a leg, unsure": (NONE_OF_THESE, {"hand": 0.55, NONE_OF_THESE: 0.45}),
        "a leg, routed": (NONE_OF_THESE, {"elbow": 0.6, NONE_OF_THESE: 0.4}),
    }
    rows = pd.DataFrame(
        [
            {"image": name, "group": name, "split": "test", "truth": truth}
            | {"framing": "whole film" if name in ("right", "refused") else "region crop"}
            | {f"p:{label}": values.get(label, 0.0) for label in labels}
            for name, (truth, values) in p.items()
        ]
    )
    found = {name: one.value for name, one in estimates(rows, detector, replicates=5).items()}
    assert found["supported films read"] == pytest.approx(4 / 5)
    assert found["whole films of arms read"] == pytest.approx(1 / 2)
    assert found["part right, of films read"] == pytest.approx(3 / 4)
    assert found["other films refused"] == pytest.approx(1 / 3)
    assert found["accuracy"] == pytest.approx(2 / 8)
    assert found["AUC, chest vs the rest"] == 1
    assert np.isnan(found["macro-F1"])  # most parts have no film here


def test_the_shipped_detector_reads_what_it_should_and_refuses_the_rest() -> None:
    figures = catalogue.get("body-part").held_out.figures
    assert figures["supported films read"].value >= 0.98
    assert figures["whole films of arms read"].value >= 0.97
    assert figures["part right, of films read"].value >= 0.95
    assert figures["other films refused"].value >= 0.97


def test_a_refused_whole_film_counts_as_missed() -> None:
    detector = catalogue.get("body-part")
    found = whole_films(detector, replicates=20)
    assert found is not None and found.films > 100 and 0 < found.refused < 10
    # a detector that refuses everything finds nothing
    none = whole_films(replace(detector, thresholds={NONE_OF_THESE: 0.0}), replicates=20)
    assert none is not None and none.refused == none.films == found.films + found.left_out
    assert none.figures["sensitivity"].value == 0 and none.figures["specificity"].value == 1
    assert none.figures["AUC"].value == 0.5


def test_counts_of_parts_add_up_to_those_of_all_whole_films() -> None:
    found = of_catalogue()
    assert found is not None and set(found.parts) <= set(PARTS) - {"chest"}
    every = [astuple(one) for one in found.parts.values()]
    films, fractured, refused, right, false_alarms = map(sum, zip(*every, strict=True))
    assert (films, fractured, refused) == (found.films, found.fractured, found.refused)
    assert right / fractured == pytest.approx(found.figures["sensitivity"].value)
    assert 1 - false_alarms / (films - fractured) == pytest.approx(
        found.figures["specificity"].value
    )


def test_figures_of_bone_models_begin_with_those_that_count_refused_films() -> None:
    found = of_catalogue()
    assert found is not None
    auc = f"reach AUC {with_interval(found.figures['AUC'])}"
    cards = [one for one in catalogue.catalogue().values() if one.task == "bone"]
    assert len(cards) == 8
    for one in cards:
        said = whole_films_text.sentences(one)
        assert (
            auc in said and f"The {found.refused} that the detector refuses count as missed" in said
        )
        assert model_text.report(one, replicates=10).splitlines()[1] == said
        assert ("It calls" in said) == (one.parts in ((part,) for part in found.parts))
    assert whole_films_text.sentences(catalogue.get("chest-14")) == ""


def test_the_readme_begins_with_the_whole_films_of_its_tables() -> None:
    root = Path(__file__).parents[2]
    line = readme.whole_films_line(catalogue.catalogue().values())
    for path in (root / "README.md", root / "docs" / "models.md"):
        _, _, figures_of = path.read_text(encoding="utf-8").partition("<!-- figures -->\n")
        assert figures_of.startswith(line)


def test_a_card_gets_the_test_films_only_and_nothing_undefined(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    one = card("bone", ("fracture",), {"fracture": 0.4})
    table = drawn(one.labels)
    saved(table, tmp_path)
    test = table[table["split"] == "test"]
    found = figures(one)
    assert found["AUC"].value == pytest.approx(
        sk.roc_auc_score(test["truth"] == "fracture", test["p:fracture"])
    )
    saved(table.assign(truth="none"), tmp_path)
    assert "AUC" not in figures(one)
    assert figures(one)["specificity"].value > 0
    saved(table[table["split"] == "validation"], tmp_path)
    with pytest.raises(TableError, match="has no films of the test split"):
        figures(one)


# ---------------------------------------------------------------- tables


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    table = drawn(CHEST)
    table.loc[0, "source"] = "NA"  # a value that pandas would otherwise take for missing
    found = load(saved(table, tmp_path), CHEST)
    assert found.astype(object).equals(table.astype(object))
    assert probabilities(found, CHEST).dtype == np.float64


GOOD = """image,group,split,truth,p:fracture,source
a.png,g1,validation,fracture,0.9,x
b.png,g2,test,none,0.25,x
c.png,g2,test,fracture,0.5,y
"""


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("p:fracture", "p:break", r"line 1: missing column\(s\) p:fracture"),
        ("source", "p:normal", "line 1: p:normal is for no label"),
        ("source", "group", r"line 1: repeated column\(s\) group"),
        (",test,none", ",train,none", "line 3: split must be one of validation, test.*'train'"),
        ("none", "normal", "line 3: truth must be one of fracture, none.*'normal'"),
        ("0.25", "1.25", "line 3: p:fracture must be a number from 0 to 1.*'1.25'"),
        ("0.25", "nan", "line 3: p:fracture must be a number from 0 to 1.*'nan'"),
        ("0.25", "", "line 3: p:fracture must be a number from 0 to 1.*''"),
        ("0.25", "high", "line 3: p:fracture must be a number from 0 to 1.*'high'"),
        ("c.png,g2,test,fracture,0.5,y", "b.png,g2,test,none,0.25,x", "line 4: repeats"),
        ("c.png,g2", "c.png,g1", "line 2: this group lies in both splits.*'g1'"),
        ("b.png", "", "line 3: image must not be empty"),
        ("g1", "", "line 2: group must not be empty"),
        (",0.25,x", "", "line 3: p:fracture must be a number from 0 to 1"),
        (",0.25,x", ",0.25,x,x", "cannot be read as CSV.*line 3"),
        ("c.png", "\nc.png", "line 4: image must not be empty"),
    ],
)
def test_a_damaged_table_names_file_and_line(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    path = tmp_path / "example.csv"
    path.write_text(GOOD)
    assert len(load(path, ("fracture",))) == 3
    path.write_text(GOOD.replace(before, after, 1))
    with pytest.raises(TableError, match=f"example.csv.*{message}"):
        load(path, ("fracture",))


def test_a_table_that_is_missing_empty_or_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "example.csv"
    with pytest.raises(TableError, match=r"example\.csv: no such file"):
        load(path, ("fracture",))
    for content, message in [
        (b"", "cannot be read as CSV"),
        (b"\xff\xfe\x00", "cannot be read as CSV"),
        (GOOD.splitlines()[0].encode(), "holds no films"),
    ]:
        path.write_bytes(content)
        with pytest.raises(TableError, match=message):
            load(path, ("fracture",))


def test_probabilities_of_labels_that_exclude_each_other_add_up_to_one(tmp_path: Path) -> None:
    table = drawn(CHEST)
    table.loc[4, "p:normal"] = 0.0
    table.loc[4, "p:viral pneumonia"] = 0.2
    with pytest.raises(TableError, match="line 6: the probabilities do not add up to 1"):
        load(saved(table, tmp_path), CHEST)


# ---------------------------------------------------------------- reports


@pytest.fixture
def published(tmp_path, monkeypatch) -> Card:
    """A card with a held-out table, quoting what the table gives."""
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    chest = card("chest", CHEST, {"pneumonia": 0.6}, {"pneumonia": CHEST[1:]})
    saved(drawn(CHEST), tmp_path)
    return replace(chest, held_out=replace(chest.held_out, figures=figures(chest)))


def test_a_report_prints_every_figure_matrix_and_subgroup(published: Card) -> None:
    text = model_text.report(published)
    for name, one in published.held_out.figures.items():
        line = f"{name} +{one.value:.3f} +{one.low:.3f} to {one.high:.3f}"
        assert any(re.search(line, row) for row in text.splitlines()), name
    table = drawn(CHEST)
    test = table[table["split"] == "test"]
    counts = confusion_matrix(test, published).counts
    rows = [line.split() for line in text.splitlines()]
    for label, row in zip(CHEST, counts.tolist(), strict=True):
        assert [*label.split(), *map(str, row)] in rows
    assert "pneumonia: called at a probability of 0.6000 or more" in text
    assert f"{len(test)} films of {test['group'].nunique()} groups" in text
    validation = table[table["split"] == "validation"]
    auc = sk.roc_auc_score(validation["truth"] != "normal", 1 - validation["p:normal"])
    after = text[
        text.index(
            f"{len(validation)} films of {validation['group'].nunique()} groups for validation"
        ) :
    ].splitlines()
    assert re.search(f"AUC, pneumonia vs normal +{auc:.3f} ", after[2])
    by_source = text[text.index("By source") :].splitlines()
    for value, line in zip(("here", "there"), by_source[2:4], strict=True):
        films = test[test["source"] == value]
        auc = sk.roc_auc_score(films["truth"] != "normal", 1 - films["p:normal"])
        assert line.split()[:2] == [value, str(len(films))]
        assert f" {auc:.3f} (" in line
    assert text.endswith("The card quotes the same figures.\n")


def test_a_report_says_where_the_card_disagrees_with_its_table(published: Card) -> None:
    quoted = published.held_out.figures
    flattering = quoted | {"accuracy": Figure(0.999, 0.99, 1.0), "kappa": Figure(1.0, 1.0, 1.0)}
    wrong = replace(published, held_out=replace(published.held_out, figures=flattering))
    text = model_text.report(wrong)
    assert "The card quotes accuracy 0.999 (0.990 to 1.000), its table gives 0." in text
    assert "The card quotes kappa, which its table does not give." in text
    assert "same figures" not in text


def test_a_report_of_one_class_says_what_is_not_defined(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    one = card("bone", ("fracture",), {"fracture": 0.4})
    saved(drawn(one.labels).assign(truth="none"), tmp_path)
    text = model_text.report(one, replicates=50)
    assert ["AUC", "–", "–"] in [line.split() for line in text.splitlines()]
    assert "nan" not in text.lower()


def test_a_figure_that_all_films_agree_on_is_not_shown_as_certain(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    one = card("bone", ("fracture",), {"fracture": 0.5})
    table = drawn(one.labels)
    saved(table.assign(**{"p:fracture": np.where(table["truth"] == "none", 0.1, 0.9)}), tmp_path)
    text = model_text.report(one, replicates=50)
    assert ["sensitivity", "1.000", "no", "spread"] in [line.split() for line in text.splitlines()]
    assert "1.000 to 1.000" not in text
    assert "resampling cannot tell" in text


def test_models_of_a_part_are_pooled_by_group(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    cards, tables = [], []
    for seed, part in enumerate(("wrist", "hand")):
        one = card("bone", ("fracture",), {"fracture": 0.4})
        table = drawn(one.labels, 60, seed).assign(split="test")
        path = saved(table, tmp_path).rename(tmp_path / "held_out" / f"{part}.csv")
        held_out = replace(one.held_out, table=path.name)
        cards.append(replace(one, id=f"bone-{part}", parts=(part,), held_out=held_out))
        tables.append(table)
    every = pd.concat(tables)
    found = pooled_estimate([*cards, replace(cards[0], id="bone-general", parts=("wrist", "hand"))])
    assert found is not None and (found.models, found.films, found.groups) == (2, 120, 30)
    expected = sk.roc_auc_score(every["truth"] == "fracture", every["p:fracture"])
    assert found.auc.value == pytest.approx(expected)
    assert found.auc.low < expected < found.auc.high
    pairs, aucs = [], []
    for table in tables:
        truth = table["truth"] == "fracture"
        pairs.append(truth.sum() * (~truth).sum())
        aucs.append(sk.roc_auc_score(truth, table["p:fracture"]))
    assert found.within.value == pytest.approx(np.average(aucs, weights=pairs))
    assert found.within.value != pytest.approx(expected)
    assert f"together: AUC {expected:.3f} (" in readme.models_table(cards, replicates=50)
    assert pooled_estimate(cards[:1]) is None and readme.pooled_line(cards[:1]) == ""


@pytest.fixture
def crossed(tmp_path, monkeypatch) -> tuple[Card, pd.DataFrame, pd.DataFrame, Path]:
    """A cross-validated model, a worse network on the same films in another order, its table."""
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    own = drawn(("effusion",))
    own["split"] = [f"fold {1 + int(group[1:]) % 3}" for group in own["group"]]
    worse = own.assign(**{"p:effusion": drawn(("effusion",), seed=9)["p:effusion"]})
    model = card("chest", ("effusion",), {"effusion": 0.5})
    path = saved(own, tmp_path).with_name("example.densenet121.csv")
    worse[::-1].to_csv(path, index=False)
    return model, own, worse, path


def test_an_alternative_is_compared_film_by_film_within_folds(crossed) -> None:
    model, own, worse, path = crossed

    def within(table: pd.DataFrame) -> float:
        parts = [part for _, part in table.groupby("split")]
        return np.mean([sk.roc_auc_score(p["truth"] != "none", p["p:effusion"]) for p in parts])

    found = alternatives.estimates(model, path, replicates=200)
    assert found["own"].value == pytest.approx(within(own))
    assert found["other"].value == pytest.approx(within(worse))
    gain = found["difference"]
    assert gain.value == pytest.approx(within(own) - within(worse))
    assert gain.low < gain.value < gain.high
    # the truth of the worse one is of other films: chance, and surely worse
    assert within(worse) < 0.6 and gain.low > 0.1

    tried = Alternative("densenet121", "nothing", path.name, 1, 0, 0, 0, 0, Figure(0, 0, 0))
    text = model_text.report(replace(model, alternatives=(tried,)), replicates=200)
    assert f"densenet121 by the same recipe, from nothing, {path.name}" in text
    assert f"difference {gain.value:+.3f} (95 % interval {gain.low:+.3f}" in text


def test_cards_quote_what_the_tables_of_their_alternatives_give() -> None:
    tried = [(one, other) for one in catalogue.catalogue().values() for other in one.alternatives]
    assert tried
    for one, other in tried:
        found = alternatives.estimates(one, catalogue.table_path(one).with_name(other.table))
        assert found["own"].value == pytest.approx(other.own, abs=1e-4)
        assert found["other"].value == pytest.approx(other.other, abs=1e-4)
        assert astuple(found["difference"])[:3] == pytest.approx(
            astuple(other.difference), abs=1e-4
        )
        assert other.difference.value > 0, "what ships is the better one"


@pytest.mark.parametrize(
    ("column", "changed"),
    [
        ("image", {"film3.png": "another.png"}),
        ("split", {"fold 1": "fold 9"}),
        ("truth", {"effusion": "none", "none": "effusion"}),
    ],
)
def test_an_alternative_of_other_films_is_refused(crossed, column: str, changed: dict) -> None:
    model, _, worse, path = crossed
    worse.replace({column: changed}).to_csv(path, index=False)
    with pytest.raises(TableError, match=r"not the films of example\.csv in the same splits"):
        alternatives.estimates(model, path, replicates=10)


def test_readme_and_models_page_keep_everything_but_the_tables(tmp_path, published: Card) -> None:
    path, models = tmp_path / "README.md", tmp_path / "docs" / "models.md"
    models.parent.mkdir()
    for one in (path, models):
        one.write_text("# Before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    readme.refresh_readme(path, [published])
    short, long = path.read_text(), models.read_text()
    for text in (short, long):
        assert text.startswith("# Before\n<!-- figures -->\n| model |")
        assert text.endswith("|\n<!-- /figures -->\nafter\n")
        assert "old" not in text
        one = published.held_out.figures["AUC, pneumonia vs normal"]
        assert f"AUC, pneumonia vs normal {one.value:.3f} ({one.low:.3f} to {one.high:.3f})" in text
    assert "sensitivity" in long and "sensitivity" not in short
    assert sum(line.startswith("| `") for line in short.splitlines()) == 1, "a line a model"
    readme.refresh_readme(path, [published])
    assert (path.read_text(), models.read_text()) == (short, long)

    models.write_text("no markers")
    path.write_text(short.replace("AUC", "old"))
    with pytest.raises(ValueError, match="figures -->"):
        readme.refresh_readme(path, [published])
    assert models.read_text() == "no markers" and "old" in path.read_text(), "neither is written"
    models.unlink()
    with pytest.raises(ValueError, match="no such file"):
        readme.refresh_readme(path, [published])


MODELS = sorted(path.stem for path in Path(__file__).parents[2].glob("assets/models/*.json"))


@pytest.mark.parametrize("model", MODELS)
def test_a_shipped_card_quotes_what_its_table_gives(model: str) -> None:
    shipped = catalogue.catalogue()[model]
    quoted, found = shipped.held_out.figures, figures(shipped)
    assert list(quoted) == list(found)
    for name, figure in found.items():
        assert astuple(quoted[name]) == pytest.approx(astuple(figure), abs=1e-6), name
    test = films_of_test(shipped)
    assert shipped.held_out.films == len(test)
    assert shipped.held_out.groups == test["group"].nunique()
    assert shipped.held_out.crops == crops(test)
    text = model_text.report(shipped, replicates=1000)
    assert "The card quotes the same figures." in text
    if shipped.rival:
        of_rival = catalogue.catalogue()[shipped.rival.model]
        new = set(films_of_test(of_rival)["group"])
        compared = test[test[of_rival.id] != ""]
        assert set(compared["group"]) <= new, "films that chose the rival's threshold are not new"
        again = comparable.compare(of_rival.id, test, shipped.labels[0])
        assert asdict(shipped.rival) == asdict(again)
        assert f"{(compared['truth'] == shipped.labels[0]).sum()} of them with" in text

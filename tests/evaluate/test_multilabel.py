"""Multi-label and out-of-fold tables: read, measured, called by thresholds of other folds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn import metrics as sk

from xray_models import NONE_OF_THESE, PARTS
from xray_models.catalogue import (
    Calibration,
    Card,
    CatalogueError,
    HeldOut,
    Training,
    WeightsFile,
    read_card,
)
from xray_models.evaluate import card_thresholds
from xray_models.evaluate.card_figures import called, confusion_matrix, cutoffs, estimates, figures
from xray_models.evaluate.predictions.held_out_table import TableError, load, out_of_fold, truths
from xray_models.evaluate.predictions.predictions import films_of_test, from_card, from_table
from xray_models.evaluate.predictions.routing import ABSTAINS, route
from xray_models.report import model_text, readme

LABELS = ("Edema", "Mass", "Hernia")
CHEST = ("normal", "bacterial pneumonia", "viral pneumonia")
NINE = (*PARTS, NONE_OF_THESE)


def card(
    labels: tuple[str, ...] = LABELS,
    cuts: dict[str, float] | None = None,
    task: str = "chest",
    activation: str = "sigmoid",
    combined: dict[str, tuple[str, ...]] | None = None,
) -> Card:
    """A card of an untrained model: only what figures are computed from is set."""
    return Card(
        id="example",
        name="An example",
        task=task,
        parts=() if task == "body-part" else ("chest",),
        architecture="densenet121",
        input_size=(64, 64),
        geometry="fit",
        scaling="imagenet",
        activation=activation,
        labels=labels,
        thresholds=dict.fromkeys(labels, 0.4) if cuts is None else cuts,
        calibration=Calibration(1.0, (0.0,) * len(labels)),
        weights=WeightsFile("example.safetensors", "", 0, "float16", "", "Apache-2.0"),
        training=Training((), 0, 0, "", ""),
        held_out=HeldOut("example.csv", 0, 0, {}),
        intended_use="",
        limits=(),
        references=(),
        combined=combined or {},
    )


def drawn(films: int = 360, seed: int = 5, folds: int = 3) -> pd.DataFrame:
    """An out-of-fold table of three labels, one of them rare, some truths unknown."""
    random = np.random.default_rng(seed)
    truth = random.random((films, 3)) < [0.4, 0.2, 0.06]
    unknown = random.random((films, 3)) < [0.0, 0.1, 0.0]
    p = 1 / (1 + np.exp(-random.normal(np.where(truth, 0.6, -0.8))))
    group = np.arange(films) // 2
    # folds differ in how high their networks score, so that cross-fitting shows
    p = p ** (1 + 0.4 * (group % folds))[:, None]
    present = truth & ~unknown
    table = pd.DataFrame(
        {
            "image": [f"film{i}.png" for i in range(films)],
            "group": [f"g{g}" for g in group],
            "split": [f"fold {g % folds + 1}" for g in group],
            "truth": ["|".join(np.array(LABELS)[row]) or "none" for row in present],
            "unknown": ["|".join(np.array(LABELS)[row]) for row in unknown],
        }
    )
    for column, label in enumerate(LABELS):
        table[f"p:{label}"] = p[:, column].round(5)
    table["view"] = np.where(group % 2 == 0, "AP", "PA")
    return table


def saved(table: pd.DataFrame, folder: Path) -> Path:
    path = folder / "held_out" / "example.csv"
    path.parent.mkdir(exist_ok=True)
    table.to_csv(path, index=False)
    return path


# ---------------------------------------------------------------- tables

GOOD = """image,group,split,truth,unknown,p:Edema,p:Mass,p:Hernia,view
a.png,g1,fold 1,Edema|Mass,,0.9,0.8,0.1,AP
b.png,g2,fold 2,none,Hernia|Mass,0.25,0.1,0.2,AP
c.png,g3,fold 2,Hernia,,0.5,0.5,0.5,PA
"""


def test_truth_is_the_labels_that_are_present(tmp_path: Path) -> None:
    path = tmp_path / "example.csv"
    path.write_text(GOOD)
    table = load(path, LABELS, multi_label=True)
    expected = [[1, 1, 0], [0, np.nan, np.nan], [0, 0, 1]]
    assert np.array_equal(truths(table, LABELS), expected, equal_nan=True)
    assert out_of_fold(table)
    without = "\n".join(
        ",".join(cell for place, cell in enumerate(line.split(",")) if place != 4)
        for line in GOOD.splitlines()
    )
    path.write_text(without)
    assert truths(load(path, LABELS, multi_label=True), LABELS)[1].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("Edema|Mass", "Edema|Fracture", "line 2: truth must be labels joined.*'Edema|Fracture'"),
        ("Edema|Mass", "Edema|Edema", "line 2: truth must be labels joined"),
        ("Edema|Mass", "Edema|none", "line 2: truth must be labels joined"),
        ("Edema|Mass", "", "line 2: truth must be labels joined.*or none"),
        ("Hernia|Mass", "Hernia|none", "line 3: unknown must be labels joined.*or empty"),
        ("none,Hernia|Mass", "Mass,Hernia|Mass", "line 3: a label is both true and unknown"),
        ("fold 2", "test", "line 3: a table of folds has no other split.*'test'"),
        ("fold 2", "fold 0", "line 3: split must be one of validation, test, or fold 1.*'fold 0'"),
        ("g3", "g1", "line 2: this group lies in more than one fold.*'g1'"),
        ("0.25", "1.25", "line 3: p:Edema must be a number from 0 to 1"),
    ],
)
def test_a_damaged_table_names_file_and_line(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    path = tmp_path / "example.csv"
    path.write_text(GOOD.replace(before, after, 1))
    with pytest.raises(TableError, match=f"example.csv, {message}".replace("|", r"\|")):
        load(path, LABELS, multi_label=True)


def test_one_fold_is_no_cross_validation_and_unknown_is_for_multi_label(tmp_path: Path) -> None:
    path = tmp_path / "example.csv"
    path.write_text(GOOD.replace("fold 2", "fold 1"))
    with pytest.raises(TableError, match="at least two folds"):
        load(path, LABELS, multi_label=True)
    path.write_text(GOOD)
    with pytest.raises(TableError, match="only a multi-label model's table has 'unknown'"):
        load(path, LABELS)


# ---------------------------------------------------------------- cards


def test_a_multi_label_card_is_checked(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "assets" / "models" / "chest-pneumonia.json"
    raw = json.loads(source.read_text())
    raw |= {"activation": "sigmoid", "combined": {}, "thresholds": {"viral pneumonia": 0.1}}
    raw["bands"] = {}
    path = tmp_path / "chest-pneumonia.json"

    def read(**changes: object) -> Card:
        path.write_text(json.dumps(raw | changes))
        return read_card(path)

    assert read().multi_label and read().findings == CHEST
    with pytest.raises(CatalogueError, match="combined adds up labels that exclude"):
        read(combined={"pneumonia": list(CHEST[1:])})
    for name in ("a|b", "none"):
        with pytest.raises(CatalogueError, match="have their own meaning"):
            read(labels=[name, *CHEST[1:]])
    with pytest.raises(CatalogueError, match="softmax over one label"):
        read(
            labels=["viral pneumonia"],
            activation="softmax",
            calibration={"temperature": 1.0, "bias": [0.0]},
        )
    assert not replace(read(), labels=("fracture",)).multi_label
    assert not replace(read(), activation="softmax").multi_label


# ---------------------------------------------------------------- figures


def test_figures_of_a_multi_label_model_are_scikit_learns() -> None:
    table = drawn().assign(split="test")
    one = card()
    found = estimates(table, one, replicates=30)
    truth, names = truths(table, LABELS), list(found)
    assert names[:2] == ["mean AUC", "micro AUC"]
    areas = []
    for column, label in enumerate(LABELS):
        known = ~np.isnan(truth[:, column])
        y, p = truth[known, column] == 1, table[f"p:{label}"][known]
        areas.append(sk.roc_auc_score(y, p))
        expected = {
            f"AUC, {label}": areas[-1],
            f"average precision, {label}": sk.average_precision_score(y, p),
            f"sensitivity, {label}": sk.recall_score(y, p >= 0.4),
            f"specificity, {label}": sk.recall_score(~y, p < 0.4),
        }
        for name, value in expected.items():
            assert found[name].value == pytest.approx(value), name
            assert found[name].low < value < found[name].high
    assert len(found) == 2 + 4 * len(LABELS)
    assert found["mean AUC"].value == pytest.approx(np.mean(areas))
    known = ~np.isnan(truth)
    scores = table[[f"p:{label}" for label in LABELS]].to_numpy()
    assert found["micro AUC"].value == pytest.approx(sk.roc_auc_score(truth[known], scores[known]))
    with pytest.raises(ValueError, match="several labels"):
        confusion_matrix(table, one)


def test_a_label_that_no_film_has_is_left_out_of_the_mean() -> None:
    table = drawn().assign(split="test")
    table["truth"] = table["truth"].str.replace("|Hernia", "").replace("Hernia", "none")
    found = estimates(table, card(), replicates=5)
    two = [found[f"AUC, {label}"].value for label in LABELS[:2]]
    assert np.isnan(found["AUC, Hernia"].value) and np.isnan(found["sensitivity, Hernia"].value)
    assert found["mean AUC"].value == pytest.approx(np.mean(two))


def test_thresholds_of_a_multi_label_model_leave_out_what_nobody_has() -> None:
    table = drawn()
    chosen = card_thresholds.choose(table, LABELS, {}, "chest", multi_label=True)
    assert list(chosen) == list(LABELS)
    known = ~np.isnan(truths(table, LABELS)[:, 1])
    without = truths(table, LABELS)[known, 1] == 0
    scores = table["p:Mass"].to_numpy()[known]
    spared = scores[without] < chosen["Mass"]
    assert spared.mean() >= 0.9, "nine of ten films without the finding are not called"
    lower = np.unique(scores[scores < chosen["Mass"]])[-1]
    assert (scores[without] < lower).mean() < 0.9, "and no lower threshold does that"
    none = table.assign(truth=table["truth"].str.replace("|Hernia", "").replace("Hernia", "none"))
    assert list(card_thresholds.choose(none, LABELS, {}, "chest", multi_label=True)) == [
        "Edema",
        "Mass",
    ]


# ---------------------------------------------------------------- out of fold


def test_films_of_each_fold_are_called_by_thresholds_of_the_others() -> None:
    table, one = drawn(), card()
    cuts = cutoffs(table, one)
    for fold in ("fold 1", "fold 2", "fold 3"):
        inside = table["split"] == fold
        expected = card_thresholds.choose(table[~inside], LABELS, {}, "chest", multi_label=True)
        for label in LABELS:
            assert cuts[label][inside].unique().tolist() == [expected[label]]
    assert cuts.nunique().min() > 1, "the folds of this table must differ"
    found = estimates(table, one, replicates=5)
    truth = truths(table, LABELS)[:, 0] == 1
    yes = table["p:Edema"] >= cuts["Edema"]
    assert found["sensitivity, Edema"].value == pytest.approx(sk.recall_score(truth, yes))
    assert found["specificity, Edema"].value == pytest.approx(sk.recall_score(~truth, ~yes))
    # a part of the films keeps the thresholds that were chosen on all of the others
    part = table[table["view"] == "AP"]
    of_part = estimates(part, one, replicates=5, cuts=cuts.loc[part.index])
    chosen = (table["view"] == "AP").to_numpy()
    assert of_part["sensitivity, Edema"].value == pytest.approx(
        sk.recall_score(truth[chosen], yes[chosen])
    )
    # films of a test split are called by the card's own
    assert (cutoffs(table.assign(split="test"), one) == 0.4).all(axis=None)


def test_a_threshold_that_other_folds_cannot_give_leaves_films_uncalled() -> None:
    table = drawn()
    rare = table["truth"].str.contains("Hernia")
    table.loc[rare & (table["split"] != "fold 1"), "truth"] = "none"
    one = card()
    cuts = cutoffs(table, one)
    assert cuts["Hernia"].isna().tolist() == (table["split"] == "fold 1").tolist()
    calls = called(from_table(table, one), one, cuts)["Hernia"]
    assert np.isnan(calls).tolist() == cuts["Hernia"].isna().tolist()
    assert np.isnan(estimates(table, one, 5)["sensitivity, Hernia"].value)


def test_one_label_classes_and_body_parts_are_cross_fitted_too() -> None:
    random = np.random.default_rng(0)
    films = 300
    group = np.arange(films) // 2
    base = pd.DataFrame(
        {
            "image": [f"{i}" for i in range(films)],
            "group": [f"{g}" for g in group],
            "split": [f"fold {g % 3 + 1}" for g in group],
        }
    )
    fracture = card(("fracture",), {"fracture": 0.5}, "bone")
    truth = random.random(films) < 0.4
    p = 1 / (1 + np.exp(-random.normal(truth * 1.0) - group % 3))
    rows = base.assign(truth=np.where(truth, "fracture", "none"), **{"p:fracture": p})
    cuts = cutoffs(rows, fracture)["fracture"]
    assert estimates(rows, fracture, 5)["sensitivity"].value == pytest.approx(
        sk.recall_score(truth, p >= cuts)
    )
    matrix = confusion_matrix(rows, fracture)
    assert matrix.names == ("fracture", "none")
    assert matrix.counts.tolist() == sk.confusion_matrix(~truth, p < cuts).tolist()

    detector = card(NINE, {NONE_OF_THESE: 0.5}, "body-part", "softmax")
    index = random.integers(9, size=films)
    values = softmax(random.normal(size=(films, 9)) + 3 * np.eye(9)[index], axis=1)
    rows = base.assign(
        truth=np.array(NINE)[index], **{f"p:{label}": values[:, k] for k, label in enumerate(NINE)}
    )
    part = np.full(films, ABSTAINS)
    for fold in rows["split"].unique():
        inside = (rows["split"] == fold).to_numpy()
        chosen = card_thresholds.choose(rows[~inside], NINE, {}, "body-part")
        part[inside] = route(values[inside], NINE, chosen).part
    supported = index < 8
    assert estimates(rows, detector, 5)["supported films read"].value == pytest.approx(
        (part != ABSTAINS)[supported].mean()
    )
    calls = called(from_table(rows, detector), detector, cutoffs(rows, detector))
    assert calls[NONE_OF_THESE].tolist() == (part == ABSTAINS).tolist()


def test_all_films_of_an_out_of_fold_table_are_measured(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    table, one = drawn(), card()
    saved(table, tmp_path)
    assert len(films_of_test(one)) == len(table)
    predictions = from_card(one)
    assert predictions.labels == LABELS and predictions.classes == ()
    assert np.array_equal(predictions.truth, truths(table, LABELS), equal_nan=True)
    assert list(predictions.subgroups) == ["view"] and predictions.folds is not None
    assert set(predictions.folds) == {"fold 1", "fold 2", "fold 3"}
    assert figures(one).keys() == estimates(table, one, 2).keys()
    with pytest.raises(TableError, match="not measured here"):
        films_of_test(replace(one, held_out=HeldOut("", 0, 0, {})))


def test_combined_findings_are_judged_like_labels() -> None:
    random = np.random.default_rng(0)
    index = random.integers(3, size=50)
    values = softmax(random.normal(size=(50, 3)), axis=1).round(5)
    rows = pd.DataFrame(
        {"image": range(50), "group": range(50), "split": "test", "truth": np.array(CHEST)[index]}
    ).astype(str)
    for column, label in enumerate(CHEST):
        rows[f"p:{label}"] = values[:, column]
    one = card(CHEST, {"pneumonia": 0.5}, "chest", "softmax", {"pneumonia": CHEST[1:]})
    predictions = from_table(rows, one)
    assert predictions.labels == (*CHEST, "pneumonia") and predictions.classes == CHEST
    assert predictions.truth[:, 3].tolist() == (index > 0).tolist()
    assert predictions.scores[:, 3] == pytest.approx(values[:, 1:].sum(axis=1))
    assert predictions.truth_class().tolist() == index.tolist()
    assert predictions.most_probable().tolist() == values.argmax(axis=1).tolist()


# ---------------------------------------------------------------- reports


def test_a_report_of_folds_prints_every_label_and_what_no_skill_gives(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    table, one = drawn(), card()
    saved(table, tmp_path)
    one = replace(one, held_out=replace(one.held_out, figures=figures(one)))
    text = model_text.report(one, replicates=1000)
    assert "360 films of 180 groups in 3 folds, each predicted while held out" in text
    assert "films of each fold are called by thresholds of the others" in text
    assert text.endswith("The card quotes the same figures.\n")
    rows = [line.split() for line in text.splitlines()]
    truth = truths(table, LABELS)
    for column, label in enumerate(LABELS):
        with_it = int((truth[:, column] == 1).sum())
        without = int((truth[:, column] == 0).sum())
        unknown = 360 - with_it - without
        (counted,) = [
            row
            for row in rows
            if row[:2] == [label, str(with_it)] and "".join(row[1:]).isdigit() and len(row) == 8
        ]
        assert (counted[4], counted[7]) == (str(without), str(unknown))
        assert int(counted[2]) + int(counted[3]) == with_it
        assert f"{label} in full: {with_it} films with, {without} without" in text
    # no skill: AUC one half, average precision the share of positives
    assert text.count("0.500\n") >= 3
    assert "By view" in text and "fewer than 20 films with or without Hernia" in text
    table = readme.models_table([one], replicates=20)
    assert "mean AUC" in table and "micro AUC" in table and "sensitivity" not in table

"""Tables as other projects write them: columns told apart, cells understood, doubts asked."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from xray_models.batch import truth
from xray_models.batch.results import Row
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.csv_import import LabelColumns, PredictionsError
from xray_models.evaluate.predictions.predictions import Predictions
from xray_models.evaluate.predictions.truth_columns import CellMeanings, TruthColumns

FILMS = 12
RANDOM = np.random.default_rng(17)
TRUTH = np.arange(FILMS) % 2
SCORES = RANDOM.random(FILMS).round(4)
CALLS = (SCORES > 0.5).astype(int)


def table(columns: dict[str, object], **options: object) -> pd.DataFrame:
    text = pd.DataFrame(columns).to_csv(index=False, **options)
    return csv_import.read(text.encode(), "theirs.csv")


def judged(cells: pd.DataFrame, meanings: CellMeanings | None = None) -> Predictions:
    return csv_import.as_predictions(cells, csv_import.guess(cells), "theirs", meanings)


@pytest.mark.parametrize("order", list(itertools.permutations(["y_true", "y_pred", "y_prob"])))
def test_scores_are_preferred_to_calls(order: tuple[str, ...]) -> None:
    columns = {"y_true": TRUTH, "y_pred": CALLS, "y_prob": SCORES}
    found = csv_import.guess(table({name: columns[name] for name in order}))
    assert found.labels == (LabelColumns("finding", "y_true", "y_prob"),) and not found.doubts


def test_where_two_columns_could_be_meant_somebody_is_asked() -> None:
    found = csv_import.guess(table({"truth": TRUTH, "score": SCORES, "prob": SCORES[::-1]}))
    assert found.doubts == ("The probability of finding may be score or prob.",)
    found = csv_import.guess(table({"label": TRUTH, "target": TRUTH[::-1], "score": SCORES}))
    assert found.doubts == ("The truth of finding may be label or target.",)
    found = csv_import.guess(table({"true_Mass": TRUTH, "Mass": TRUTH, "p_Mass": SCORES}))
    assert found.doubts == ("The truth of Mass may be true_Mass or Mass.",)


@pytest.mark.parametrize("first", ["", "sep=;\n", '"sep=;"\r\n', "\ufeffsep=;\n"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_semicolons_with_decimal_commas_and_a_line_that_names_them(
    first: str, decimal: str
) -> None:
    columns = {"film": [f"{k}, a.png" for k in range(FILMS)], "y": TRUTH * 1.0, "score": SCORES}
    text = pd.DataFrame(columns).to_csv(index=False, sep=";", decimal=decimal)
    found = judged(csv_import.read((first + text).encode(), "theirs.csv"))
    assert found.scores[:, 0] == pytest.approx(SCORES)
    assert found.truth[:, 0].tolist() == TRUTH.tolist()
    assert found.images[0] == "0, a.png"


@pytest.mark.parametrize(("separator", "others"), [(",", ";;;;"), (";", ",,,,"), ("\t", ",;,;,;")])
def test_separators_inside_quotes_part_nothing(separator: str, others: str) -> None:
    columns = {f"film {others}": range(FILMS), f"a{others}\nb": 5, "y": TRUTH, "score": SCORES}
    text = pd.DataFrame(columns).to_csv(index=False, sep=separator, quoting=2)
    found = csv_import.read(text.encode())
    assert list(found.columns) == list(columns)


def test_probabilities_that_miss_0_or_1_by_a_rounding_are_clipped() -> None:
    scores = SCORES.copy()
    scores[:4] = [-1e-4, 1.0001, -1e-9, 1 + 1e-7]
    found = judged(table({"y": TRUTH, "score": scores}))
    assert found.scores[:4, 0].tolist() == [0, 1, 0, 1]
    for wrong in (-2e-4, 1.0002):
        scores[0] = wrong
        with pytest.raises(PredictionsError, match="Give a number from 0 to 1"):
            judged(table({"y": TRUTH, "score": scores}))


def rsna() -> pd.DataFrame:
    """A table of boxes as RSNA's: films without pneumonia have a row without a box."""
    rows = [(f"id-{k}", "", "", "", "", 0) for k in range(0, FILMS, 2)]
    for k in range(1, FILMS, 2):
        rows += [(f"id-{k}", 10.0 + j, 20.0 + k, 5.0, 7.0, 1) for j in range(1 + k % 3)]
    names = ["patientId", "x", "y", "width", "height", "Target"]
    return table(dict(zip(names, zip(*rows, strict=True), strict=True)))


def test_rsnas_table_proposes_target_and_keeps_films_of_several_boxes() -> None:
    cells = rsna()
    labels = ["pneumonia", "bacterial pneumonia", "viral pneumonia"]
    truths = TruthColumns(cells.drop(columns="patientId"))
    assert {label: str(one) for label, one in truth.proposal(labels, truths).items()} == {
        "pneumonia": "Target"
    }
    files = [f"films/id-{k}.dcm" for k in range(FILMS)]
    matched = truth.match(cells, files)
    assert matched.column == "patientId" and len(matched.row_of) == FILMS
    assert "4 films stand in several rows" in " ".join(matched.notes)
    rows = [
        Row(file, "chest", 0.9, "chest-pneumonia", "pneumonia", float(score), 0.5, "")
        for file, score in zip(files, SCORES, strict=True)
    ]
    (found,) = truth.predictions_of(rows, cells, matched, truth.proposal(labels, truths))
    assert found.truth[:, 0].tolist() == TRUTH.tolist()
    found = csv_import.guess(cells.assign(score="0.5"))
    assert found.labels == (LabelColumns("finding", "Target", "score"),)


def test_rows_of_a_film_that_differ_make_its_truth_unknown() -> None:
    cells = table({"film": ["a", "a", "b", "c"], "label": [1, 0, 1, 0]})
    matched = truth.match(cells, ["a.png", "b.png", "c.png"])
    where = truth.proposal(["fracture"], TruthColumns(cells.drop(columns="film")))
    assert truth.settled(cells, matched, where)["label"].tolist()[::2] == ["", "1"]


def test_minus_one_beside_one_is_asked() -> None:
    cells = table({"y": 2 * TRUTH - 1, "score": SCORES})
    with pytest.raises(PredictionsError, match="Say which"):
        judged(cells)
    negative = judged(cells, CellMeanings(minus_one="negative"))
    assert negative.truth[:, 0].tolist() == TRUTH.tolist()
    unknown = judged(cells, CellMeanings(minus_one="unknown"))
    assert np.isnan(unknown.truth[:, 0]).tolist() == (TRUTH == 0).tolist()
    # beside 0 it is CheXpert's "uncertain"
    three = judged(table({"y": [1, 0, -1] * 4, "score": SCORES}))
    assert np.isnan(three.truth[:, 0]).sum() == 4


def test_blanks_may_count_as_negative() -> None:
    cells = table({"Edema": [1, "", 0, -1] * 3, "p_Edema": SCORES})
    assert np.isnan(judged(cells).truth[:, 0]).sum() == 6
    negative = judged(cells, CellMeanings(blank="negative")).truth[:, 0]
    assert negative[:3].tolist() == [1, 0, 0] and np.isnan(negative).sum() == 3


def test_repeated_rows_of_films_and_patients_are_told() -> None:
    cells = table({"image": [k // 2 for k in range(FILMS)], "patient": 3, "y": TRUTH, "p": SCORES})
    notes = " ".join(judged(cells).notes)
    assert "6 rows repeat the name of a film (image)" in notes
    assert "12 rows are of 1 different patient" in notes

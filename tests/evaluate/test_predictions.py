"""Tables of other people's models: columns guessed, cells checked; figures from the literature."""

from __future__ import annotations

import contextlib
import gzip
import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from xray_models.catalogue import CatalogueError
from xray_models.evaluate import subgroups
from xray_models.evaluate.label_table import MACRO, MICRO, NO_SKILL, label_table
from xray_models.evaluate.metrics import confusion
from xray_models.evaluate.metrics.thresholds import ThresholdIndex
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.csv_import import Columns, LabelColumns, PredictionsError
from xray_models.evaluate.references import references

TWO = """\
image,patient_id,age,sex,prob_Edema,prob_Pleural_Thickening,true_Edema,true_Pleural_Thickening
a.png,1,17,F,0.9,0.1,1,0
b.png,1,64,M,0.2,0.3,0,
c.png,2,,F,0.4,0.8,0,1
"""


def opened(text: str) -> csv_import.Predictions:
    table = csv_import.read(text.encode())
    return csv_import.as_predictions(table, csv_import.guess(table), "a table")


def test_a_table_is_guessed_and_judged() -> None:
    table = csv_import.read(TWO.encode(), "two.csv")
    columns = csv_import.guess(table)
    assert columns == Columns(
        labels=(
            LabelColumns("Edema", "true_Edema", "prob_Edema"),
            LabelColumns(
                "Pleural Thickening", "true_Pleural_Thickening", "prob_Pleural_Thickening"
            ),
        ),
        image="image",
        group="patient_id",
        subgroups=("age", "sex"),
        unused=(),
    )
    found = csv_import.as_predictions(table, columns, "two.csv")
    assert found.labels == ("Edema", "Pleural Thickening")
    assert found.scores.tolist() == [[0.9, 0.1], [0.2, 0.3], [0.4, 0.8]]
    assert found.truth[:, 0].tolist() == [1, 0, 0]
    assert found.truth[[0, 2], 1].tolist() == [0, 1] and np.isnan(found.truth[1, 1])
    assert found.groups.tolist() == ["1", "1", "2"]
    assert found.images.tolist() == ["a.png", "b.png", "c.png"]
    assert found.subgroups["age band"].tolist() == ["0-17", "60-79", ""]
    assert found.subgroups["sex"].tolist() == ["F", "M", "F"]
    assert found.notes == (
        "3 rows are of 2 different patient_id: the intervals draw the rows of one together.",
        "Pleural Thickening: truth unknown for 1 of 3 films: left out.",
    )
    assert found.thresholds == {} and found.model is None and found.classes == ()


@pytest.mark.parametrize(
    ("header", "pair"),
    [
        ("y_true,y_score", LabelColumns("finding", "y_true", "y_score")),
        ("label,probability", LabelColumns("finding", "label", "probability")),
        ("Edema,p:Edema", LabelColumns("Edema", "Edema", "p:Edema")),
        ("Edema_label,Edema_pred", LabelColumns("Edema", "Edema_label", "Edema_pred")),
        ("true_Edema,score", LabelColumns("Edema", "true_Edema", "score")),
        ("truth,p_Edema", LabelColumns("Edema", "truth", "p_Edema")),
        ("ground_truth,prediction", LabelColumns("finding", "ground_truth", "prediction")),
    ],
)
def test_names_of_other_projects_are_understood(header: str, pair: LabelColumns) -> None:
    for separator in ",;\t":
        text = f"film,{header}\na,1,0.7\nb,0,0.2\n".replace(",", separator)
        columns = csv_import.guess(csv_import.read(text.encode()))
        assert columns.labels == (pair,)
        assert columns.image == "film"


def test_our_own_held_out_tables_open_too() -> None:
    found = opened(
        "image,group,split,truth,p:Edema,p:Mass,view\n"
        "a,1,test,Edema|Mass,0.8,0.7,PA\nb,2,test,none,0.1,0.2,AP\nc,3,validation,Mass,0.1,0.9,PA\n"
    )
    assert found.labels == ("Edema", "Mass")
    assert found.truth.tolist() == [[1, 1], [0, 0], [0, 1]]
    assert set(found.subgroups) == {"split", "view"}


def test_names_may_be_spaced_and_spelled_in_several_ways_and_unknown() -> None:
    cells = ("Edema | Mass", "mass|Edema", "none", "edema", "", "Unknown", "Mass")
    rows = "\n".join(f"{k},{cell},0.5,0.5" for k, cell in enumerate(cells))
    found = opened(f"image,labels,prob_Edema,prob_Mass\n{rows}\n")
    nan = np.nan
    np.testing.assert_array_equal(
        found.truth, [[1, 1], [1, 1], [0, 0], [1, 0], [nan, nan], [nan, nan], [0, 1]]
    )


def test_truth_in_words_and_what_nobody_knows() -> None:
    words = ["yes", "No", "TRUE", "negative", "", "-1", "unknown", "1.0"]
    rows = "\n".join(f"{k},{word},0.5" for k, word in enumerate(words))
    found = opened(f"image,truth,score\n{rows}\n")
    assert found.truth[:, 0].tolist() == pytest.approx(
        [1, 0, 1, 0, np.nan, np.nan, np.nan, 1], nan_ok=True
    )
    assert "No column names the patients" in found.notes[0]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("0.9", "1.9", r"row 1: the probability in 'prob_Edema' is '1\.9'.*percentages"),
        ("0.9", "", "row 1: the probability in 'prob_Edema' is ''"),
        ("0.9", "nan", "row 1: the probability in 'prob_Edema'"),
        ("0,1\n", "0,maybe\n", "row 3: the truth in 'true_Pleural_Thickening' is 'maybe'"),
    ],
)
def test_a_wrong_cell_is_named(before: str, after: str, message: str) -> None:
    columns = csv_import.guess(csv_import.read(TWO.encode()))
    table = csv_import.read(TWO.replace(before, after, 1).encode())
    with pytest.raises(PredictionsError, match=message):
        csv_import.as_predictions(table, columns, "two.csv")


def test_a_reader_may_correct_what_was_guessed() -> None:
    table = csv_import.read(TWO.encode())
    guessed = csv_import.guess(table)
    mine = replace(guessed, labels=guessed.labels[:1], group=None, image=None, subgroups=("sex",))
    found = csv_import.as_predictions(table, mine, "two.csv")
    assert found.groups.tolist() == found.images.tolist() == ["1", "2", "3"]
    with pytest.raises(PredictionsError, match="no column 'view'"):
        csv_import.as_predictions(table, replace(guessed, group="view"), "two.csv")
    with pytest.raises(PredictionsError, match="at least one label"):
        csv_import.as_predictions(table, replace(guessed, labels=()), "two.csv")
    with pytest.raises(PredictionsError, match="same name"):
        csv_import.as_predictions(table, replace(guessed, labels=guessed.labels[:1] * 2), "two.csv")
    rows = "".join(f"0.5,1,{k}\n" for k in range(30))
    many = csv_import.read(f"score,y,who\n{rows}".encode())
    columns = replace(csv_import.guess(many), subgroups=("who",))
    with pytest.raises(PredictionsError, match="30 different values"):
        csv_import.as_predictions(many, columns, "many.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is no text"),
        (b"a,b\n", "holds no rows"),
        (b"a,b\n,\n , \n", "holds no rows"),
        (b"PK\x03\x04 sheet", "workbook"),
        (b"a,,\n1,2,3\n", "2 columns hold cells but have no name"),
        (b"a,a\n1,2\n", "'a' is there twice"),
        (b"a,b\n1,2,3\n", "cannot be read as CSV"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "gzip file is damaged"),
    ],
)
def test_a_file_that_is_no_table_gets_a_sentence(content: bytes, message: str) -> None:
    with pytest.raises(PredictionsError, match=f"odd.csv: .*{message}"):
        csv_import.read(content, "odd.csv")


def test_a_table_without_a_pair_of_columns_gets_a_sentence(tmp_path: Path) -> None:
    for text in ("film,age\na,3\n", "film,score\na,0.5\n", "film,truth,score\na,red,0.5\n"):
        with pytest.raises(PredictionsError, match=r"No pair of columns.*Columns: film"):
            csv_import.guess(csv_import.read(text.encode()))
    with pytest.raises(PredictionsError, match=r"absent\.csv: cannot be read"):
        csv_import.read(tmp_path / "absent.csv")


def test_a_bomb_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_import, "MOST_BYTES", 1000)
    with pytest.raises(PredictionsError, match="larger than"):
        csv_import.read(gzip.compress(b"a,b\n" + b"1,2\n" * 1000), "bomb.csv.gz")


@settings(deadline=None)
@given(st.text(max_size=200))
@example(",\n")
def test_any_text_is_a_table_or_a_sentence(text: str) -> None:
    with contextlib.suppress(PredictionsError):
        table = csv_import.read(text.encode("utf-8", "surrogatepass"))
        found = csv_import.as_predictions(table, csv_import.guess(table), "any")
        assert found.films == len(table)


def test_a_byte_order_mark_and_utf_16_are_no_part_of_a_name() -> None:
    text = "truth,score\n1,0.5\n"
    for content in (b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16")):
        assert list(csv_import.read(content).columns) == ["truth", "score"]


TABLE = "film,true_Edema,prob_Edema\na.png,1,0.75\nb.png,0,0.5\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode("utf-16-le"),
        TABLE.encode("utf-16-be"),
        TABLE.replace("film", "Prüfbild").encode("cp1252"),
        TABLE.replace(",", "|").encode(),
        TABLE.replace("\n", ",,\n").encode() + b",,,,\n , ,,,\n",
        TABLE.replace("0.75", "75 %").replace("0.5", "50%").encode(),
        TABLE.replace(",", ";").replace("0.75", "75,0 %").replace("0.5", "50,0 %").encode(),
        TABLE.replace("0.75", "\u00a00.75\u00a0").encode(),
    ],
    ids="utf-16-le utf-16-be cp1252 bars empty-edges percent decimal-comma no-break-space".split(),
)
def test_tables_as_spreadsheets_save_them_read_alike(content: bytes) -> None:
    table = csv_import.read(content)
    columns = csv_import.guess(table)
    assert columns.labels == (LabelColumns("Edema", "true_Edema", "prob_Edema"),)
    found = csv_import.as_predictions(table, columns, "x")
    assert found.truth.ravel().tolist() == [1, 0]
    assert found.scores.ravel().tolist() == [0.75, 0.5]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_labels_of_any_script_stay_apart_and_keep_their_letters(form: str) -> None:
    text = "true_Ödem,prob_Ödem,true_水肿,prob_水肿,true_肿块,prob_肿块\n"
    text += "1,.9,0,.1,1,.8\n0,.2,1,.7,0,.3\n"
    table = csv_import.read(unicodedata.normalize(form, text).encode())
    found = csv_import.guess(table)
    assert [one.label for one in found.labels] == ["Ödem", "水肿", "肿块"]
    assert not found.doubts


def test_the_published_table_opens_and_agrees_with_scikit_learn(data: Path) -> None:
    table = csv_import.read(data / "nih" / "reproduce_chexnet_test.csv.gz")
    found = csv_import.as_predictions(table, csv_import.guess(table), "reproduce-chexnet")
    assert found.films > 22_000 and len(found.labels) == 14
    assert set(found.subgroups) == {"age band", "sex", "view"}
    counts = ThresholdIndex(found.labels, found.truth, found.scores).counts(0.1)
    for column, label in enumerate(found.labels):
        one = found.of(label)
        area = sk.roc_auc_score(one.truth, one.scores)
        (published,) = [
            each
            for each in references("chest-14", label, "AUC")
            if each.source.startswith("reproduce-chexnet")
        ]
        # some of its films lie elsewhere in this project: a few less, and nearly the same figure
        assert area == pytest.approx(published.value, abs=0.012)
        matrix = sk.confusion_matrix(one.truth, one.scores >= 0.1)
        assert [[counts.tn[column], counts.fp[column]], [counts.fn[column], counts.tp[column]]] == (
            matrix.tolist()
        )


# ---------------------------------------------------------------- what is drawn from a table


def drawn(films: int = 300) -> csv_import.Predictions:
    random = np.random.default_rng(1)
    truth = (random.random((films, 3)) < [0.4, 0.1, 0.0]).astype(float)
    truth[0, 0] = np.nan
    scores = 1 / (1 + np.exp(-(random.normal(size=truth.shape) + np.nan_to_num(truth) - 1)))
    return csv_import.Predictions(
        name="drawn",
        labels=("common", "rare", "never"),
        truth=truth,
        scores=scores,
        groups=(np.arange(films) // 3).astype(str),
        images=np.arange(films).astype(str),
        subgroups={"view": np.where(np.arange(films) % 10 == 0, "AP", "PA")},
    )


def test_the_summary_has_means_and_no_skill() -> None:
    found = drawn()
    rows = {row.name: row for row in label_table(found, replicates=50)}
    assert list(rows) == ["common", "rare", "never", MACRO, MICRO, NO_SKILL]
    areas = []
    for label in ("common", "rare"):
        one = found.of(label)
        areas.append(sk.roc_auc_score(one.truth, one.scores))
        assert rows[label].auc.value == pytest.approx(areas[-1])
        assert rows[label].average_precision.value == pytest.approx(
            sk.average_precision_score(one.truth, one.scores)
        )
    assert np.isnan(rows["never"].auc.value) and "none of the 300 films" in rows["never"].note
    assert rows[MACRO].auc.value == pytest.approx(np.mean(areas))
    assert rows[MACRO].note == "Without never: all films alike."
    known = ~np.isnan(found.truth)
    assert rows[MICRO].auc.value == pytest.approx(
        sk.roc_auc_score(found.truth[known], found.scores[known])
    )
    assert rows[MICRO].auc.low < rows[MICRO].auc.value < rows[MICRO].auc.high
    assert rows[NO_SKILL].auc.value == 0.5
    assert rows[NO_SKILL].average_precision.value == pytest.approx(found.truth[known].mean())
    assert (rows["common"].films, rows["rare"].films) == (299, 300)


def test_subgroups_say_when_they_are_small_or_differ() -> None:
    found = drawn(900)
    # in AP films the scores of one label mean nothing
    random = np.random.default_rng(0)
    lost = found.subgroups["view"] == "AP"
    scores = found.scores.copy()
    scores[lost, 0] = random.random(lost.sum())
    found = replace(found, scores=scores)
    ap, pa = subgroups.by(found, "common", "view", replicates=200)
    assert (ap.value, ap.films, pa.films) == ("AP", 89, 810)
    one = found.of("common")
    inside = lost[one.rows]
    areas = [sk.roc_auc_score(one.truth[part], one.scores[part]) for part in (inside, ~inside)]
    assert (ap.auc.value, pa.auc.value) == pytest.approx(areas)
    assert ap.difference.value == pytest.approx(areas[0] - areas[1])
    assert ap.differs and "lower than that of the other films" in ap.notes[-1]
    assert not ap.small and not pa.small
    rare = subgroups.by(found, "rare", "view", replicates=20)[0]
    assert rare.small and rare.notes[0].startswith(f"Small: {rare.positives} films with")
    never = subgroups.by(found, "never", "view", replicates=20)[0]
    assert np.isnan(never.auc.value) and not never.differs
    with pytest.raises(ValueError, match=r"no column 'sex'.*Columns: view"):
        subgroups.by(found, "rare", "sex")
    nobody = replace(found, truth=np.full(found.truth.shape, np.nan))
    assert subgroups.by(nobody, "rare", "view") == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=0, max_size=40))
def test_the_classification_report_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    truth = np.array([true for true, _ in pairs], int)
    called = np.array([call for _, call in pairs], int)
    counts = np.zeros((4, 4), int)
    np.add.at(counts, (truth, called), 1)
    matrix = confusion.Matrix(tuple("abcd"), counts)
    rows = {row.name: row for row in confusion.classification_report(matrix)}
    if not pairs:
        assert np.isnan(matrix.accuracy) and np.isnan(rows["macro mean"].recall)
        return
    expected = sk.classification_report(
        truth,
        called,
        labels=range(4),
        target_names=list("abcd"),
        output_dict=True,
        zero_division=np.nan,
    )
    for name in "abcd":
        row = rows[name]
        assert row.films == expected[name]["support"]
        for measure, value in (
            ("precision", row.precision),
            ("recall", row.recall),
            ("f1-score", row.f1),
        ):
            assert value == pytest.approx(expected[name][measure], nan_ok=True)
    per_class = [rows[name].recall for name in "abcd"]
    assert rows["macro mean"].recall == pytest.approx(np.nanmean(per_class))
    assert rows["weighted mean"].recall == pytest.approx(matrix.accuracy)
    assert matrix.accuracy == pytest.approx(sk.accuracy_score(truth, called))
    assert np.nansum(matrix.row_shares, axis=1) == pytest.approx((counts.sum(1) > 0).astype(float))
    assert np.nansum(matrix.column_shares, axis=0) == pytest.approx(
        (counts.sum(0) > 0).astype(float)
    )
    if len(set(truth)) > 1:
        assert matrix.kappa == pytest.approx(sk.cohen_kappa_score(truth, called), nan_ok=True)


def test_a_label_has_a_matrix_of_its_own() -> None:
    found = drawn()
    counts = ThresholdIndex(found.labels, found.truth, found.scores).counts_of("common", 0.3)
    matrix = confusion.of_label("common", counts)
    one = found.of("common")
    expected = sk.confusion_matrix(~one.truth, one.scores < 0.3)
    assert matrix.counts.tolist() == expected.tolist() and matrix.names == ("common", "no common")
    with pytest.raises(ValueError, match="do not exclude each other"):
        found.truth_class()


# ---------------------------------------------------------------- figures from the literature


def test_published_figures_are_told_apart_from_ours() -> None:
    every = references()
    assert len({(one.source, one.label, one.metric, one.models) for one in every}) == len(every)
    assert all(one.other_data for one in every)
    assert all(one.url.startswith("https://") for one in every if one.url)
    papers = {
        one.source: one.value
        for one in references("chest-14", metric="mean AUC")
        if "8 findings" not in one.source  # of which the single ones are not known
    }
    for source, value in papers.items():
        start = source.split(",")[0]
        singles = [
            one.value
            for one in references("chest-14", metric="AUC")
            if one.source.startswith(start)
        ]
        assert len(singles) == 14 and np.mean(singles) == pytest.approx(value, abs=1e-4)
    assert len(references("chest-14", "pleural thickening")) == 2
    assert [one.value for one in references("bone-wrist") if one.matrix is None] == [0.931]
    assert references("body-part") == []


def test_figures_of_a_published_matrix_are_computed_from_it() -> None:
    found = {one.metric: one for one in references("bone-wrist") if one.matrix}
    assert found["accuracy"].matrix == ((336, 28), (99, 196))
    truth = [0] * 364 + [1] * 295
    called = [0] * 336 + [1] * 28 + [0] * 99 + [1] * 196
    expected = {
        "accuracy": sk.accuracy_score(truth, called),
        "sensitivity": sk.recall_score(truth, called),
        "specificity": sk.recall_score(truth, called, pos_label=0),
        "PPV": sk.precision_score(truth, called),
        "NPV": sk.precision_score(truth, called, pos_label=0),
        "Cohen's kappa": sk.cohen_kappa_score(truth, called),
    }
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected)
    assert round(found["Cohen's kappa"].value, 3) == 0.601


def test_the_figures_of_the_earlier_systems_are_all_there() -> None:
    def values(model: str, start: str) -> list[float]:
        return sorted(one.value for one in references(model) if one.source.startswith(start))

    assert values("chest-nodule", "Xvision") == [0.5556, 0.5769, 0.6933, 0.76, 0.7755]
    assert values("chest-pneumonia", "Pneumonia detector") == [0.71, 0.79, 0.81, 0.93]
    assert values("chest-14", "CheXNet with localization") == [0.218, 0.253, 0.824]


@pytest.mark.parametrize(
    "matrix", [[[1, 2]], [[1, 2], [3]], [[1, "x"], [2, 3]], 5, [[1, 2], [3, None]]]
)
def test_a_damaged_matrix_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, matrix: object
) -> None:
    entry = {"models": ["x"], "label": "a", "matrix": matrix, "source": "s", "url": ""}
    (tmp_path / "references.json").write_text(json.dumps([entry | {"other_data": "others"}]))
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    with pytest.raises(CatalogueError, match="figure 1: matrix must be two rows of two counts"):
        references()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": 1.5}, "figure 1: value must be a number from 0 to 1"),
        ({"value": True}, "figure 1: value"),
        ({"metric": "Dice"}, "figure 1: metric must be one of"),
        ({"other_data": ""}, "figure 1: other_data must be text"),
        ({"models": "chest-14"}, "figure 1: models must be a list"),
        ({"extra": 1}, "figure 1: must have exactly the fields"),
    ],
)
def test_a_damaged_list_of_references_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], message: str
) -> None:
    good = {
        "models": ["chest-14"],
        "label": "",
        "metric": "AUC",
        "value": 0.8,
        "source": "a paper",
        "url": "https://example.org",
        "other_data": "other films",
    }
    path = tmp_path / "references.json"
    path.write_text(json.dumps([good]))
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    assert len(references()) == 1
    (tmp_path / "again").mkdir()
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path / "again"))
    with pytest.raises(CatalogueError, match=r"references\.json: cannot be read"):
        references()
    (tmp_path / "again" / "references.json").write_text(json.dumps([good | change]))
    with pytest.raises(CatalogueError, match=f"references.json, {message}"):
        references()

"""The verdict over all films: those that nobody read count, and are named, everywhere alike."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from xray_models.batch import tally, truth
from xray_models.batch.results import Row
from xray_models.batch.verdict import verdict
from xray_models.commands import score
from xray_models.evaluate.performance import performance
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.csv_import import PredictionsError
from xray_models.evaluate.predictions.truth_columns import TruthColumns
from xray_models.report import batch_html


def hand(name: str, probability: float, model: str = "bone-general") -> Row:
    call = "positive" if probability >= 0.5 else "negative"
    return Row(name, "hand", 0.9, model, "fracture", probability, 0.5, call)


ROWS = [
    hand("found.png", 0.9),
    hand("missed.png", 0.1),
    hand("alarm.png", 0.8),
    hand("cleared.png", 0.2),
    Row("broken.png", error="The file is damaged."),
    Row("leg.png", "", 0.2),
    Row("leg without.png", "", 0.2),
    Row("chest.png", "chest", 0.9, "chest-pneumonia", "pneumonia", 0.1, 0.5, "negative"),
    Row("chest with.png", "chest", 0.9, "chest-pneumonia", "pneumonia", 0.1, 0.5, "negative"),
    hand("nobody knows.png", 0.9),
    hand("not in the table.png", 0.9),
]
TRUE = ["found", "missed", "broken", "leg", "chest with"]
FALSE = ["alarm", "cleared", "leg without", "chest"]


@pytest.fixture
def compared():
    cells = [f"{name}.png,1" for name in TRUE] + [f"{name}.png,0" for name in FALSE]
    text = "\n".join(["film,fracture", *cells, "nobody knows.png,"])
    table = csv_import.read(text.encode())
    matched = truth.match(table, list(dict.fromkeys(row.file for row in ROWS)))
    return table, matched, truth.proposal(["fracture"], TruthColumns(table.drop(columns="film")))


def test_films_that_nobody_read_count_and_are_named(compared):
    found = verdict(ROWS, *compared)
    (one,) = found.labels
    # the chest without a fracture is no matter of the bone models; the one with it was missed
    assert one.cells == ("fracture", 8, 2, 2, 4, 5, 1, 1, 3)
    assert dict(found.unread) == {
        "broken.png": "The file is damaged.",
        "leg.png": "not recognized",
        "leg without.png": "not recognized",
        "chest with.png": "no model that looks for fracture read it",
    }
    assert "Of 5 with it 1 found, 1 missed, 3 not read." in one.sentence


def test_one_model_that_calls_it_is_enough(compared):
    (one,) = verdict([*ROWS, hand("missed.png", 0.9, "bone-hand")], *compared).labels
    assert (one.found, one.missed) == (2, 0)


def test_report_terminal_and_page_say_the_same_and_the_verdict_first(compared, capsys):
    found, predictions = verdict(ROWS, *compared), truth.predictions_of(ROWS, *compared)
    page = batch_html.report(tally.tally(ROWS), predictions, (), found)
    compact = page.replace("</td><td>", " ")
    assert "fracture 8 2 2 4 5 1 1 3" in compact and "leg.png not recognized" in compact
    assert page.index("All films, whichever model") < page.index("General bone")
    score._tell_performance(predictions, [], found)
    told = capsys.readouterr().out
    assert told.index(found.labels[0].sentence) < told.index(predictions[0].name)
    assert "not read: leg.png: not recognized" in told

    def shown() -> None:
        import streamlit as st

        from pages.batching.truth import show_verdict

        show_verdict(*st.session_state.given)

    run = AppTest.from_function(shown)
    run.session_state.given = (found, performance(predictions[0]))
    run.run()
    assert not run.exception
    tables: list[pd.DataFrame] = [one.value for one in run.dataframe]
    assert tuple(tables[0].iloc[0]) == found.labels[0].cells
    assert tables[1]["file"].tolist() == [name for name, _ in found.unread]
    words = performance(predictions[0])[0].auc_in_words
    assert tables[2]["AUC (95 % interval)"].tolist() == [words]
    assert words in told and words in page


@pytest.mark.parametrize(("true", "which"), [(1, "with"), (3, "without")])
def test_an_auc_on_one_film_says_so(true, which):
    rows = [hand(f"{k}.png", (4 - k) / 10) for k in range(4)]
    cells = "\n".join(["film,fracture", *(f"{k}.png,{int(k < true)}" for k in range(4))])
    table = csv_import.read(cells.encode())
    matched = truth.match(table, [row.file for row in rows])
    where = truth.proposal(["fracture"], TruthColumns(table.drop(columns="film")))
    (one,) = performance(truth.predictions_of(rows, table, matched, where)[0])
    assert one.auc.value == 1 and one.auc_in_words.endswith(f", on 1 film {which} it")
    assert one.note.startswith(f"Only 1 film {which} it")


def test_a_cell_of_a_film_that_was_not_read_is_checked_too(compared):
    table, matched, where = compared
    table = table.replace({"fracture": {"0": "0"}})
    table.loc[matched.row_of["leg.png"], "fracture"] = "perhaps"
    with pytest.raises(PredictionsError, match=r"leg\.png in 'fracture' is 'perhaps'"):
        verdict(ROWS, table, matched, where)

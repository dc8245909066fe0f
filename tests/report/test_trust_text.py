"""What a page says of a map, from stored figures."""

import pytest

from xray_models import catalogue
from xray_models.evaluate.explanations import results_table
from xray_models.evaluate.explanations.faithfulness import DATA, LABEL
from xray_models.evaluate.explanations.results_table import GAP, MethodFigure
from xray_models.explain import MethodSpec
from xray_models.explain.queries import Query
from xray_models.report.trust_text import graded, trust

CARD = catalogue.get("bone-general")


def row(measure, value, gain, data="FracAtlas", label="fracture", films=90):
    return MethodFigure(
        data=data,
        label=label,
        seen=False,
        method="grad-cam",
        rule="",
        measure=measure,
        value=value,
        low=value - 0.05,
        high=value + 0.05,
        gain=gain,
        gain_low=gain - 0.05,
        gain_high=gain + 0.05,
        films=films,
        groups=films,
    )


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.setattr(results_table, "folder_of", lambda _: tmp_path)

    def save(kind, *rows):
        results_table.save(CARD.id, kind, rows)

    return save


@pytest.mark.usefixtures("tables")
def test_what_was_not_measured_is_said_to_be_unmeasured():
    said = trust(CARD, Query("fracture"), "grad-cam", probability=0.9)
    assert "Nobody has measured" in said and "above its threshold" in said


def test_stored_figures_are_told(tables):
    tables("localization", row("energy in box", 0.4, 0.15), row("pointing game", 0.6, 0.3))
    tables("faithfulness", row(GAP, 0.3, 0.2, data=DATA, label=LABEL, films=60))
    said = trust(CARD, Query("fracture"), "grad-cam", probability=0.01)
    assert "On 60 % of 90 films the hottest point lay in or beside a box" in said
    assert "The usual place of the finding lay there on 30 %" in said
    assert "Of the heat 40 % lay inside (25 %). It points better than the usual place" in said
    assert "On 60 films the hot places moved" in said and "below its threshold" in said


def test_other_questions_and_layers_were_not_measured(tables):
    tables("localization", row("energy in box", 0.4, 0.15), row("pointing game", 0.6, 0.3))
    layer = trust(CARD, Query("fracture"), "grad-cam@x", probability=0.9)
    against = trust(CARD, Query("fracture", "against"), "grad-cam", probability=0.9)
    assert "Nobody has measured" in layer and "above its threshold" in layer
    assert "Nobody has measured how well such a map shows what speaks against fracture" in against
    part = trust(catalogue.get("body-part"), Query("chest"), "grad-cam")
    assert "Chest is no finding with a threshold" in part
    for said in (layer, against, part):
        assert said.endswith(".")


def place(pointing, share, **more):
    return (
        row("pointing game", 0.6, pointing, **more),
        row("energy in box", 0.4, share, **more),
    )


@pytest.mark.parametrize(
    ("rows", "grade", "line"),
    [
        (
            place(0.3, 0.15),
            "well",
            "Place measured well: on 90 films it was better than guessing the usual place.",
        ),
        (
            place(0.0, 0.0),
            "weakly",
            "Place measured weakly: on 90 films it was no better than guessing the usual place.",
        ),
        (
            place(-0.3, 0.0),
            "weakly",
            "Place measured weakly: on 90 films the usual place was the better guess.",
        ),
        (place(0.3, 0.2, films=12), "weakly", "Place measured weakly: on 12 films only."),
        (
            (),
            "not at all",
            "Place not measured at all: take the map as a hint of where to look.",
        ),
    ],
)
def test_trust_is_a_graded_line(tables, rows, grade, line):
    if rows:
        tables("localization", *rows)
    said = graded(CARD, Query("fracture"), "grad-cam", probability=0.9)
    assert (said.grade, said.line) == (grade, line)
    assert said.numbers == trust(CARD, Query("fracture"), "grad-cam", probability=0.9)


def test_what_speaks_against_is_not_measured_at_all(tables):
    tables("localization", *place(0.3, 0.15))
    said = graded(CARD, Query("fracture", "against"), "grad-cam", probability=0.9)
    assert said.grade == "not at all"


@pytest.mark.parametrize("model", [one.id for one in catalogue.catalogue().values()])
def test_every_line_of_trust_is_short(model):
    card = catalogue.get(model)
    for label in card.findings:
        line = graded(card, Query(label), MethodSpec.of_card(card), 0.5).line
        assert len(line.split()) <= 20 and line.endswith(".")

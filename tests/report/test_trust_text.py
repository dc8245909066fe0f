"""What a page says of a map, from stored figures."""

import pytest

from xray_models import catalogue
from xray_models.evaluate.explanations import results_table
from xray_models.evaluate.explanations.faithfulness import DATA, LABEL
from xray_models.evaluate.explanations.results_table import GAP, MethodFigure
from xray_models.explain.queries import Query
from xray_models.report.trust_text import trust

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
    monkeypatch.setattr(results_table, "assets", lambda: tmp_path)

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
    assert "On 90 films the hottest point of this map lay in or beside a box" in said
    assert "drew on 60 %, that of the usual place of the finding on 30 %" in said
    assert "40 % of the heat inside (25 %): it points better than the usual place" in said
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

"""What the page about the models says its heatmaps are worth, against the stored tables."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from screens import opened

from xray_models import catalogue
from xray_models.evaluate.explanations import results_table, sanity_table, scoreboard
from xray_models.explain import METHODS, MethodSpec
from xray_models.report import explanations_text
from xray_models.viz.cascade import cascade

MEASURED = sorted(file.stem for file in results_table.path("", "localization").parent.glob("*.csv"))


@pytest.mark.parametrize("model", MEASURED)
def test_every_kind_of_map_that_was_measured_has_its_figures(model):
    stored = pd.read_csv(results_table.path(model, "localization"))
    assert scoreboard.films(model), "there are films with boxes"
    for films in scoreboard.films(model):
        of_films = stored[(stored["data"] == films.data) & (stored["label"] == films.label)]
        assert films.count == of_films["films"].max()
        found = {one.name: one for one in scoreboard.worth(model, films)}
        assert set(of_films["method"]) <= set(found)
        for row in of_films[of_films["measure"] == "pointing game"].itertuples():
            assert found[row.method].figures["pointing game"].value == row.value
            assert found[row.method].films["pointing game"] == row.films
    baselines = [one.baseline for one in scoreboard.worth(model, scoreboard.films(model)[0])]
    assert baselines == sorted(baselines), "baselines come last"


def test_the_report_prints_them():
    card = catalogue.get("bone-wrist")
    text = "\n".join(explanations_text.lines(card))
    stored = pd.read_csv(results_table.path(card.id, "localization"))
    for row in stored[stored["measure"] == "pointing game"].itertuples():
        line = rf"\n{re.escape(row.method)} +{row.films} +{row.value:.3f} "
        assert re.search(line, text), line
    cascade_of = sanity_table.load(card.id).query("method == 'grad-cam' and check == 'weights'")
    left = cascade_of.sort_values("stage")["correlation"].iloc[-1]
    assert re.search(rf"\ngrad-cam .* {left:.3f}\n", f"{text}\n")
    assert explanations_text.lines(catalogue.get("body-part")) == []


def test_the_page_about_the_models_shows_them():
    tables = [
        one.value
        for name in catalogue.catalogue()
        for one in opened("models.py", model=name).dataframe
        if "Map" in one.value
    ]
    predictions = {file.stem for file in (catalogue.assets() / "faithfulness").glob("*.csv")}
    assert len(tables) == len(predictions | set(MEASURED))
    stored = pd.read_csv(results_table.path("bone-general", "localization"))
    card = catalogue.get("bone-general")
    (row,) = stored[
        (stored["data"] == "FracAtlas")
        & (stored["method"] == MethodSpec.of_card(card).name)
        & (stored["measure"] == "pointing game")
    ].itertuples()
    message = f"{100 * row.value:.0f} % ({100 * row.low:.0f} to {100 * row.high:.0f})"
    name = f"★ {METHODS[card.explanation.method].name}"
    rows = pd.concat(one[one["Map"] == name] for one in tables)
    assert message in set(rows["Hottest point at a box"][rows["Layer"] == card.explanation.layer])
    slow = stored[(stored["method"] == "rise") & (stored["measure"] == "pointing game")]
    for row in slow[slow["films"] < stored["films"].max()].itertuples():
        few = pd.concat(one[one["Map"] == METHODS["rise"].name] for one in tables)
        assert few["Hottest point at a box"].str.endswith(f", {row.films} films").any()


def test_a_model_without_tables_has_no_worth_and_no_films():
    assert scoreboard.films("nobody") == [] == scoreboard.worth("nobody", None)


def test_a_cascade_ends_where_the_last_stage_does():
    figures = [
        sanity_table.SanityFigure("cam", "weights", stage, f"layer {stage}", left, left, 3)
        for stage, left in enumerate((1.0, 0.4, -0.1))
    ]
    empty = [replace(one, method="empty", correlation=float("nan")) for one in figures]
    drawn = cascade(pd.DataFrame([*empty, *figures]))
    assert [trace.name for trace in drawn.figure.data] == ["cam"], "no heat, nothing to lose"
    assert list(drawn.figure.data[0].y) == [1.0, 0.4, -0.1]
    assert "cam ends at -0.10" in drawn.alt
    assert list(drawn.data()["stage"]) == [0, 1, 2]

"""Localization of a model over held-out films: which films count, baselines, stored figures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import toy_cards
from PIL import Image

from xray_models.catalogue import HeldOut, get
from xray_models.datasets import fracatlas
from xray_models.evaluate.explanations import held_out_films, results_table
from xray_models.evaluate.explanations import localization as study_of
from xray_models.evaluate.explanations.evidence import Evidence, Localization, Measured, evidence
from xray_models.evaluate.explanations.results_table import GAP
from xray_models.explain.boxes import Rule

pytestmark = pytest.mark.network

FILMS = 14
FLAGS = "hand,leg,hip,shoulder,hardware,multiscan,fractured"


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """A data folder of drawn FracAtlas films with a box each, and assets with their table.

    Films 0 to 6 are arms, the others legs; two neighbors make a group; films 12 and 13 were
    trained on. Odd films have their box in the upper left quarter, even ones in the lower right.
    """
    folder = tmp_path / "fracatlas"
    (folder / "images").mkdir(parents=True)
    labels, boxes, table = [f"image,group,{FLAGS}"], ["image,x,y,w,h"], []
    for i in range(FILMS):
        Image.new("L", (60, 80), 128).save(folder / "images" / f"{i}.jpg")
        arm = int(i < 7)
        labels.append(f"{i}.jpg,{i // 2},{arm},{1 - arm},0,0,0,0,1")
        boxes.append(f"{i}.jpg,{0.5 * (i % 2 == 0)},{0.5 * (i % 2 == 0)},0.5,0.5")
        if i < 12:
            split = "validation" if i < 6 else "test"
            table.append((f"{i}.jpg", f"fracatlas-{i // 2}", split, "fracture", 0.9))
    (folder / "labels.csv").write_text("\n".join(labels) + "\n")
    (folder / "fracture_boxes.csv").write_text("\n".join(boxes) + "\n")
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path / "assets"))
    (tmp_path / "assets" / "held_out").mkdir(parents=True)
    columns = ["image", "group", "split", "truth", "p:fracture"]
    pd.DataFrame(table, columns=columns).to_csv(
        tmp_path / "assets" / "held_out" / "drawn.csv", index=False
    )
    return tmp_path


CARD = replace(get("bone-general"), id="drawn", held_out=HeldOut("drawn.csv", 12, 6, {}))


def cases(data, card=CARD):
    return study_of.cases(card, data, fracatlas.films(data / "fracatlas"))


def test_films_that_were_trained_on_are_left_out(drawn):
    found = cases(drawn)
    assert [case.film.image for case in found] == [f"{i}.jpg" for i in range(12)]
    assert {case.held.split for case in found} == {"validation", "test"}
    assert {(case.source, case.finding) for case in found} == {("FracAtlas", "fracture")}


def test_a_collection_that_the_model_never_trained_on_is_all_new(drawn):
    stranger = replace(CARD, training=replace(CARD.training, data=("another collection",)))
    found = study_of.cases(stranger, drawn, [])
    assert len(found) == FILMS and {case.held.split for case in found} == {""}


def test_a_model_without_boxes_for_its_task_has_no_cases(drawn):
    assert cases(drawn, replace(CARD, task="body-part")) == []


def test_boxes_follow_into_a_crop_and_are_dropped_where_it_cuts_them(drawn):
    film = fracatlas.films(drawn / "fracatlas")[1]  # boxed in its upper left quarter
    whole = replace(film, box=(0.0, 0.0, 0.5, 1.0))
    cut = replace(film, box=(0.0, 0.4, 1.0, 1.0))
    (case,) = study_of.cases(CARD, drawn, [whole])
    assert case.corners.tolist() == [[0, 0, 1, 0.5]]
    assert study_of.cases(CARD, drawn, [cut]) == []


def test_the_usual_place_is_taken_from_other_groups_alone(drawn):
    found = cases(drawn)
    # let one group be alone in having its boxes at the left: its usual place must not know that
    left = np.array([[0.0, 0.0, 0.1, 1.0]])
    odd = [replace(case, corners=left) if case.film.group == "fracatlas-0" else case
           for case in found]  # fmt: skip
    study = study_of.prepare(odd)
    for case, values in zip(odd, study.baselines[study_of.USUAL], strict=True):
        if case.film.group == "fracatlas-0":
            # half of the others' boxes lie at the left, over half of the height
            assert values["", "energy in box"] == pytest.approx(0.1, abs=0.02)
    assert study.areas[0] == 0.25
    assert study.baselines[study_of.USUAL][0]["", study_of.AREA] == pytest.approx(0.1, abs=0.02)


def test_the_usual_place_is_that_of_the_same_region(drawn, monkeypatch):
    """Arms are boxed in the upper left corner, legs in the lower right one."""
    arm, leg = np.array([[0.0, 0.0, 0.5, 0.5]]), np.array([[0.5, 0.5, 1.0, 1.0]])
    found = [
        replace(case, corners=arm if case.film.facts["region"] == "arm" else leg)
        for case in cases(drawn)
    ]
    pooled = study_of.prepare(found).baselines[study_of.USUAL]
    assert all(values["", "energy in box"] < 0.8 for values in pooled), "too few films apart"
    monkeypatch.setattr(study_of, "LEAST_FILMS", 3)
    apart = study_of.prepare(found).baselines[study_of.USUAL]
    assert all(values["", "energy in box"] == pytest.approx(1) for values in apart)


def test_a_perfect_map_gains_over_the_usual_place_and_a_blind_one_does_not(drawn):
    study = study_of.prepare(cases(drawn), rules=(Rule("fraction", 0.5), Rule("area", None)))
    perfect = [
        study_of.score_map(study, i, study_of.localization.mask(case.corners, study.shapes[i]))
        for i, case in enumerate(study.cases)
    ]
    rows = study_of.figures(study, "perfect", perfect, lambda split: split == "test")
    by = {(row.data, row.rule, row.measure): row for row in rows}
    assert {row.data for row in rows} == {"FracAtlas"}  # seven arms are too few for figures
    energy = by["FracAtlas", "", "energy in box"]
    assert energy.value == 1 and energy.gain_low > 0 and energy.seen
    assert (energy.films, energy.groups) == (12, 6)
    assert by["FracAtlas", "fraction:0.5", "T(IoU) 0.9"].value == 1
    assert by["FracAtlas", "fraction:0.5", "false boxes, T(IoU) 0.9"].value == 0
    assert by["FracAtlas", "area", "IoU"].value == pytest.approx(1)
    assert ("FracAtlas", "area", "T(IoU) 0.9") not in by


def test_gains_are_over_the_better_of_usual_place_and_mean_box(drawn):
    # boxes that scatter about one place: their mean holds more of its area than their sum
    about = np.array([[0.3, 0.3, 0.7, 0.7]])
    study = study_of.prepare([
        replace(case, corners=about + 0.15 * (i % 3 - 1)) for i, case in enumerate(cases(drawn))
    ])  # fmt: skip
    values = {name: study.baselines[name] for name in (study_of.USUAL, study_of.MEAN_BOX)}
    message = {
        name: {(row.rule, row.measure): row for row in study_of.figures(
            study, name, values[name], lambda _: False)}
        for name in values
    }  # fmt: skip
    won = set()
    for key, usual in message[study_of.USUAL].items():
        if key[1] == study_of.AREA:
            continue
        box = message[study_of.MEAN_BOX][key]
        fewer = key[1].startswith("false")
        ahead, behind = sorted((usual, box), key=lambda row: row.value, reverse=not fewer)
        assert ahead.gain == ahead.gain_low == ahead.gain_high == 0
        assert behind.gain == pytest.approx(behind.value - ahead.value)
        if ahead.value != behind.value:
            won.add(ahead.method)
    assert won == {study_of.USUAL, study_of.MEAN_BOX}


def test_the_usual_place_of_some_films_is_learned_from_all(drawn):
    found = cases(drawn)
    whole, some = study_of.prepare(found), study_of.prepare(found[::5], every=found)
    for name in (study_of.USUAL, study_of.MEAN_BOX):
        assert some.baselines[name] == whole.baselines[name][::5]
    assert some.areas == whole.areas[::5]


@pytest.mark.slow
def test_methods_that_are_measured_together_get_what_they_get_alone(tmp_path, monkeypatch):
    card = toy_cards.card(tmp_path, "efficientnetb0")
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    corners = np.array([[0.2, 0.2, 0.6, 0.7]])
    study = study_of.prepare([
        study_of.Case(held, "NIH", toy_cards.LABEL, corners)
        for held in toy_cards.films(tmp_path)[:3]
    ])  # fmt: skip
    networks = held_out_films.Networks(card)
    names = ["grad-cam", "layercam@block6a_expand_activation", "occlusion"]
    together = study_of.measure(card, study, networks, names)
    assert list(together) == names and together["grad-cam"] != together["occlusion"]
    for name in names:
        assert study_of.measure(card, study, networks, [name]) == {name: together[name]}


def test_another_reader_is_judged_on_the_films_that_both_boxed(drawn):
    found = cases(drawn)
    again = [replace(found[0], source="NIH"), replace(found[1], source="NIH", corners=np.array(
        [[0.0, 0.5, 0.5, 1.0]]))]  # fmt: skip
    study = study_of.prepare([*found, *again])
    indices, values = study_of.other_reader(study)
    assert indices == [0, 1, 12, 13]
    assert [one["", "energy in box"] for one in values] == [1, 0, 1, 0]


@pytest.mark.usefixtures("drawn")
def test_figures_are_stored_method_by_method():
    groups = np.array(["a", "b", "c"])
    values = {("", "AUPRC"): np.array([0.2, 0.4, 0.6]), ("otsu", "IoU"): np.array([1.0, 0, 0])}
    zero = {("", "AUPRC"): np.zeros(3), ("otsu", "IoU"): np.full(3, np.nan)}

    def rows(method, by=1.0):
        grown = {key: by * value for key, value in values.items()}
        return results_table.summarize(
            grown, zero, groups, data="NIH", label="Mass", seen=False, method=method
        )

    assert results_table.load("m", "localization").empty
    results_table.save("m", "localization", rows("cam"))
    results_table.save("m", "localization", rows("rise"))
    results_table.save("m", "localization", rows("cam", by=0.5))  # measured again
    table = results_table.load("m", "localization")
    assert table["method"].tolist() == ["rise", "rise", "cam", "cam"]
    again = table.query("method == 'cam' and measure == 'AUPRC'").iloc[0]
    assert (again["value"], again["gain"], again["films"]) == (0.2, 0.2, 3)
    assert again["low"] <= 0.2 <= again["high"] and not again["seen"]
    without = table.query("method == 'rise' and measure == 'IoU'").iloc[0]
    assert without["rule"] == "otsu" and without["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert np.isnan(without["gain"])  # the baseline has no such measure


@pytest.mark.usefixtures("drawn")
def test_baselines_of_many_films_are_not_lost_to_those_of_few():
    def stored():
        return results_table.load("m", "localization")["films"].tolist()

    for films, kept in ((20, 20), (5, 20), (30, 30)):
        results_table.save_if_more("m", "localization", [figure(method="center", films=films)])
        assert stored() == [kept]
    results_table.save_if_more("m", "localization", [figure(method="random", films=5)])
    assert stored() == [30, 5]


def figure(**changed):
    row = results_table.MethodFigure(
        data="NIH", label="Mass", seen=False, method="cam", rule="", measure="energy in box",
        value=0.5, low=0.4, high=0.6, gain=0.2, gain_low=0.1, gain_high=0.3, films=20, groups=9,
    )  # fmt: skip
    return replace(row, **changed)


def places(**changed):
    pointing = {"value": 0.8} | changed | {"measure": "pointing game"}
    return [figure(**changed), figure(**pointing)]


@pytest.mark.usefixtures("drawn")
def test_evidence_is_of_the_finding_itself_where_there_is_any():
    assert evidence("m", "Mass", "cam", True) == Evidence(None, None, True)
    results_table.save("m", "localization", [
        *places(), *places(label="every finding", films=60, value=0.3), figure(measure="AUPRC"),
    ])  # fmt: skip
    results_table.save("m", "faithfulness", [figure(label="x", measure=GAP, gain_low=-0.1)])
    found = evidence("m", "Mass", "cam", False)
    pointing, share = Measured(0.8, 0.8 - 0.2, 0.1, 0.3, 20), Measured(0.5, 0.3, 0.1, 0.3, 20)
    assert found.localization == Localization(pointing, share) and share.better
    assert found.faithfulness == Measured(0.5, 0.3, -0.1, 0.3, 20)
    assert not found.faithfulness.better and not found.positive
    assert not share.others
    assert evidence("m", "Mass", "rise", True).localization is None
    nothing = dict.fromkeys(("gain", "gain_low", "gain_high"), np.nan)
    results_table.save("m", "localization", places(method="rise", **nothing))
    assert evidence("m", "Mass", "rise", True).localization is None, "held against nothing"


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(("films", "mostly"), [(45, "Pneumonia"), (30, "")])
def test_evidence_over_every_finding_says_that_it_is_of_others(films, mostly):
    results_table.save("m", "localization", [
        *places(label="every finding", films=60, value=0.3),
        *places(label="Pneumonia", films=films), *places(data="RSNA", label="Mass", films=90),
        *places(method="rise", label="Edema", films=50),
    ])  # fmt: skip
    found = evidence("m", "Hernia", "cam", True).localization
    for of in (found.pointing, found.share):
        assert (of.value, of.films, of.others, of.mostly) == (0.3, 60, True, mostly)
    assert not evidence("m", "Pneumonia", "cam", True).localization.share.others


@pytest.mark.usefixtures("drawn")
def test_evidence_of_a_layer_is_that_of_the_method_there():
    results_table.save("m", "localization", [*places(), *places(method="cam@early", value=0.9)])
    assert evidence("m", "Mass", "cam", True).localization.share.value == 0.5
    assert evidence("m", "Mass", "cam@early", True).localization.share.value == 0.9
    assert evidence("m", "Mass", "cam@late", True).localization is None


@pytest.mark.usefixtures("drawn")
def test_evidence_of_a_bone_model_is_that_of_arms():
    arms = places(data="FracAtlas, arms", label="fracture", films=12, value=0.1)
    results_table.save("m", "localization", [*arms, *places(data="FracAtlas", label="fracture")])
    assert evidence("m", "fracture", "cam", True).localization.pointing.films == 12


@pytest.mark.usefixtures("drawn")
def test_the_usual_area_of_a_bone_model_is_that_of_arms():
    area = {"measure": study_of.AREA, "label": "fracture", "method": study_of.USUAL}
    results_table.save("drawn", "localization", [
        figure(data="FracAtlas", films=90, value=0.08, **area),
        figure(data="FracAtlas, arms", films=50, value=0.02, **area),
    ])  # fmt: skip
    assert study_of.usual_area(CARD, "fracture") == 0.02


@pytest.mark.usefixtures("drawn")
def test_a_stored_table_that_lacks_a_column_is_refused():
    file = results_table.path("m", "faithfulness")
    file.parent.mkdir()
    file.write_text("data,label\nNIH,Mass\n")
    with pytest.raises(results_table.MethodTableError, match=r"missing column.*measure faith"):
        results_table.load("m", "faithfulness")
    with pytest.raises(ValueError, match="kind 'speed'"):
        results_table.load("m", "speed")


def test_the_usual_area_comes_from_the_stored_table(drawn):
    with pytest.raises(ValueError, match="not known for drawn"):
        study_of.usual_area(CARD, "fracture")
    study = study_of.prepare(cases(drawn))
    rows = study_of.figures(study, study_of.USUAL, study.baselines[study_of.USUAL], lambda _: False)
    results_table.save("drawn", "localization", rows)
    assert study_of.usual_area(CARD, "fracture") == pytest.approx(0.25, abs=0.01)


def test_only_the_networks_of_the_folds_have_not_seen_their_films(tmp_path):
    shipped, of_folds = (held_out_films.Networks(CARD, run) for run in (None, tmp_path))
    assert shipped.seen("fold 2") and not of_folds.seen("fold 2")
    assert not shipped.seen("test") and not shipped.seen("")
    held_out = replace(CARD.held_out, shipped_fold="fold 2")
    assert not held_out_films.Networks(replace(CARD, held_out=held_out)).seen("fold 2")

"""The pipeline on real radiographs, and its command line."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import classify
from xray_models import catalogue
from xray_models.batch import results, score
from xray_models.batch.sources import Folder
from xray_models.commands.classify import classify_command
from xray_models.explain.heatmap import Heatmap
from xray_models.inference import functions, predict
from xray_models.radiograph import Radiograph, UnreadableRadiograph, read

pytestmark = pytest.mark.network

ROOT = Path(__file__).parent.parent


def test_a_real_chest_is_read_by_every_chest_model(chest):
    reading = classify.read(chest)
    assert reading.part == "chest" and reading.part_probability > 0.9
    assert {one.model for one in reading.chosen} == {
        card.id for card in catalogue.catalogue().values() if card.task == "chest"
    }
    assert {finding.model for finding in reading.findings} == {c.model for c in reading.chosen}
    assert reading.runner_up[0] != "chest"
    assert reading.seconds["total"] > 0


def test_bytes_path_and_film_give_the_same_reading(chest):
    one, two = classify.read(chest), classify.read(chest.read_bytes())
    three = classify.read(one.radiograph)
    assert one.findings == two.findings == three.findings


def test_a_leg_is_not_routed_and_says_so(lower_leg):
    reading = classify.read(lower_leg)
    assert reading.part is None and not reading.findings
    assert any("looks like none of the parts" in warning for warning in reading.warnings)


def test_a_forced_part_goes_to_its_models(lower_leg):
    reading = classify.read(lower_leg, part="forearm")
    assert reading.part == "forearm" and reading.part_forced
    assert [one.model for one in reading.chosen] == [c.id for c in catalogue.for_part("forearm")]
    assert reading.findings[0].label == "fracture"


def test_a_part_that_the_general_model_reads_better_says_so(lower_leg):
    reading = classify.read(lower_leg, part="shoulder")
    (card,) = catalogue.for_part("shoulder")
    assert card.id == "bone-general" and catalogue.get("bone-shoulder").rival.difference.value < 0
    assert "reads better than the one made for that part" in reading.chosen[0].why


def test_a_forced_model_outside_its_world_is_warned_of(chest):
    reading = classify.read(chest, models=["bone-general"])
    assert [one.model for one in reading.chosen] == ["bone-general"]
    assert any("not made for the chest" in warning for warning in reading.warnings)


def test_a_kind_that_is_called_without_the_whole_is_told_of():
    card = catalogue.get("chest-pneumonia")

    def found(whole, bacterial, viral):
        return [
            classify.Finding(card.id, "pneumonia", whole, 0.8),
            classify.Finding(card.id, "bacterial pneumonia", bacterial, 0.3),
            classify.Finding(card.id, "viral pneumonia", viral, 0.2),
        ]

    (one,) = classify.at_odds(card, found(0.5, 0.1, 0.4))
    assert one.startswith("Viral pneumonia reached its own threshold, pneumonia as a whole did not")
    (two,) = classify.at_odds(card, found(0.7, 0.4, 0.3))
    assert two.startswith("Bacterial pneumonia and viral pneumonia reached their own thresholds")
    assert not classify.at_odds(card, found(0.9, 0.1, 0.8))
    assert not classify.at_odds(card, found(0.1, 0.05, 0.05))
    assert not classify.at_odds(catalogue.get("bone-wrist"), [])


def test_unknown_parts_and_models_are_refused(chest):
    with pytest.raises(classify.CannotClassify, match="chest, elbow"):
        classify.read(chest, part="knee")
    with pytest.raises(classify.CannotClassify, match="bone-general"):
        classify.read(chest, models=["body-part"])


def test_a_second_label_costs_no_second_pass(chest, monkeypatch):
    reading = classify.read(chest)
    monkeypatch.setattr(functions.Traced, "forward", None)  # any further pass would fail
    for finding in reading.findings:
        for negate in (False, True):
            heat = classify.explain(
                reading.radiograph, finding.model, finding.label, negate, "grad-cam"
            )
            assert isinstance(heat, Heatmap)
            assert heat.on_radiograph().shape == reading.radiograph.pixels.shape
    with pytest.raises(classify.CannotClassify, match="no label"):
        classify.explain(reading.radiograph, reading.chosen[0].model, "gout")


@pytest.mark.parametrize("shape", [(1, 1), (2000, 20), (33, 4000)])
def test_odd_shapes_are_answered(shape):
    film = Radiograph(pixels=np.full(shape, 0.5, np.float32), source_format="drawn")
    assert classify.read(film).part is None


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "classify.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_answers_file_by_file(chest, lower_leg, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    done = run(str(chest), str(broken), str(lower_leg), "--json")
    assert done.returncode == 1, done.stderr
    first, second, third = (json.loads(line) for line in done.stdout.splitlines())
    assert first["file"] == str(chest) and first["part"] == "chest"
    assert set(first["findings"][0]) == {
        *("model", "label", "probability", "threshold", "positive", "answer", "cannot_tell")
    }
    assert first["seconds"]["total"] > 0
    assert not first["warnings"], "what a model says that is set aside is no warning"
    aside = {one["model"]: one["set_aside"] for one in first["models"]}
    assert "this patient's age is not known" in aside["chest-pneumonia"]
    assert second["file"] == str(broken) and second["error"]
    assert third["part"] is None and third["findings"] == []


def test_the_command_line_in_words_and_with_wrong_options(chest, monkeypatch, capsys):
    def ending(*arguments: str) -> int:
        """What it ends with; here, where the models are loaded already."""
        monkeypatch.setattr(sys, "argv", ["classify.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            classify_command()
        return ended.value.code

    assert ending(str(chest)) == 0
    words = capsys.readouterr().out
    assert "chest" in words and "threshold" in words
    assert ending(str(chest), "--part", "knee") == 2
    assert "chest, elbow" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_line_inverts(chest, tmp_path):
    gray = np.rint(255 * read(chest).pixels).astype(np.uint8)
    Image.fromarray(255 - gray).save(tmp_path / "negative.png")
    said, turned = (
        run(str(tmp_path / "negative.png")),
        run(str(tmp_path / "negative.png"), "--invert"),
    )
    assert "looks like a negative" in said.stdout and "--invert" in said.stdout
    assert turned.returncode == 0 and "looks like a negative" not in turned.stdout


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UnreadableRadiograph):
        classify.read(tmp_path / "nothing.png")


def _held_out(model: str, **chosen: object) -> pd.DataFrame:
    table = pd.read_csv(catalogue.table_path(catalogue.get(model)), keep_default_na=False)
    for column, value in chosen.items():
        table = table[table[column] == value]
    return table


def test_held_out_films_are_read_as_the_table_says(data):
    """The stored probabilities are those of the shipped weights through the shipped pipeline."""
    for model, folder in (("bone-general", "fracatlas/images"), ("chest-pneumonia", "kermany")):
        card = catalogue.get(model)
        for _, row in _held_out(model, split="test").sample(8, random_state=1).iterrows():
            reading = classify.read(data / folder / row["image"], models=[model])
            found = predict.probabilities(card, reading.radiograph)
            for label in card.labels:
                assert found[label] == pytest.approx(row[f"p:{label}"], abs=0.02)


def test_held_out_films_of_every_part_are_routed_to_it(data):
    """Whole held-out films of a hospital, eight parts and legs: at most a few go astray."""
    table = _held_out("body-part", split="test", source="unifesp")
    films = table.groupby("truth").head(6)
    right = 0
    for _, row in films.iterrows():
        name = Path(row["image"]).name
        part = classify.read(data / "unifesp" / "images" / name).part
        right += part == (None if row["truth"] == "none of these" else row["truth"])
    assert right / len(films) >= 0.75


def test_a_film_between_two_parts_is_read_by_the_models_of_both(data, tmp_path):
    films = _held_out("body-part", source="fracatlas", framing="whole film")
    films = films[films["truth"].isin(("hand", "wrist")) & (films["p:none of these"] < 0.01)]
    close = films[films[["p:hand", "p:wrist"]].min(axis=1) > 0.45].iloc[0]
    path = data / "fracatlas" / "images" / Path(close["image"]).name
    reading = classify.read(path)
    assert {reading.part, reading.also} == {"hand", "wrist"} == set(reading.parts)
    assert {one.model for one in reading.findings} == {"bone-hand", "bone-wrist"}
    assert not any("not made for" in warning for warning in reading.warnings)
    assert {reading.as_dict()["part"], reading.as_dict()["also"]} == {"hand", "wrist"}
    (tmp_path / "film.jpg").write_bytes(path.read_bytes())
    (scored,) = score.score(Folder(tmp_path), score.plan())
    assert (scored.part, scored.also) == (reading.part, reading.also)
    assert {one.model for one in scored.findings} == {"bone-hand", "bone-wrist"}
    assert {row.also for row in results.rows(scored)} == {reading.also}


@pytest.mark.parametrize(
    ("in_file", "named", "group", "aside"),
    [
        (None, None, None, "this patient's age is not known"),
        ("40 to 64 years", None, "adult", "this is an adult's film"),
        ("1 to 5 years", None, "child", ""),
        ("40 to 64 years", "child", "child", ""),
        (None, "adult", "adult", "this is an adult's film"),
    ],
)
def test_a_model_of_children_does_not_come_first_for_others(chest, in_file, named, group, aside):
    film = replace(read(chest), age_band=in_file)
    reading = classify.read(film, age=named)
    assert (reading.age_group, reading.age_named) == (group, named is not None)
    assert aside in reading.set_aside.get("chest-pneumonia", "")
    assert set(reading.set_aside) == ({"chest-pneumonia"} if aside else set())
    told = {one["model"]: one["set_aside"] for one in reading.as_dict()["models"]}
    assert bool(told.pop("chest-pneumonia")) == bool(aside) and not any(told.values())
    assert reading.as_dict()["age_group"] == group
    assert any(one.model == "chest-pneumonia" for one in reading.findings), "its answer is kept"


def test_a_model_asked_for_by_name_answers_first_and_the_age_is_warned_of(chest):
    film = replace(read(chest), age_band="40 to 64 years")
    reading = classify.read(film, models=["chest-pneumonia"])
    assert not reading.set_aside
    assert "Pneumonia in children: it was made for children, and this is an adult's film." in (
        reading.warnings
    )


def test_an_unknown_age_group_is_refused(chest):
    with pytest.raises(classify.CannotClassify, match="child, adult"):
        classify.read(chest, age="baby")

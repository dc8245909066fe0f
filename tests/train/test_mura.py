"""MURA: its folder as published, its recipes, and figures per study, on drawn films."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from PIL import Image
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

from xray_models import BONE_PARTS
from xray_models.commands.mura import evaluate_mura, explore_mura, train_mura
from xray_models.datasets import DataSetError, exploration, mura
from xray_models.evaluate import mura_studies
from xray_models.evaluate.metrics import confusion
from xray_models.train.recipes import mura as recipes

app = typer.Typer()
app.command("train")(train_mura)
app.command("evaluate")(evaluate_mura)
app.command("explore")(explore_mura)


def run(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def draw(root: Path, split: str, patients: range, part: str, views: int = 2) -> None:
    """Studies of some patients: every other abnormal, with a bright bar at the bottom."""
    random = np.random.default_rng(patients.start)
    for patient in patients:
        abnormal = patient % 2
        sign = "positive" if abnormal else "negative"
        study = f"{split}/XR_{part.upper()}/patient{patient:05}/study1_{sign}"
        (root / study).mkdir(parents=True)
        for view in range(1, views + 1):
            pixels = random.integers(0, 90, (80, 48 + 8 * view), np.uint8)
            pixels[50:70] += 160 * abnormal
            Image.fromarray(pixels).save(root / study / f"image{view}.png")
            with (root / f"{split}_image_paths.csv").open("a") as file:
                file.write(f"MURA-v1.1/{study}/image{view}.png\n")
        with (root / f"{split}_labeled_studies.csv").open("a") as file:
            file.write(f"MURA-v1.1/{study}/,{abnormal}\n")


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A small MURA-v1.1: wrists of two views, elbows of one."""
    root = tmp_path_factory.mktemp("data") / "MURA-v1.1"
    root.mkdir()
    draw(root, "train", range(1, 41), "wrist")
    draw(root, "train", range(41, 71), "elbow", views=1)
    draw(root, "valid", range(101, 109), "wrist")
    draw(root, "valid", range(111, 115), "elbow", views=1)
    return root


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A small MURA-v1.1 with a mistake of every kind."""
    root = tmp_path / "MURA-v1.1"
    root.mkdir()
    draw(root, "train", range(1, 31), "wrist")
    draw(root, "valid", range(101, 105), "wrist")
    return root


def test_the_folder_is_read_as_published(published):
    found = mura.read(published, "valid")
    assert not found.problems and len(found.films) == 8 * 2 + 4
    film = found.films[0]
    assert film.image == "valid/XR_WRIST/patient00101/study1_positive/image1.png"
    assert film.truth == 1 and film.group == "mura-patient00101"
    assert film.facts == {
        "source": "mura",
        "part": "wrist",
        "study": "wrist/patient00101/study1_positive",
        "views": "2",
    }
    assert film.pixels().shape == (80, 56)
    assert mura.read(published.parent, "valid").films == found.films, "the folder above will do"


def test_patients_of_the_train_split_are_divided_and_the_valid_split_is_the_test(published):
    films = mura.films(published, ("wrist",))
    assert {film.facts["part"] for some in films.values() for film in some} == {"wrist"}
    groups = {split: {film.group for film in some} for split, some in films.items()}
    assert len(groups["train"] | groups["validation"]) == 40
    assert not groups["train"] & groups["validation"]
    assert groups["test"] == {f"mura-patient{number:05}" for number in range(101, 109)}


def test_a_part_without_films_is_told(published):
    with pytest.raises(DataSetError, match="no film of hand is left for train"):
        mura.films(published, ("hand",))


@pytest.mark.parametrize(
    ("table", "line", "message"),
    [
        ("train_image_paths.csv", "MURA-v1.1/train/XR_KNEE/x.png", "is not of the form"),
        (
            "train_image_paths.csv",
            "MURA-v1.1/train/XR_WRIST/patient00001/study1_positive/image1.png",
            "is listed a second time",
        ),
        (
            "train_image_paths.csv",
            "MURA-v1.1/train/XR_WRIST/patient00001/study1_positive/image9.png",
            "image9.png does not exist",
        ),
        (
            "train_image_paths.csv",
            "MURA-v1.1/train/XR_WRIST/patient00077/study1_positive/image1.png",
            "has no usable label in train_labeled_studies.csv",
        ),
        (
            "train_labeled_studies.csv",
            "MURA-v1.1/train/XR_WRIST/patient00001/study1_positive/,yes",
            "is not of the form",
        ),
        (
            "train_labeled_studies.csv",
            "MURA-v1.1/train/XR_WRIST/patient00001/study2_positive/,0",
            "the folder says positive, the label is 0",
        ),
    ],
)
def test_what_is_malformed_is_told_by_file_and_line(broken, caplog, table, line, message):
    path = broken / table
    number = len(path.read_text().splitlines()) + 1
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataSetError) as caught:
        mura.films(broken)
    assert f"{path}, line {number}: " in str(caught.value) and message in str(caught.value)
    assert "--lenient" in str(caught.value)

    with caplog.at_level(logging.WARNING):
        films = mura.films(broken, strict=False)
    assert len(films["train"]) + len(films["validation"]) == 60
    assert f"{path}, line {number}: " in caplog.text


def test_a_file_that_is_no_picture_is_left_out_or_stops(broken):
    path = broken / "train/XR_WRIST/patient00002/study1_negative/image2.png"
    path.write_bytes(b"not a picture")
    with pytest.raises(DataSetError, match=r"train_image_paths\.csv, line 4: .*cannot be read"):
        mura.films(broken)
    films = mura.films(broken, strict=False)
    study = [
        film for film in films["train"] + films["validation"] if film.group == "mura-patient00002"
    ]
    assert [film.facts["views"] for film in study] == ["1"], "views that are there"


def test_a_patient_in_both_published_splits_trains_nothing(broken):
    draw(broken, "valid", range(1, 2), "elbow")
    with pytest.raises(DataSetError, match=r"mura-patient00001 first, are in both"):
        mura.films(broken)
    films = mura.films(broken, strict=False)
    groups = {film.group for film in films["train"] + films["validation"]}
    assert "mura-patient00001" not in groups and len(groups) == 29


def test_a_folder_that_is_not_mura_is_told(tmp_path):
    with pytest.raises(DataSetError, match="Point --data at the folder MURA"):
        mura.read(tmp_path, "train")
    (tmp_path / "train_image_paths.csv").write_text("")
    with pytest.raises(DataSetError, match=r"train_labeled_studies\.csv: no such file"):
        mura.read(tmp_path, "train")


def test_the_detector_learns_parts_and_the_general_model_reads_all(published):
    body = recipes.recipe("body", "efficientnetb0", start=None)
    films = body.films(published)["train"]
    assert not body.two_class and body.labels == BONE_PARTS
    assert all(BONE_PARTS[film.truth] == film.facts["part"] for film in films)
    general = recipes.recipe("all").films(published)["train"]
    assert {film.facts["part"] for film in general} == {"elbow", "wrist"}
    assert recipes.recipe("all").input_size == (320, 320)
    # as the paper: every film once, and classes weigh the same in the loss
    weighted = recipes.recipe("all")
    assert weighted.class_weights and weighted.balance == 0


def test_recipes_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="There is no MURA model for 'knee'"):
        recipes.recipe("knee")
    with pytest.raises(ValueError, match="densenet169 or efficientnetb0, not 'vgg16'"):
        recipes.recipe("wrist", "vgg16")


def views() -> pd.DataFrame:
    """Six studies of five patients."""
    rows = [
        ("a", "p1", "abnormal", 0.9),
        ("a", "p1", "abnormal", 0.3),
        ("b", "p1", "none", 0.4),
        ("c", "p2", "abnormal", 0.2),
        ("d", "p3", "none", 0.1),
        ("d", "p3", "none", 0.7),
        ("d", "p3", "none", 0.4),
        ("e", "p4", "abnormal", 0.8),
        ("f", "p5", "none", 0.55),
    ]
    table = pd.DataFrame(rows, columns=["study", "group", "truth", "p:abnormal"])
    return table.assign(part="wrist", split="test")


def test_a_study_is_the_mean_or_the_least_of_its_views():
    mean = mura_studies.by_study(views(), ("abnormal",), "mean").set_index("study")
    assert mean["p:abnormal"].to_dict() == pytest.approx(
        {"a": 0.6, "b": 0.4, "c": 0.2, "d": 0.4, "e": 0.8, "f": 0.55}
    )
    assert mean["views"].to_dict() == {"a": 2, "b": 1, "c": 1, "d": 3, "e": 1, "f": 1}
    least = mura_studies.by_study(views(), ("abnormal",), "min").set_index("study")
    assert least.loc["a", "p:abnormal"] == 0.3 and least.loc["d", "p:abnormal"] == 0.1
    with pytest.raises(ValueError, match="Rules: mean, min"):
        mura_studies.by_study(views(), ("abnormal",), "max")
    torn = views()
    torn.loc[1, "truth"] = "none"
    with pytest.raises(ValueError, match="study a differ"):
        mura_studies.by_study(torn, ("abnormal",))


def test_figures_of_studies_are_those_worked_out_by_hand():
    table = mura_studies.by_study(views(), ("abnormal",), "mean")
    result = mura_studies.measure(table, ("abnormal",), "study", threshold=0.5, replicates=200)
    # called: a, e right; c missed; f a false alarm; b, d right
    assert result.matrix.counts.tolist() == [[2, 1], [1, 2]] and result.matrix.names == (
        "none",
        "abnormal",
    )
    values = {name: one.value for name, one in result.figures.items()}
    assert values["sensitivity"] == pytest.approx(2 / 3) == values["specificity"]
    assert values["Cohen's kappa"] == pytest.approx(1 / 3)
    assert values["AUC"] == pytest.approx(6 / 9)
    interval = result.figures["Cohen's kappa"]
    assert interval.low < interval.value < interval.high
    assert result.count == 6 and result.groups == 5
    assert "precision" in str(result) and "6 studies of 5 patients" in str(result)
    assert json.loads(json.dumps(result.as_dict()))["confusion_matrix"] == [[2, 1], [1, 2]]


def test_kappa_of_several_classes_is_that_of_scikit_learn():
    random = np.random.default_rng(4)
    truth, called = random.integers(0, 4, (2, 60))
    weights = random.integers(0, 3, (5, 60))
    expected = [cohen_kappa_score(truth, called, sample_weight=row) for row in weights]
    found = confusion.kappa(confusion.weighted_matrix(weights, truth, called, 4))
    np.testing.assert_allclose(found, expected)
    assert np.isnan(confusion.kappa(np.array([[3, 0], [0, 0]])))


def test_the_detector_is_judged_by_the_most_probable_part():
    random = np.random.default_rng(1)
    truth = np.arange(21) % 3
    values = 0.6 * np.eye(3)[truth] + 0.4 * random.dirichlet(np.ones(3), 21)
    values[0] = values[0][[1, 0, 2]]  # one mistake: the first class taken for the second
    labels = ("elbow", "hand", "wrist")
    table = pd.DataFrame(values, columns=[f"p:{label}" for label in labels])
    table = table.assign(truth=np.array(labels)[truth], group=np.arange(21).astype(str))
    result = mura_studies.measure(table, labels, "view", replicates=100)
    assert result.matrix.counts.tolist() == [[6, 1, 0], [0, 7, 0], [0, 0, 7]]
    assert result.figures["accuracy"].value == pytest.approx(20 / 21)
    assert result.threshold is None and "most probable label" in str(result)


def test_the_exploration_counts_films_studies_and_patients(published, tmp_path):
    done = run("explore", "--data", published, "--to", tmp_path / "out")
    assert done.exit_code == 0, done.output
    counts = pd.read_csv(tmp_path / "out" / "counts.csv").set_index(["split", "part"])
    wrists = counts.loc[("train", "wrist")]
    assert (wrists["films"], wrists["studies"], wrists["patients"]) == (80, 40, 40)
    assert wrists["abnormal studies"] == 20 and wrists["abnormal share"] == 0.5
    assert counts.loc[("valid", "all"), "films"] == 20
    films = exploration.describe({"valid": mura.read(published, "valid").films})
    assert exploration.views_per_study(films).loc["wrist"].to_dict() == {1: 0, 2: 8}
    size = exploration.sizes(films).set_index("part").loc["wrist"]
    assert (size["narrowest"], size["widest"], size["highest"]) == (56, 64, 80)
    assert size["upright share"] == 1
    for name in ("parts-and-labels", "views-per-study", "sizes"):
        with Image.open(tmp_path / "out" / f"{name}.png") as figure:
            low, high = figure.convert("L").getextrema()
        assert low < high, "something is drawn"


@pytest.mark.slow
@pytest.mark.network
def test_a_training_is_judged_per_study_and_per_view(published, tmp_path):
    folder = tmp_path / "run"
    small = ("--arch", "efficientnetb0", "--start", "none", "--size", 64, "--epochs", 1)
    done = run("train", "--part", "all", "--data", published, "--run", folder, *small)
    assert done.exit_code == 0, done.output
    done = run("evaluate", "--run", folder, "--data", published)
    assert done.exit_code == 0, done.output
    for words in ("Per study: 12 studies", "Per view: 20 views", "Cohen's kappa", "By part"):
        assert words in done.output
    record = json.loads((folder / "evaluation.json").read_text())
    assert record["rule"] == "mean" and record["study"]["patients"] == 12
    assert np.sum(record["view"]["confusion_matrix"]) == 20
    assert [one["part"] for one in record["study"]["parts"]] == ["elbow", "wrist"]

    table, of_views = (pd.read_csv(folder / f"{name}.csv") for name in ("studies", "views"))
    wrist = of_views["study"] == "wrist/patient00101/study1_positive"
    study = table.set_index("study").loc["wrist/patient00101/study1_positive"]
    assert study["p:abnormal"] == pytest.approx(of_views[wrist]["p:abnormal"].mean(), abs=1e-6)

    least = run("evaluate", "--run", folder, "--data", published, "--rule", "min")
    assert least.exit_code == 0 and "by the min of their views" in least.output


def test_a_start_from_a_run_that_is_not_there_is_answered_in_a_sentence(published, tmp_path):
    small = ("--arch", "efficientnetb0", "--start", "run:other", "--size", 64)
    done = run("train", "--part", "all", "--data", published, "--run", tmp_path / "run", *small)
    assert done.exit_code == 2 and "Train other first" in done.output
    assert isinstance(done.exception, SystemExit)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--part", "knee", "--data", "x"), "no MURA model for 'knee'"),
        (("train", "--part", "wrist", "--data", "nowhere", "--run", "{tmp}"), "no such file"),
        (
            ("train", "--part", "wrist", "--data", "x", "--run", "{tmp}/file/run"),
            "Not a directory",
        ),
        (("evaluate", "--run", "{tmp}", "--data", "x"), "not the record of a MURA training"),
        (("evaluate", "--run", "{tmp}", "--data", "x", "--rule", "max"), "Rules: mean, min"),
        (("evaluate", "--run", "{tmp}", "--data", "x", "--threshold", "2"), "between 0 and 1"),
        (("explore", "--data", "nowhere"), "Point --data at the folder"),
    ],
)
def test_wrong_requests_are_answered_in_a_sentence(arguments, message, tmp_path):
    (tmp_path / "file").touch()
    done = run(*(one.replace("{tmp}", str(tmp_path)) for one in arguments))
    assert done.exit_code == 2 and message in done.output
    assert isinstance(done.exception, SystemExit)

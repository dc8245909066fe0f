"""`localize` and `benchmark` from the command line, on drawn films."""

import json

import pytest
import typer
from drawing import ramp
from PIL import Image
from typer.testing import CliRunner

from xray_models import catalogue
from xray_models.commands import benchmark
from xray_models.commands import localize as localize_command
from xray_models.commands.localize import localize
from xray_models.explain.box_files import parse

app = typer.Typer()
app.command("localize")(localize)
app.command("localisation")(benchmark.localisation)
app.command("faithfulness")(benchmark.faithfulness)


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def folder(tmp_path):
    """Two drawn films, one with a space in its name, and a file that is no film."""
    for name in ("a film.png", "b.png"):
        Image.fromarray(ramp(60, 80).astype("uint8")).save(tmp_path / name)
    (tmp_path / "c.png").write_bytes(b"no picture")
    return tmp_path


def listed(folder, *lines):
    path = folder / "list.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_boxes_of_named_findings_are_written_as_text_and_gone_on_with(folder):
    out = folder / "boxes.txt"
    films = listed(folder, "a film.png fracture", "", "b.png none")
    ask = ("localize", films, folder, "--out", out, "--model", "bone-general")
    done = run(*ask)
    assert done.exit_code == 0, done.output
    first, second = parse(out.read_text())
    assert (first.image, second.image) == ("a film.png", "b.png")
    assert first.boxes and not second.boxes
    for box in first.boxes:
        assert box.label == "fracture"
        x0, y0, x1, y1 = box.corners
        assert 0 <= x0 < x1 <= 80 and 0 <= y0 < y1 <= 60
    # a run that was stopped after the first film
    whole = out.read_text()
    out.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    assert run(*ask, "--resume").exit_code == 0
    assert out.read_text() == whole


def test_labels_may_stand_apart_from_the_bar_between_them(folder):
    """Every finding of the catalogue is a label that a list may name."""
    out = folder / "boxes.txt"
    films = listed(folder, "b.png Mass |  Fracture |", "a film.png none")
    listed_labels = localize_command._read_list(films, folder)[0].labels
    assert listed_labels == ("Mass", "Fracture")
    done = run("localize", films, folder, "--out", out)
    assert done.exit_code == 0, done.output
    first, second = parse(out.read_text())
    assert {box.label for box in first.boxes} <= {"Mass", "fracture"} and not second.boxes


def test_boxes_as_coco_know_the_films(folder):
    out = folder / "boxes.json"
    done = run("localize", listed(folder, "b.png fracture"), folder, "--out", out,
               "--model", "bone-general", "--rule", "area:0.1", "--format", "coco")  # fmt: skip
    assert done.exit_code == 0, done.output
    content = json.loads(out.read_text())
    assert content["images"] == [{"id": 1, "file_name": "b.png", "width": 80, "height": 60}]
    assert {one["category_id"] for one in content["annotations"]} == {1}
    by = catalogue.get("bone-general").explanation.name
    assert f"bone-general, {by}, area:0.1" in content["info"]["description"]


def test_a_film_that_cannot_be_read_is_told_and_the_others_go_on(folder):
    out = folder / "boxes.txt"
    films = listed(folder, "c.png fracture", "b.png none")
    done = run("localize", films, folder, "--out", out, "--model", "bone-general")
    assert done.exit_code == 1
    assert "c.png: This is not a picture" in done.output
    assert out.read_text() == "b.png 0\n"


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (["z.png"], [], "line 1"),
        (["b.png"], ["--model", "resnet"], "no model 'resnet'"),
        (["b.png"], ["--rule", "median"], "no box rule 'median'"),
        (["b.png gout"], ["--model", "bone-general"], "knows no finding 'gout'"),
        (["b.png Mass"], ["--model", "bone-general"], "knows no finding 'Mass'"),
        (["b.png gout"], [], "no model knows the finding 'gout'"),
        (["b.png fracture | gout"], [], "no model knows the finding 'gout'"),
        (["b.png fracture"], ["--model", "bone-general", "--method", "magic"], "magic"),
    ],
)
def test_wrong_requests_are_answered_in_a_sentence(folder, lines, options, message):
    done = run("localize", listed(folder, *lines), folder, "--out", folder / "x.txt", *options)
    assert done.exit_code == 2
    assert message in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_a_missing_list_or_folder_is_named(folder):
    done = run("localize", folder / "no.txt", folder, "--out", folder / "x.txt")
    assert done.exit_code == 2 and "No such file" in done.output
    done = run("localize", listed(folder, "b.png"), folder / "no", "--out", folder / "x.txt")
    assert done.exit_code == 2 and "no such folder" in done.output


@pytest.mark.parametrize("command", ["localisation", "faithfulness"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "resnet"], "no model 'resnet'"),
        (["--model", "bone-general"], "no such file"),
    ],
)
def test_a_benchmark_says_what_it_lacks(tmp_path, command, options, message):
    done = run(command, "--data", tmp_path, *options)
    assert done.exit_code == 2
    assert message in done.output.replace("\n", "")


def test_a_benchmark_of_real_films_stores_its_figures(data, tmp_path, monkeypatch):
    from xray_models.catalogue import assets, refresh
    from xray_models.evaluate import method_table

    for name in ("models", "held_out", "weights"):
        (tmp_path / name).symlink_to(assets() / name)
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    refresh()
    ask = ("--data", data, "--model", "bone-general", "--method", "cam")
    done = run("localisation", *ask, "--limit", 20)
    assert done.exit_code == 0, done.output
    assert "accuracy at T(IoU) (95 % interval) / false boxes a film" in done.output
    table = method_table.load("bone-general", "localisation")
    assert {"cam", "random", "center", "mean box", "usual place"} == set(table["method"])
    assert not table["seen"].any() and table["value"].between(0, 20).all()
    done = run("faithfulness", *ask, "--limit", 2)
    assert done.exit_code == 0, done.output
    table = method_table.load("bone-general", "faithfulness")
    assert {"cam", "random", "center"} == set(table["method"]) and table["value"].notna().all()
    assert table.query("method == 'cam' and measure == 'stability'")["gain"].isna().all()

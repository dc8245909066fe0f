"""`localize` and `measure` from the command line, on drawn films and on two real ones."""

import json
import shutil

import pytest
import typer
from drawing import ramp
from PIL import Image
from typer.testing import CliRunner

from xray_models import catalogue
from xray_models.commands import localize as localize_command
from xray_models.commands import measure
from xray_models.commands.localize import localize
from xray_models.explain import MethodSpec
from xray_models.explain.box_files import parse

pytestmark = pytest.mark.network

app = typer.Typer()
app.command("localize")(localize)
app.command("localization")(measure.localization)
app.command("faithfulness")(measure.faithfulness)


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


@pytest.fixture
def real(folder, chest, lower_leg):
    """The folder with a chest, and with a leg that the detector abstains from."""
    shutil.copy(chest, folder / "chest.dcm")
    shutil.copy(lower_leg, folder / "leg.dcm")
    return folder


def test_labels_may_stand_apart_from_the_bar_between_them(real):
    """Every finding of the catalogue is a label that a list may name."""
    out = real / "boxes.txt"
    films = listed(real, "chest.dcm Mass |  Effusion |", "a film.png none")
    first, second = localize_command._read_list(films, real)
    assert (first.labels, first.line) == (("Mass", "Effusion"), 1)
    assert (second.image, second.labels, second.line) == ("a film.png", ("none",), 2)
    done = run("localize", films, real, "--out", out)
    assert done.exit_code == 0, done.output
    first, second = parse(out.read_text())
    assert {box.label for box in first.boxes} == {"Mass", "Effusion"} and not second.boxes


def test_a_label_that_nobody_boxed_is_told_with_the_reason_and_ends_with_1(real):
    out = real / "boxes.txt"
    films = listed(
        real,
        "leg.dcm fracture",
        "chest.dcm fracture",
        "leg.dcm",
        "chest.dcm Mass|fracture",
        "chest.dcm viral pneumonia",
    )
    done = run("localize", films, real, "--out", out)
    assert done.exit_code == 1
    leg, chest, silent, both, aged = (
        line for line in done.stderr.splitlines() if "list.txt, " in line
    )
    assert leg.startswith("list.txt, line 1, leg.dcm: 'fracture' is not boxed: the body-part")
    assert "does not recognize the film" in leg and "bone-general" in leg and "--model" in leg
    assert chest.startswith("list.txt, line 2, chest.dcm: 'fracture' is not boxed: none of the")
    assert "for the chest knows it (chest-14," in chest and "If this is no chest" in chest
    assert silent.startswith("list.txt, line 3, leg.dcm: nothing is boxed: the body-part")
    assert both.startswith("list.txt, line 4, chest.dcm: 'fracture' is not boxed")
    assert "chest-pneumonia: It was made for children, and this patient's age is not known." in aged
    assert aged.endswith("Say --age, or name the model with --model.")
    assert "5 films were not boxed as asked for" in done.stderr
    (written,) = parse(out.read_text())  # "leg.dcm 0" would say that somebody looked
    assert written.image == "chest.dcm" and {box.label for box in written.boxes} == {"Mass"}


def test_a_film_that_was_left_out_is_made_up_for_with_another_model(real):
    out = real / "boxes.txt"
    films = listed(real, "leg.dcm fracture", "b.png none")
    assert run("localize", films, real, "--out", out).exit_code == 1
    assert out.read_text() == "b.png 0\n"
    ask = ("--resume", "--model", "bone-general", "--rule", "area:0.1")
    done = run("localize", films, real, "--out", out, *ask)
    assert done.exit_code == 0, done.output
    assert [(film.image, bool(film.boxes)) for film in parse(out.read_text())] == [
        ("b.png", False),
        ("leg.dcm", True),
    ]


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("text", ["--rule", "area"], "How much of a film 'nodule' usually takes is not known"),
        ("json", ["--method", "cam"], "CAM needs a linear head"),
        ("coco", ["--method", "layercam@block6a_expand_activation"], "There is no layer 'block6a"),
    ],
)
def test_one_model_that_does_not_fit_keeps_nothing_else_from_being_boxed(
    real, kind, options, reason
):
    """All three fit chest-14 and not chest-nodule."""
    out = real / "boxes.out"
    films = listed(real, "chest.dcm nodule|Effusion", "b.png none", "leg.dcm none")
    done = run("localize", films, real, "--out", out, *options, "--format", kind)
    assert done.exit_code == 1
    (message,) = (line for line in done.stderr.splitlines() if "list.txt, " in line)
    place = "list.txt, line 1, chest.dcm: 'nodule' is not boxed by chest-nodule: "
    assert message.startswith(place + reason)
    assert "1 film was not boxed as asked for" in done.stderr
    content = out.read_text()
    for image in ("chest.dcm", "b.png", "leg.dcm"):
        assert image in content
    assert "Effusion" in content, "of chest-14"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "cam"], "cam cannot be asked of chest-nodule: CAM needs a linear head"),
        (["--method", "layercam@nowhere"], "layercam cannot be asked of chest-nodule: There is no"),
        (["--rule", "area"], "is not known for chest-nodule"),
    ],
)
def test_what_cannot_fit_a_named_model_is_told_before_any_film(real, options, message):
    out = real / "boxes.txt"
    out.write_text("what was there")
    films = listed(real, "chest.dcm nodule", "b.png none")
    done = run("localize", films, real, "--out", out, "--model", "chest-nodule", *options)
    assert done.exit_code == 2
    assert message in done.output
    assert out.read_text() == "what was there"


def test_results_that_have_nowhere_to_go_are_told_before_any_film(folder):
    out = folder / "no" / "boxes.json"
    done = run("localize", listed(folder, "c.png fracture"), folder, "--out", out)
    assert done.exit_code == 2
    assert "there is no such folder" in done.output and "c.png" not in done.output


def test_boxes_as_coco_know_the_films(folder):
    out = folder / "boxes.json"
    done = run("localize", listed(folder, "b.png fracture"), folder, "--out", out,
               "--model", "bone-general", "--rule", "area:0.1", "--format", "coco")  # fmt: skip
    assert done.exit_code == 0, done.output
    content = json.loads(out.read_text())
    assert content["images"] == [{"id": 1, "file_name": "b.png", "width": 80, "height": 60}]
    assert {one["category_id"] for one in content["annotations"]} == {1}
    by = MethodSpec.of_card(catalogue.get("bone-general")).name
    assert f"bone-general, {by}, area:0.1" in content["info"]["description"]


def test_a_film_that_cannot_be_read_is_told_and_the_others_go_on(folder):
    out = folder / "boxes.txt"
    films = listed(folder, "c.png fracture", "b.png none")
    done = run("localize", films, folder, "--out", out, "--model", "bone-general")
    assert done.exit_code == 1
    assert "list.txt, line 1, c.png: This is not a picture" in done.stderr
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


def test_a_film_in_place_of_a_list_is_told(folder):
    done = run("localize", folder / "b.png", folder, "--out", folder / "boxes.txt")
    assert done.exit_code == 2
    assert "is no UTF-8 text" in done.output and "explain" in done.output


def test_a_missing_list_or_folder_is_named(folder):
    done = run("localize", folder / "no.txt", folder, "--out", folder / "x.txt")
    assert done.exit_code == 2 and "No such file" in done.output
    done = run("localize", listed(folder, "b.png"), folder / "no", "--out", folder / "x.txt")
    assert done.exit_code == 2 and "no such folder" in done.output


@pytest.mark.parametrize("command", ["localization", "faithfulness"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "resnet"], "no model 'resnet'"),
        (["--model", "bone-general"], "no such file"),
    ],
)
def test_measure_says_what_it_lacks(tmp_path, command, options, message):
    done = run(command, "--data", tmp_path, *options)
    assert done.exit_code == 2
    assert message in done.output.replace("\n", "")


def test_measure_of_real_films_stores_its_figures(data, tmp_path, monkeypatch):
    from xray_models.catalogue import assets, refresh
    from xray_models.evaluate.explanations import results_table

    for name in ("models", "held_out", "weights"):
        (tmp_path / name).symlink_to(assets() / name)
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    refresh()
    ask = ("--data", data, "--model", "bone-general", "--method", "cam")
    done = run("localization", *ask, "--limit", 20)
    assert done.exit_code == 0, done.output
    assert "accuracy at T(IoU) (95 % interval) / false boxes a film" in done.output
    table = results_table.load("bone-general", "localization")
    assert {"cam", "random", "center", "mean box", "usual place"} == set(table["method"])
    assert not table["seen"].any() and table["value"].between(0, 20).all()
    done = run("faithfulness", *ask, "--limit", 2)
    assert done.exit_code == 0, done.output
    table = results_table.load("bone-general", "faithfulness")
    assert {"cam", "random", "center"} == set(table["method"]) and table["value"].notna().all()
    assert table.query("method == 'cam' and measure == 'stability'")["gain"].isna().all()

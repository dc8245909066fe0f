"""`python -m xray_models explain`: a picture, lists, and sentences for what cannot be done."""

import json

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from xray_models import catalogue
from xray_models import explain as explaining
from xray_models.commands.explain import explain

pytestmark = pytest.mark.network

MODEL = "body-part"
GRID = [side // 32 for side in catalogue.get(MODEL).input_size]


@pytest.fixture(scope="module")
def run():
    app = typer.Typer()
    app.command()(explain)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_a_film_becomes_a_picture_with_heat(run, lower_leg, tmp_path):
    out = tmp_path / "overlay.png"
    asked = (lower_leg, "--model", MODEL, "--label", "hand", "--against", "elbow", "--out", out)
    done = run(*asked, "--method", "layercam", "--json")
    assert done.exit_code == 0, done.output
    message = json.loads(done.stdout.splitlines()[-1])
    assert message["method"] == "layercam" and message["grid"] == GRID
    picture = Image.open(out)
    assert picture.format == "PNG" and picture.mode == "RGB"
    colored = sum(red != blue for red, _, blue in picture.resize((64, 64)).get_flattened_data())
    assert 20 < colored < 64 * 64, "heat on some of the film, not on all of it"


def test_several_layers_are_fused_as_asked(run, lower_leg, tmp_path):
    layers = ("--layer", "block4a_expand_activation", "--layer", "top_activation")
    pictures = {}
    for fusion in ("mean", "max"):
        out = tmp_path / f"{fusion}.png"
        asked = (lower_leg, "--model", MODEL, "--label", "hand", *layers, "--out", out)
        done = run(*asked, "--method", "layercam", "--fusion", fusion)
        assert done.exit_code == 0, done.output
        pictures[fusion] = out.read_bytes()
    assert pictures["mean"] != pictures["max"]


def test_a_combined_finding_is_set_against_another_label(run, chest, tmp_path):
    """The whole against a label, and a label against the whole, as on the page."""
    card = catalogue.get("chest-pneumonia")
    pictures = []
    for label, against in (("pneumonia", "normal"), ("normal", "pneumonia")):
        assert "pneumonia" in card.combined and "normal" in card.labels
        out = tmp_path / f"{label}.png"
        asked = (chest, "--model", card.id, "--label", label, "--against", against)
        done = run(*asked, "--out", out)
        assert done.exit_code == 0, done.output
        pictures.append(out.read_bytes())
    assert pictures[0] != pictures[1]


def test_methods_and_layers_are_listed(run):
    lines = run("--model", MODEL, "--methods").stdout.splitlines()
    assert any(line.startswith("score-cam") and "--set top=0" in line for line in lines)
    assert any("--set masks=1000, cells=7, keep=0.5" in line for line in lines)
    assert [line.split()[0] for line in lines] == list(explaining.METHODS)
    assert "no further pass" in lines[1] and "does not fit" in "".join(lines)
    layers = [
        json.loads(line) for line in run("--model", MODEL, "--layers", "--json").stdout.splitlines()
    ]
    assert [one["layer"] for one in layers if one["default"]] == [layers[-1]["layer"]]
    assert layers[-1]["grid"][:2] == GRID


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Name a model"),
        (("--model", "nobody"), "no model 'nobody'"),
        (("--model", MODEL), "Name a film"),
        (("nowhere.png", "--model", MODEL), "no such file"),
        (("FILM", "--model", MODEL, "--label", "gout"), "no label 'gout'"),
        (("FILM", "--model", MODEL, "--method", "gradcam"), "no method 'gradcam'"),
        (("FILM", "--model", MODEL, "--layer", "attic"), "no layer 'attic'"),
        (
            (
                "FILM",
                "--model",
                MODEL,
                "--layer",
                "block4a_expand_activation",
                "--layer",
                "top_activation",
                "--fusion",
                "sum",
            ),
            "no fusion 'sum'",
        ),
        (("FILM", "--model", MODEL, "--label", "hand", "--against", "hand"), "against itself"),
        (("FILM", "--model", MODEL, "--label", "hand", "--against", "gout"), "no label 'gout'"),
        (("FILM", "--model", MODEL, "--set", "masks"), "a name and a number"),
        (("FILM", "--model", MODEL, "--set", "masks=9"), "no option 'masks'"),
        (("FILM", "--model", MODEL, "--set", "layers=9"), "no option 'layers'"),
        (("FILM", "--model", MODEL, "--method", "guided-backprop"), "ReLU"),
        (("FILM", "--model", MODEL, "--out", "heat.txt"), "must end in .png"),
        (("FILM", "--model", MODEL, "--out", "no/such/folder/heat.png"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(run, lower_leg, words, sentence):
    done = run(*[lower_leg if word == "FILM" else word for word in words])
    assert done.exit_code == 2
    assert sentence in done.stderr.replace("\n", " ")

"""The command line of the package."""

import json
import re

import pytest
from typer.testing import CliRunner

from xray_models.catalogue import catalogue
from xray_models.cli import app

MODELS = sorted(catalogue())


def run(*arguments: str, **environment: str):
    return CliRunner().invoke(app, list(arguments), env=environment or None)


def test_the_list_names_every_model():
    done = run("list")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == MODELS
    assert "chest-22" in done.stderr and "weights are not here" in done.stderr


def test_the_list_is_a_table_with_columns_apart():
    for line in run("list").stdout.splitlines():
        model, architecture, name = re.split(r"  +", line)
        card = catalogue()[model]
        assert architecture == card.architecture
        assert name.startswith(f"{card.name} (")
        assert line.index(f"  {architecture}  ") == max(map(len, MODELS))


def test_the_list_as_json_is_one_card_a_line():
    cards = [json.loads(line) for line in run("list", "--json").output.splitlines()]
    assert [card["id"] for card in cards] == MODELS
    for card in cards:
        assert card["weights"]["sha256"] == catalogue()[card["id"]].weights.sha256
        assert card["held_out"]["figures"]


@pytest.mark.parametrize("model", MODELS)
def test_a_report_reprints_the_figures_of_the_card(model):
    done = run("report", model)
    assert done.exit_code == 0
    assert "The card quotes the same figures." in done.output
    for name, figure in catalogue()[model].held_out.figures.items():
        line = next(row for row in done.output.splitlines() if row.startswith(f"{name}  "))
        assert f"{figure.value:.3f}" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("report",), "Name one model"),
        (("report", "bone-general", "--all"), "Name one model"),
        (("report", "bone-general", "--readme"), "give --all with it"),
        (("report", "resnet"), "no model 'resnet'"),
        (("train", "resnet", "--data", "x"), "No such command 'resnet'"),
        (("publish", "bone-general", "--data", "nowhere"), "no such file"),
    ],
)
def test_wrong_requests_are_answered_in_a_sentence(arguments, message):
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_a_broken_catalogue_is_told_by_file(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "x.json").write_text("{")
    done = run("list", RADLENS_ASSETS=str(tmp_path))
    assert done.exit_code == 2
    assert "x.json" in done.output


def test_training_without_its_data_says_what_is_missing(tmp_path):
    done = run("train", "bone-general", "--data", str(tmp_path), "--run", str(tmp_path / "run"))
    assert done.exit_code == 2
    assert "fracture_boxes.csv: no such file" in done.output.replace("\n", "")

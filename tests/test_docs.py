"""The examples of docs/formats.md read as the product reads such files; the page of cards."""

import dataclasses
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from xray_models.batch import truth
from xray_models.batch.results import COLUMNS
from xray_models.catalogue import shipped
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.truth_columns import TruthColumns
from xray_models.explain import box_files
from xray_models.pipeline import Finding

ROOT = Path(__file__).resolve().parents[1]
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


def example(title: str) -> str:
    (block,) = re.findall(rf'^```\w+ title="{title}"\n(.*?)^```', FORMATS, flags=re.S | re.M)
    return block


@pytest.mark.parametrize("title", ["truth of names", "truth of ones and zeros"])
def test_both_shapes_of_a_truth_say_the_same(title: str) -> None:
    table = csv_import.read(example(title).encode())
    files = ["a.png", "b.png"]
    matched = truth.match(table, files)
    where = truth.proposal(["Effusion", "Mass"], TruthColumns(table.drop(columns=matched.column)))
    assert sorted(where) == ["Effusion", "Mass"]
    for column in where.values():
        settled = truth.settled(table, matched, where)
        assert list(truth.known_truth(settled, matched, column, files)) == [1, 0]


def test_the_predictions_are_guessed_as_the_text_says() -> None:
    table = csv_import.read(example("predictions").encode())
    found = csv_import.as_predictions(table, csv_import.guess(table), "ours")
    assert found.labels == ("fracture",)
    assert np.array_equal(found.truth[:, 0], [1, 0, 0, 1])
    assert "view" in found.subgroups


def test_the_boxes_are_those_of_the_text_format() -> None:
    content = example("boxes")
    films = box_files.parse(content)
    assert [len(film.boxes) for film in films] == [2]
    assert box_files.text(films) == content


def test_every_column_and_field_is_described() -> None:
    names = set(re.findall(r"`(\w+)`", FORMATS))
    assert set(COLUMNS) <= names
    assert {field.name for field in dataclasses.fields(Finding)} <= names


def test_each_card_has_its_section_with_limits() -> None:
    pytest.importorskip("mkdocs_gen_files", reason="make docs installs it")
    made = runpy.run_path(str(ROOT / "tools" / "docs_catalogue.py"), run_name="cards")
    cards = list(shipped().values())
    text = made["catalogue_page"](cards)
    for card in cards:
        assert f"{{#{card.id}}}" in text
        assert all(f"- {limit}" in text for limit in card.limits)

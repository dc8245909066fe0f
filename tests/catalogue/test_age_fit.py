"""Whom a model was made for."""

import json
from dataclasses import replace

import pytest

from xray_models import catalogue
from xray_models.catalogue import CatalogueError, misfit
from xray_models.catalogue.schema import read_card

CHILDREN = catalogue.get("chest-pneumonia")


def test_the_model_of_children_is_the_one_that_says_so():
    assert {one.id for one in catalogue.catalogue().values() if one.ages != "all"} == {CHILDREN.id}
    assert CHILDREN.ages == "children"


@pytest.mark.parametrize("group", [None, "child", "adult"])
def test_a_model_for_all_fits_everybody(group):
    assert misfit(catalogue.get("chest-14"), group) == ""


def test_a_model_of_children_fits_children_alone():
    assert misfit(CHILDREN, "child") == ""
    assert misfit(CHILDREN, "adult") == "It was made for children, and this is an adult's film."
    unknown = "It was made for children, and this patient's age is not known."
    assert misfit(CHILDREN, None) == unknown


def test_a_model_of_adults_fits_adults_alone():
    adults = replace(CHILDREN, ages="adults")
    assert misfit(adults, "adult") == ""
    assert misfit(adults, "child") == "It was made for adults, and this is a child's film."


def test_a_card_with_another_word_is_refused(tmp_path):
    raw = json.loads((catalogue.assets() / "models" / "chest-pneumonia.json").read_text())
    path = tmp_path / "chest-pneumonia.json"
    path.write_text(json.dumps(raw | {"ages": "toddlers"}))
    with pytest.raises(CatalogueError, match="ages is 'toddlers'; known are all, children, adults"):
        read_card(path)

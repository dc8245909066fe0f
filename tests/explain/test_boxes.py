"""Boxes from drawn heat, and their files."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_models.explain import boxes
from xray_models.explain.box_files import BoxFileError, FilmBoxes, as_coco, as_json, parse, text
from xray_models.explain.boxes import Box, Rule, from_heat, parse_rule, threshold


def two_spots() -> np.ndarray:
    """A strong spot of 4 x 6 pixels and a weaker one of 2 x 2, over faint heat."""
    heat = np.full((40, 60), 0.01, np.float32)
    heat[10:14, 20:26] = 1.0
    heat[30:32, 50:52] = 0.6
    return heat


def corners(found):
    return [box.corners for box in found]


def test_boxes_hug_the_hot_spots_the_heavier_first():
    strong, weak = from_heat(two_spots(), "Mass", Rule("fraction", 0.5), least_mass=0.0)
    assert strong.corners == (20, 10, 26, 14)
    assert weak.corners == (50, 30, 52, 32)
    assert (strong.label, strong.score) == ("Mass", 1.0)
    assert weak.score == pytest.approx(0.6)
    total = 24 + 4 * 0.6 + (2400 - 28) * 0.01
    assert strong.mass == pytest.approx(24 / total, rel=1e-4)
    assert weak.mass == pytest.approx(2.4 / total, rel=1e-4)


def test_a_higher_fraction_leaves_the_weaker_spot_out():
    assert corners(from_heat(two_spots(), "x", Rule("fraction", 0.7))) == [(20, 10, 26, 14)]


def test_no_more_boxes_than_asked_for_and_none_for_a_speck():
    assert len(from_heat(two_spots(), "x", most=1, least_mass=0.0)) == 1
    assert len(from_heat(two_spots(), "x", least_mass=0.1)) == 1


def test_a_peak_over_wide_heat_gets_its_box_and_specks_beside_it_do_not():
    heat = np.full((40, 40), 0.2, np.float32)
    heat[10:13, 10:13] = 1.0  # 3 % of all heat
    heat[30, 30] = 0.9
    found = from_heat(heat, "Mass", Rule("fraction", 0.8), least_mass=0.2)
    assert [box.corners for box in found] == [(10, 10, 13, 13)]
    assert found[0].mass is not None and found[0].mass < 0.05


def test_boxes_are_in_pixels_of_the_film_when_the_map_is_smaller():
    found = from_heat(two_spots(), "x", Rule("fraction", 0.7), size=(400, 1200))
    assert corners(found) == [(400, 100, 520, 140)]


def test_spots_that_touch_at_a_corner_are_one():
    heat = np.zeros((8, 8), np.float32)
    heat[1:3, 1:3] = heat[3:5, 3:5] = 1
    assert corners(from_heat(heat, "x")) == [(1, 1, 5, 5)]


def test_otsu_cuts_between_two_levels_of_heat():
    heat = np.full((10, 10), 0.2, np.float32)
    heat[:5] = 0.8
    assert 0.2 < threshold(heat, Rule("otsu", None)) < 0.8
    assert corners(from_heat(heat, "x", Rule("otsu", None))) == [(0, 0, 10, 5)]


def test_the_area_rule_keeps_that_share_of_the_film():
    heat = np.linspace(0, 1, 1000, dtype=np.float32).reshape(20, 50)
    hot = heat >= threshold(heat, Rule("area", 0.1))
    assert hot.sum() == 100
    with pytest.raises(ValueError, match="needs a share"):
        threshold(heat, Rule("area", None))
    assert Rule("area", None).with_area(0.2) == Rule("area", 0.2)
    assert Rule("area", 0.1).with_area(0.2) == Rule("area", 0.1)


@pytest.mark.parametrize("rule", [Rule("fraction", 0.5), Rule("otsu", None), Rule("area", 0.1)])
def test_an_empty_map_has_no_box(rule):
    assert from_heat(np.zeros((5, 7), np.float32), "x", rule) == ()


@pytest.mark.parametrize("rule", [Rule("fraction", 0.5), Rule("otsu", None), Rule("area", 0.5)])
def test_one_hot_pixel_is_a_box_of_one_pixel(rule):
    heat = np.zeros((5, 7), np.float32)
    heat[3, 2] = 0.4
    assert corners(from_heat(heat, "x", rule)) == [(2, 3, 3, 4)]


def test_constant_heat_is_the_whole_film_or_by_otsu_nothing():
    heat = np.full((4, 6), 0.3, np.float32)
    assert corners(from_heat(heat, "x")) == [(0, 0, 6, 4)]
    assert from_heat(heat, "x", Rule("otsu", None)) == ()


@pytest.mark.parametrize("bad", [np.zeros(4), np.array([[np.nan]]), np.array([[-1.0]])])
def test_what_is_no_map_is_refused(bad):
    with pytest.raises(ValueError, match="finite heat"):
        from_heat(bad, "x")


def test_rules_are_written_as_text():
    assert parse_rule("fraction") == Rule("fraction", 0.5)
    assert parse_rule("fraction:0.25") == Rule("fraction", 0.25)
    assert parse_rule("otsu") == Rule("otsu", None)
    assert parse_rule("area") == Rule("area", None)
    for written in ("fraction:0.25", "otsu", "area", "area:0.1"):
        assert str(parse_rule(written)) == written


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("median", "no box rule 'median'"),
        ("fraction:half", "no number after the colon"),
        ("fraction:0", "above 0 and at most 1"),
        ("area:nan", "above 0 and at most 1"),
        ("otsu:0.5", "takes no number"),
    ],
)
def test_a_wrong_rule_is_refused_in_a_sentence(written, message):
    with pytest.raises(ValueError, match=message):
        parse_rule(written)


def test_corners_of_no_box_have_four_columns():
    assert boxes.array(()).shape == (0, 4)


FILMS = [
    FilmBoxes(
        "a film.png",
        (Box("bacterial pneumonia", 10, 20.25, 30, 40, 0.9, 0.5), Box("Mass", 0, 0, 5, 5.5)),
        width=100,
        height=80,
    ),
    FilmBoxes("b.png", (), width=10, height=10),
]


def test_the_text_format_is_a_line_per_film_and_per_box():
    assert text(FILMS) == (
        "a film.png 2\nbacterial pneumonia 10.0 20.2 30.0 40.0\nMass 0.0 0.0 5.0 5.5\nb.png 0\n"
    )


_name = st.text("abcXYZ019 _-./|", min_size=1).map(str.strip).filter(bool)
_corner = st.integers(0, 40_000).map(lambda tenths: tenths / 10)
_side = st.integers(1, 40_000).map(lambda tenths: tenths / 10)
_box = st.builds(Box, _name, _corner, _corner, _side, _side)
_film = st.builds(FilmBoxes, _name, st.lists(_box, max_size=4).map(tuple))


@given(st.lists(_film, max_size=4))
def test_text_comes_back_as_it_went(films):
    assert parse(text(films)) == films


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a.png\n", "line 1: expected '\\[image\\]"),
        ("a.png two\n", "line 1: expected '\\[image\\]"),
        ("a.png 2\nMass 1 2 3 4\n", "line 1: announces 2 boxes"),
        ("a.png 1\n\nMass 1 2 3\n", "line 3: expected '\\[disease\\]"),
        ("a.png 1\nMass 1 2 3 x\n", "line 2: expected '\\[disease\\]"),
        ("a.png 1\nMass 1 2 0 4\n", "line 2: width and height"),
    ],
)
def test_a_malformed_text_names_its_line(content, message):
    with pytest.raises(BoxFileError, match=message):
        parse(content)


def test_json_holds_score_and_mass():
    content = json.loads(as_json(FILMS, "model m"))
    assert "not for diagnosis" in content["purpose"] and content["made_by"] == "model m"
    first, second = content["films"]
    assert first["boxes"][0]["mass"] == 0.5 and first["boxes"][1]["mass"] is None
    assert (first["width"], first["height"]) == (100, 80) and second["boxes"] == []


def test_coco_joins_films_boxes_and_labels_by_number():
    content = json.loads(as_coco(FILMS))
    names = {one["id"]: one["name"] for one in content["categories"]}
    files = {one["id"]: one["file_name"] for one in content["images"]}
    assert sorted(names.values()) == ["Mass", "bacterial pneumonia"]
    first = content["annotations"][0]
    assert first["bbox"] == [10, 20.25, 30, 40] and first["area"] == 1200
    assert names[first["category_id"]] == "bacterial pneumonia"
    assert files[first["image_id"]] == "a film.png"
    assert len({one["id"] for one in content["annotations"]}) == 2
    with pytest.raises(ValueError, match="size of each film"):
        as_coco([FilmBoxes("c.png", ())])

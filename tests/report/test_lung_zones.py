"""Words for places in the lungs, on lungs that are drawn as boxes."""

import numpy as np
import pytest

from xray_models.inference.lungs import LEFT, RIGHT, Lungs
from xray_models.radiograph.preprocess import Placement
from xray_models.report import heatmap_text, lung_zones

ROWS = {"upper": slice(10, 30), "middle": slice(30, 50), "lower": slice(50, 70)}
COLUMNS = {"right": slice(15, 40), "left": slice(60, 85)}
"""Of the picture: the patient's right lung lies on its left."""


def drawn() -> np.ndarray:
    kinds = np.zeros((80, 100), np.uint8)
    kinds[10:70, COLUMNS["right"]] = RIGHT
    kinds[10:70, COLUMNS["left"]] = LEFT
    return kinds


def found() -> Lungs:
    """As the network would give them, on an input of the film's own size."""
    probability = np.eye(3, dtype=np.float32)[drawn()]
    return Lungs(probability, Placement(0, 0, 1.0, 1.0, width=100, height=80))


def heat(*places: tuple[slice, slice], level: float = 1.0) -> np.ndarray:
    map_ = np.zeros((80, 100), np.float32)
    for rows, columns in places:
        map_[rows, columns] = level
    return map_


@pytest.mark.parametrize("zone", ROWS)
@pytest.mark.parametrize("side", COLUMNS)
def test_heat_in_one_zone_is_named_by_the_patients_side(side, zone):
    spot = heat((ROWS[zone], COLUMNS[side]))
    assert lung_zones.places(spot, drawn()) == [f"{side} {zone} zone"]


def test_zones_are_named_from_most_heat_and_whole_lungs_as_such():
    two = heat((ROWS["lower"], COLUMNS["left"])) + heat(
        (ROWS["upper"], COLUMNS["right"]), level=0.7
    )
    assert lung_zones.places(two, drawn()) == ["left lower zone", "right upper zone"]
    assert lung_zones.places((drawn() == RIGHT) * 1.0, drawn()) == ["right lung"]
    assert lung_zones.places((drawn() > 0) * 1.0, drawn()) == ["both lungs"]
    assert lung_zones.places(heat((ROWS["upper"], slice(44, 56))), drawn()) == []


def test_shares_of_heat_and_of_lungs():
    half_out = heat((ROWS["middle"], slice(40, 50)), (ROWS["middle"], slice(30, 40)))
    assert lung_zones.inside(half_out, drawn()) == pytest.approx(0.5)
    assert lung_zones.inside(np.zeros((80, 100)), drawn()) == 0.0
    near = heat((ROWS["middle"], slice(40, 42)))
    assert lung_zones.inside(near, drawn()) == 0.0 and lung_zones.outside(near, drawn()) == 0.0
    assert lung_zones.outside(heat((slice(70, 80), slice(40, 60))), drawn()) > 0.9
    marked = heat((ROWS["lower"], slice(0, 100))) > 0
    assert lung_zones.affected(marked, drawn()) == pytest.approx(
        {"right lung": 1 / 3, "left lung": 1 / 3}
    )
    assert lung_zones.affected(marked, (drawn() == LEFT) * np.uint8(LEFT)) == pytest.approx(
        {"left lung": 1 / 3}
    )


def test_a_chests_sentence_names_the_zone_whose_side_it_is_and_the_share_in_the_lungs():
    spot = heat((ROWS["lower"], COLUMNS["right"]))
    assert heatmap_text.where(spot, lungs=found()) == (
        "Right lower zone. 100 % of the heat lies in the lungs. Right is the patient's right, the "
        "picture's left."
    )
    assert heatmap_text.where(spot).startswith("Left lower third of the film")


def test_heat_beside_the_lungs_stays_a_place_on_the_film_and_is_warned_of():
    film = np.full((80, 100), 0.5, np.float32)
    corner = heat((slice(8, 20), slice(2, 12)))
    said = heatmap_text.where(corner, lungs=found())
    assert said.startswith("Left upper third of the film")
    assert said.endswith("0 % of the heat lies in the lungs.")
    warned = " ".join(heatmap_text.cautions(film, corner, lungs=found(), label="Pneumonia"))
    assert "outside the lungs" in warned
    for label in ("Cardiomegaly", "Effusion"):  # their signs lie elsewhere
        told = heatmap_text.cautions(film, corner, lungs=found(), label=label)
        assert "outside the lungs" not in " ".join(told)
    inside = heat((ROWS["middle"], COLUMNS["left"]))
    assert "outside the lungs" not in " ".join(
        heatmap_text.cautions(film, inside, lungs=found(), label="Pneumonia")
    )


def test_lungs_are_plausible_only_as_a_pair():
    kinds = drawn()
    assert found().plausible
    for missing in (RIGHT, LEFT):
        one = np.eye(3, dtype=np.float32)[np.where(kinds == missing, 0, kinds)]
        assert not Lungs(one, found().placement).plausible


def test_of_each_lung_the_largest_piece_counts_without_holes():
    kinds = drawn()
    kinds[40, 20] = 0  # a hole
    kinds[2:4, 2:4] = RIGHT  # a speck
    found_here = Lungs(np.eye(3, dtype=np.float32)[kinds], found().placement).on_radiograph()
    assert (found_here == drawn()).all()


def test_lungs_that_the_network_is_not_sure_of_are_not_plausible():
    unsure = 0.4 + 0.4 * np.eye(3, dtype=np.float32)[drawn()] / 1.2
    assert not Lungs(unsure / unsure.sum(axis=-1, keepdims=True), found().placement).plausible

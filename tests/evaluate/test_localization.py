"""Localization on drawn maps and boxes whose figures can be worked out by hand."""

import numpy as np
import pytest

from xray_models.datasets import DataSetError
from xray_models.datasets.boxes import load
from xray_models.evaluate.metrics import localization as loc

LEFT = np.array([[0.0, 0.0, 0.5, 1.0]])


def test_iou_and_iobb_of_known_boxes():
    found = np.array([[0, 0, 2, 2], [5, 5, 6, 6]], float)
    true = np.array([[1, 1, 3, 3], [0, 0, 4, 4]], float)
    assert loc.iou(found, true).tolist() == [[1 / 7, 4 / 16], [0, 0]]
    assert loc.iobb(found, true).tolist() == [[1 / 4, 1], [0, 0]]


def test_touching_boxes_share_nothing():
    assert loc.iou(np.array([[0, 0, 1, 1.0]]), np.array([[1, 0, 2, 1.0]])).item() == 0


def test_located_boxes_and_false_ones_by_level():
    true = np.array([[0, 0, 4, 4], [10, 10, 14, 14]], float)
    found = np.array([[0, 0, 4, 2], [20, 20, 21, 21]], float)  # half of the first; nothing
    values = loc.overlap(found, true)
    assert values["boxes"] == 2
    assert values["IoU"] == 0.25 and values["IoBB"] == 0.5
    assert values["T(IoU) 0.4"] == 0.5 and values["T(IoU) 0.6"] == 0
    assert values["false boxes, T(IoU) 0.4"] == 1 and values["false boxes, T(IoU) 0.6"] == 2
    assert values["T(IoBB) 0.9"] == 0.5 and values["false boxes, T(IoBB) 0.9"] == 1


def test_no_box_found_locates_nothing_and_is_never_false():
    values = loc.overlap(np.zeros((0, 4)), LEFT)
    assert values["IoU"] == values["T(IoU) 0.1"] == values["false boxes, T(IoU) 0.1"] == 0


def test_a_film_without_a_true_box_cannot_be_judged():
    with pytest.raises(ValueError, match="at least one true box"):
        loc.overlap(LEFT, np.zeros((0, 4)))
    with pytest.raises(ValueError, match="at least one true box"):
        loc.over_map(np.ones((2, 2)), np.zeros((0, 4)))


def test_a_map_inside_the_box_is_perfect_and_one_outside_is_not():
    heat = np.zeros((10, 10))
    heat[:, :5] = 1
    assert loc.over_map(heat, LEFT) == {
        "pointing game": 1, "hit rate": 1, "energy in box": 1, "AUPRC": 1,
    }  # fmt: skip
    away = loc.over_map(heat[:, ::-1], LEFT)
    assert away["hit rate"] == away["energy in box"] == 0
    assert away["AUPRC"] == pytest.approx(0.5)  # only when everything is called


def test_energy_is_a_share_of_all_heat():
    heat = np.ones((10, 10))
    heat[:, :5] = 3
    assert loc.over_map(heat, LEFT)["energy in box"] == 0.75


def test_equally_hot_pixels_each_count_their_share():
    values = loc.over_map(np.ones((10, 10)), LEFT)
    assert values["hit rate"] == 0.5
    assert values["AUPRC"] == 0.5  # the boxes' share of the film


def test_an_empty_map_points_nowhere():
    values = loc.over_map(np.zeros((10, 10)), LEFT)
    assert values["hit rate"] == values["pointing game"] == values["energy in box"] == 0


def test_the_pointing_game_forgives_a_near_miss_the_hit_rate_does_not():
    heat = np.zeros((100, 100))
    heat[50, 51] = 1
    values = loc.over_map(heat, LEFT)
    assert (values["pointing game"], values["hit rate"]) == (1, 0)
    heat[50, 51], heat[50, 56] = 0, 1
    assert loc.over_map(heat, LEFT)["pointing game"] == 0


def test_a_mask_holds_the_pixels_whose_centers_lie_inside():
    inside = loc.mask(np.array([[0.25, 0.5, 0.75, 1.0]]), (4, 8))
    assert inside.sum() == 2 * 4 and inside[2:, 2:6].all()
    assert loc.mask(np.array([[0.501, 0.501, 0.502, 0.502]]), (4, 4)).sum() == 1
    assert loc.mask(np.array([[0.999, 0.999, 1.0, 1.0]]), (4, 4))[3, 3]


def test_random_maps_differ_by_seed_alone():
    one = loc.random_map((20, 30), (4, 5), seed=1)
    assert one.shape == (20, 30) and 0 <= one.min() < one.max() <= 1
    assert (one == loc.random_map((20, 30), (4, 5), seed=1)).all()
    assert (one != loc.random_map((20, 30), (4, 5), seed=2)).any()


def test_the_center_map_is_hottest_in_the_middle_and_symmetric():
    heat = loc.center_map((21, 31))
    assert np.unravel_index(heat.argmax(), heat.shape) == (10, 15)
    np.testing.assert_allclose(heat, heat[::-1, ::-1])


def test_the_usual_place_counts_films_not_boxes():
    heat = loc.usual_place([np.concatenate([LEFT, LEFT]), np.array([[0, 0, 1, 1.0]])], (4, 4))
    assert (heat[:, :2] == 1).all() and (heat[:, 2:] == 0.5).all()
    assert loc.mean_box([LEFT, np.array([[0.5, 0, 1.0, 1.0]])]).tolist() == [[0.25, 0, 0.75, 1]]
    assert loc.area_share([LEFT, np.array([[0, 0, 1, 1.0]])]) == 0.75
    for baseline in (lambda: loc.usual_place([], (4, 4)), lambda: loc.mean_box([])):
        with pytest.raises(ValueError, match="films of other groups"):
            baseline()


NIH_LABELS = (
    "image,finding_labels,patient_id,age,sex,view,rsna_class,source\n"
    "a.jpg,Infiltration,1,57,F,PA,,x\n"
    "b.jpg,Pneumonia,2,58,M,AP,,x\n"
)


def nih_folder(tmp_path, boxes):
    (tmp_path / "nih").mkdir()
    (tmp_path / "nih" / "labels.csv").write_text(NIH_LABELS)
    (tmp_path / "nih" / "boxes.csv").write_text("image,source,label,x,y,w,h\n" + boxes)
    return tmp_path


def test_true_boxes_become_fractions_by_film_and_label(tmp_path):
    data = nih_folder(
        tmp_path,
        "a.jpg,NIH,Infiltrate,512,0,256,1024\n"
        "b.jpg,RSNA,Lung Opacity,0,0,512,512\n"
        "b.jpg,RSNA,Lung Opacity,512,512,512,600\n",
    )
    (one,) = load(data, "NIH")
    assert (one.label, one.film.group) == ("Infiltration", "nih-1")
    assert one.corners.tolist() == [[0.5, 0, 0.75, 1]]
    (two,) = load(data, "RSNA")
    assert two.corners.tolist() == [[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]]  # clipped to the film


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("c.jpg,NIH,Mass,1,1,2,2\n", "line 2: c.jpg is not in labels.csv"),
        ("a.jpg,NIH,Mass,1,one,2,2\n", "line 2: could not convert"),
        ("a.jpg,NIH,Mass,1,1,0,2\n", "line 2: width and height"),
    ],
)
def test_a_wrong_box_is_told_by_line(tmp_path, line, message):
    with pytest.raises(DataSetError, match=message):
        load(nih_folder(tmp_path, line), "NIH")


def test_an_unknown_source_is_refused(tmp_path):
    with pytest.raises(ValueError, match="NIH, RSNA, FracAtlas"):
        load(tmp_path, "VinDr")


def test_the_real_boxes_lie_on_their_films(data):
    for source, films in (("NIH", 40), ("RSNA", 100), ("FracAtlas", 500)):
        found = load(data, source)
        assert len(found) >= films
        for one in found:
            assert one.film.path.is_file()
            assert (one.corners >= 0).all() and (one.corners <= 1).all()
            assert (one.corners[:, 2:] > one.corners[:, :2]).all()

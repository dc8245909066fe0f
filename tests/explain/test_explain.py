"""What is explained (targets), and what comes out (heatmaps on the film)."""

import numpy as np
import pytest

from xray_models.explain import targets
from xray_models.explain.api import fused
from xray_models.explain.heatmap import Heatmap, normalized
from xray_models.explain.methods.masks import enlarged
from xray_models.radiograph.preprocess import resize


def test_targets_name_what_a_model_has():
    assert targets.logit("abc", "b").weights == (0, 1, 0)
    assert targets.combined("abc", ("a", "b")).weights == (0.5, 0.5, -1)
    assert targets.difference("abc", "c", "a").weights == (-1, 0, 1)
    assert (-targets.logit("ab", "a")).weights == (-1, 0)
    with pytest.raises(ValueError, match="no label 'z'"):
        targets.logit("abc", "z")
    with pytest.raises(ValueError, match="nothing to stand against"):
        targets.combined("ab", ("a", "b"))


def test_heat_is_scaled_to_one_and_no_heat_stays_none():
    assert normalized(np.array([[2.0, -3.0], [1.0, 0.0]])).tolist() == [[1, 0], [0.5, 0]]
    assert normalized(np.array([[0.0, 0.0]])).tolist() == [[0, 0]]
    assert normalized(np.array([np.nan, np.inf, -1.0])).tolist() == [0, 0, 0]
    assert normalized(np.array([[7.0]])).tolist() == [[1]]  # a map of one cell
    tiny = np.float16([1.2e-7, 6e-8])  # next to the smallest half there is
    np.testing.assert_allclose(normalized(tiny), [1, 0.5], atol=0.01)


@pytest.mark.parametrize("shape", [(60, 60), (30, 90), (90, 30)])
def test_heat_lands_on_the_pixels_it_came_from(shape):
    """Heat made from a bright spot's own input pixels comes back onto the spot."""
    pixels = np.zeros(shape, np.float32)
    spot = (int(shape[0] * 0.7), int(shape[1] * 0.3))
    pixels[spot[0] - 2 : spot[0] + 3, spot[1] - 2 : spot[1] + 3] = 1
    canvas, at = resize(pixels, (64, 64), "fit")
    grid = canvas.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    heat = Heatmap(normalized(grid), at, (64, 64)).on_radiograph()
    assert heat.shape == shape
    found = np.unravel_index(heat.argmax(), shape)
    assert abs(found[0] - spot[0]) <= 6 and abs(found[1] - spot[1]) <= 6
    smaller = Heatmap(normalized(grid), at, (64, 64)).on_radiograph((20, 25))
    assert smaller.shape == (20, 25) and 0 <= smaller.min() <= smaller.max() <= 1


def test_heat_in_the_borders_is_counted_and_the_rest_is_scaled_up():
    """Half of the input is border: the film lies in rows 16 to 48 of 64."""
    _, at = resize(np.zeros((20, 40), np.float32), (64, 64), "fit")
    even = Heatmap(np.ones((4, 4), np.float32), at, (64, 64))
    assert even.outside == 0.5 and (even.on_radiograph() == 1).all()
    grid = np.zeros((4, 4), np.float32)
    grid[0] = 1  # 1 down to row 8, 0 from row 24 on: an eighth of it lies below row 16
    above = Heatmap(grid, at, (64, 64))
    assert above.outside == pytest.approx(0.875)
    # half of the maximum is left at row 16; pixels of the film lie at rows 16.8, 18.4, ...
    heat = above.on_radiograph()
    np.testing.assert_allclose(heat[:5, 7], [0.9, 0.7, 0.5, 0.3, 0.1], atol=1e-6)
    assert (heat[5:] == 0).all()
    grid[1, 2] = 1  # the hottest point lies on the film: nothing is scaled
    both = Heatmap(grid, at, (64, 64))
    assert both.on_radiograph()[0, 0] == pytest.approx(0.45)
    assert both.outside == pytest.approx(1 - (4 * 0.125 + 0.875) / 5)


def test_a_map_that_lies_in_the_borders_is_empty_on_the_film():
    _, at = resize(np.zeros((20, 40), np.float32), (64, 64), "fit")
    grid = np.zeros((8, 8), np.float32)
    grid[0, 3] = 1
    heat = Heatmap(grid, at, (64, 64))
    assert heat.outside == 1 and not heat.on_radiograph().any()


@pytest.mark.parametrize(
    ("shape", "geometry"), [((37, 37), "fit"), ((30, 90), "stretch"), ((91, 13), "stretch")]
)
def test_a_film_that_fills_the_input_has_no_heat_beside_it(shape, geometry):
    _, at = resize(np.zeros(shape, np.float32), (64, 64), geometry)
    values = normalized(np.random.default_rng(0).random((7, 5)))
    assert Heatmap(values, at, (64, 64)).outside == 0
    assert Heatmap(values * 0, at, (64, 64)).outside == 0


@pytest.mark.parametrize("shape", [(60, 61), (30, 90), (90, 30), (7, 64)])
def test_the_share_beside_the_film_agrees_with_a_count_of_pixels(shape):
    _, at = resize(np.zeros(shape, np.float32), (64, 64), "fit")
    values = normalized(np.random.default_rng(1).normal(size=(5, 9)))
    fine = enlarged(values[None], (1024, 1024))[0]
    x0, y0, x1, y1 = (round(side * 16) for side in at.box_in_input())
    found = Heatmap(values, at, (64, 64))
    assert found.outside == pytest.approx(1 - fine[y0:y1, x0:x1].sum() / fine.sum(), abs=1e-3)
    assert 0.99 < found.on_radiograph((900, 900)).max() <= 1


def test_a_map_of_one_cell_covers_the_film():
    _, at = resize(np.zeros((30, 40), np.float32), (64, 64), "fit")
    heat = Heatmap(np.ones((1, 1), np.float32), at, (64, 64)).on_radiograph()
    assert heat.shape == (30, 40) and (heat == 1).all()


def test_grids_grow_linearly_between_the_centers_of_cells():
    grown = enlarged(np.array([[[0.0, 1.0]]], np.float32), (2, 4))
    # centers of cells lie at 1 and 3; those of pixels at 0.5, 1.5, 2.5, 3.5
    assert grown.tolist() == [[[0, 0.25, 0.75, 1], [0, 0.25, 0.75, 1]]]
    assert (enlarged(np.full((2, 1, 1), 3.0), (3, 5)) == 3).all()


def test_layers_are_fused_on_the_finest_grid():
    coarse = np.array([[[1.0]]], np.float32)
    fine = np.array([[[0.0, 0.5], [1.0, 0.0]]], np.float32)
    np.testing.assert_allclose(fused([coarse, fine])[0], [[0.5, 0.75], [1.0, 0.5]])
    assert fused([coarse * 0, fine], "max").tolist() == fine.tolist()

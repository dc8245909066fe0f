"""Overlays, worked out by hand on small pictures."""

import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from xray_models.viz import overlay
from xray_models.viz.overlay import COLORMAPS, Style

FILM = np.array([[0.0, 0.5], [1.0, 0.2]], np.float32)
GREY = np.array([[0, 128], [255, 51]], np.uint8)[..., None].repeat(3, axis=-1)


def ramp_of_heat(height=40, width=101):
    return np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width)).copy()


def test_a_film_without_heat_stays_as_it_is():
    np.testing.assert_array_equal(overlay.film(FILM), GREY)
    for style in (Style(threshold=0), Style(), Style(opacity=0)):
        np.testing.assert_array_equal(overlay.overlay(FILM, np.zeros_like(FILM), style), GREY)


def test_no_opacity_shows_the_film_alone_contour_included():
    film = np.full((40, 101), 0.5, np.float32)
    shown = overlay.overlay(film, ramp_of_heat(), Style(opacity=0))
    np.testing.assert_array_equal(shown, overlay.film(film))


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_full_opacity_shows_the_color_of_the_heat(colormap):
    heat = np.array([[0.25, 0.5], [0.75, 1.0]], np.float32)
    shown = overlay.overlay(FILM, heat, Style(colormap, opacity=1, threshold=0, contour=False))
    index = np.floor(heat * 255 + 0.5).astype(int)
    colors = matplotlib.colormaps[colormap](index)[..., :3]
    np.testing.assert_allclose(shown, colors * 255, atol=0.51)


def test_opacity_mixes_film_and_color():
    heat = np.ones_like(FILM)
    top = np.array(matplotlib.colormaps["viridis"](255)[:3])
    shown = overlay.overlay(FILM, heat, Style("viridis", 0.25, 0, contour=False))
    np.testing.assert_allclose(shown, 255 * (0.75 * FILM[..., None] + 0.25 * top), atol=0.51)


def test_heat_below_the_threshold_leaves_the_film_as_it_is():
    heat = np.array([[0.59, 0.6], [0.0, 0.61]], np.float32)
    shown = overlay.overlay(FILM, heat, Style(threshold=0.6, contour=False))
    changed = (shown != GREY).any(axis=-1)
    np.testing.assert_array_equal(changed, [[False, True], [False, True]])


def test_the_contour_runs_where_heat_crosses_the_threshold():
    film, heat = np.full((40, 101), 0.5, np.float32), ramp_of_heat()
    plain = overlay.overlay(film, heat, Style(threshold=0.6, contour=False))
    lined = overlay.overlay(film, heat, Style(threshold=0.6))
    assert (lined[:, 60] == 255).all()  # white on the line
    assert (lined[:, 58] < plain[:, 58]).all()  # with a dark border
    far = np.abs(np.arange(101) - 60) > 4
    np.testing.assert_array_equal(lined[:, far], plain[:, far])


def test_the_contour_has_one_width_however_steep_the_heat():
    film = np.zeros((40, 401), np.float32)
    gentle = ramp_of_heat(width=401)
    steep = np.clip((gentle - 0.5) * 4 + 0.5, 0, 1)
    white = [
        (overlay.overlay(film, heat, Style(opacity=0.01, threshold=0.5))[20, :, 0] > 128).sum()
        for heat in (gentle, steep)
    ]
    assert white[0] == white[1] > 0


def test_heat_that_only_touches_the_threshold_leaves_no_speck():
    rows, columns = np.mgrid[0:200, 0:200]
    away = np.maximum(abs(rows - 50), abs(columns - 50)) / 100
    heat = np.clip(0.595 - away, 0, 1).astype(np.float32)  # a peak just below
    film = np.full((200, 200), 0.5, np.float32)
    np.testing.assert_array_equal(
        overlay.overlay(film, heat, Style(threshold=0.6)), overlay.film(film)
    )
    assert (overlay.overlay(film, heat, Style(threshold=0.3, opacity=0.01)) > 150).any()


def test_a_film_of_one_row_can_be_shown():
    film = np.full((1, 9), 0.5, np.float32)
    assert overlay.overlay(film, film, Style()).shape == (1, 9, 3)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="must be the same"):
        overlay.overlay(FILM, np.zeros((3, 3), np.float32), Style())
    with pytest.raises(ValueError, match="Known: inferno"):
        Style(colormap="rainbow")
    with pytest.raises(ValueError, match=r"opacity is 1\.2"):
        Style(opacity=1.2)
    with pytest.raises(ValueError, match="threshold is -1"):
        Style(threshold=-1)


def test_the_default_colors_grow_lighter_with_heat_and_jet_does_not():
    def lightness(colormap):
        colors = matplotlib.colormaps[colormap](np.arange(256))[:, :3]
        return colors @ [0.2126, 0.7152, 0.0722]

    assert (np.diff(lightness(Style().colormap)) > -1e-6).all()
    assert (np.diff(lightness("jet")) < -1e-3).any()


def test_shrinking_keeps_proportion_and_brightness():
    film = np.random.default_rng(1).random((400, 200), dtype=np.float32)
    small = overlay.shrink(film, 100)
    assert small.shape == (100, 50) and small.dtype == np.float32
    assert small.mean() == pytest.approx(film.mean(), abs=0.005)
    assert overlay.shrink(film, 400) is film
    assert overlay.shrink(film[:, :1], 10).shape == (10, 1)


def test_a_saved_overlay_has_the_pixels_and_nothing_else():
    pixels = overlay.overlay(FILM, FILM, Style())
    with Image.open(io.BytesIO(overlay.encode(pixels))) as image:
        assert image.format == "PNG" and not image.info
        np.testing.assert_array_equal(np.asarray(image), pixels)
    with Image.open(io.BytesIO(overlay.encode(pixels, "JPEG"))) as image:
        assert image.format == "JPEG" and not image.getexif()


def test_boxes_are_drawn_where_they_lie_and_nowhere_else():
    pixels = np.full((200, 100, 3), 128, np.uint8)
    drawn = overlay.outlined(pixels, [((0.2, 0.5, 0.6, 0.9), "")])
    color = [int(overlay.BOX_COLOR[i : i + 2], 16) for i in (1, 3, 5)]
    for y, x in ((100, 40), (179, 40), (140, 20), (140, 59)):
        assert drawn[y, x].tolist() == color
    changed = (drawn != pixels).any(axis=-1)
    assert not changed[102:178, 23:57].any() and not changed[:90].any()
    whole = overlay.outlined(pixels, [((0.5, 0.5, 1.0, 1.0), "")])
    assert whole[150, -1].tolist() == whole[-1, 75].tolist() == color, "the border is no end"
    worded = overlay.outlined(pixels, [((0.2, 0.5, 0.6, 0.9), "finding, 62 %")])
    assert (worded[:98] != pixels[:98]).any()
    np.testing.assert_array_equal(pixels, 128)

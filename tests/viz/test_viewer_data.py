"""What goes to the browser: gray, maps, and the words for them."""

import json
import zlib

import numpy as np
import pytest
import viewer_page

from xray_models.radiograph import Radiograph
from xray_models.viz import overlay, viewer_data
from xray_models.viz.viewer_data import BoxData, FilmData, MapSprite


def test_gray_goes_over_in_sixteen_bits_at_screen_size():
    pixels = np.linspace(0, 1, 1800 * 1200, dtype=np.float32).reshape(1800, 1200)
    found = FilmData.of(Radiograph(pixels, "drawn"))
    assert (found.width, found.height, found.rows, found.columns) == (1200, 1800, 900, 600)
    gray = np.frombuffer(found.gray, "<u2").reshape(900, 600)
    np.testing.assert_allclose(gray / 65535, overlay.shrink(pixels, 900), atol=1 / 65535)
    assert len(np.unique(gray)) > 10_000, "no gray is lost to eight bits"


def test_a_film_has_one_key_wherever_it_is_shown():
    shown = viewer_page.film()
    assert FilmData.of(shown).key == FilmData.of(viewer_page.film()).key
    assert FilmData.of(shown).key != FilmData.of(viewer_page.film(height=601)).key


def test_spacing_is_that_of_the_pixels_that_are_shown():
    pixels = np.zeros((200, 100), np.float32)
    square = Radiograph(pixels, "drawn", spacing_mm=(0.2, 0.3))
    assert FilmData.of(square).spacing_mm == (0.2, 0.3)
    stored = Radiograph(pixels, "drawn", spacing_mm=(0.4, 0.2), stored_shape=(100, 100))
    assert FilmData.of(stored).spacing_mm == (0.2, 0.2)
    assert FilmData.of(Radiograph(pixels, "drawn")).spacing_mm is None


def test_maps_are_stacked_with_what_brings_them_onto_the_film():
    shown = viewer_page.film(400, 200)
    maps = {"a": viewer_page.heatmap(shown, 1, 3), "b": viewer_page.heatmap(shown, 3, 0)}
    found = MapSprite.of(maps)
    assert (found.ids, found.rows, found.columns) == (("a", "b"), 7, 7)
    assert found.box == pytest.approx((1.75, 0, 5.25, 7))
    values = np.frombuffer(found.values, np.uint8).reshape(2, 7, 7)
    assert values.max(axis=(1, 2)).tolist() == [255, 255]
    assert found.scales[0] == pytest.approx(1)
    # the hottest point of the second lies in the black border beside the film
    shown = np.minimum(values[1] / 255 * found.scales[1], 1)
    wanted = np.minimum(maps["b"].values * maps["b"].scale_on_film, 1)
    assert maps["b"].scale_on_film > 1.5
    assert np.abs(shown - wanted).max() < 0.01, "heat on the film keeps its eight bits"


def test_a_map_without_heat_stays_without():
    shown = viewer_page.film()
    one = viewer_page.heatmap(shown, 1, 1)
    empty = type(one)(one.values * 0, one.placement, one.input_size)
    found = MapSprite.of({"empty": empty})
    assert found.scales == (0.0,) and not any(found.values)


def test_maps_of_different_grids_are_not_packed_together():
    shown = viewer_page.film()
    maps = {"a": viewer_page.heatmap(shown, 1, 1), "b": viewer_page.heatmap(shown, 1, 1, cells=14)}
    with pytest.raises(ValueError, match="differ in their grids"):
        MapSprite.of(maps)
    with pytest.raises(ValueError, match="no map"):
        MapSprite.of({})


def test_what_is_packed_is_words_and_the_contents_that_they_name():
    shown = viewer_page.film(1200, 1000)
    words, blobs = viewer_data.packed(
        viewer_page.view(shown, boxes=(BoxData(0.1, 0.2, 0.3, 0.4, "a box", "truth"),))
    )
    assert json.loads(json.dumps(words)) == words
    assert set(blobs) == {"film", "maps 0"}
    assert len(blobs["film"]) == 2 * words["film"]["rows"] * words["film"]["columns"]
    (sprite,) = words["sprites"]
    assert len(blobs["maps 0"]) == 3 * sprite["rows"] * sprite["columns"]
    assert words["sharp"], "the film is larger than what is sent at first"
    assert words["findings"][0]["lines"] == ["Line 0."]
    assert words["boxes"][0]["kind"] == "truth"
    small, _ = viewer_data.packed(viewer_page.view(viewer_page.film(300, 300)))
    assert not small["sharp"], "there is no more to be had"


def test_full_resolution_is_the_film_up_to_a_limit():
    pixels = np.random.default_rng(0).random((300, 120), np.float32)
    content, rows, columns = viewer_data.full_resolution(Radiograph(pixels, "drawn"))
    gray = np.frombuffer(zlib.decompress(content), "<u2").reshape(rows, columns)
    np.testing.assert_allclose(gray / 65535, pixels, atol=1 / 65535)
    _, rows, columns = viewer_data.full_resolution(Radiograph(pixels, "drawn"), longest=100)
    assert (rows, columns) == (100, 40)


def test_colors_are_those_of_saved_overlays():
    tables = viewer_data.color_tables()
    assert list(tables) == list(overlay.COLORMAPS)
    heat = np.linspace(0, 1, 256, dtype=np.float32)[None]
    for name, text in tables.items():
        table = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(256, 3)
        style = overlay.Style(name, 1.0, 0.0, contour=False)
        saved = overlay.overlay(np.zeros_like(heat), heat, style)[0]
        assert np.array_equal(saved[1:], table[1:])

"""A film is read for training as the app reads it."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from xray_models import radiograph
from xray_models.datasets import Film, exploration
from xray_models.datasets.films import gray_picture

RANDOM = np.random.default_rng(16)
SHADES = RANDOM.integers(0, 256, (60, 81), dtype=np.uint8)
DEEP = np.linspace(0, 65535, 60 * 81).astype(np.uint16).reshape(60, 81)
SIDEWAYS = Image.Exif()
SIDEWAYS[0x0112] = 6


def saved(pixels: np.ndarray, kind: str, **how) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind, **how)
    return file.getvalue()


FILES = {
    "8-bit.png": saved(SHADES, "PNG"),
    "16-bit.png": saved(DEEP, "PNG"),
    "12-bit-in-16.png": saved(DEEP // 16, "PNG"),
    "16-bit.tiff": saved(DEEP, "TIFF"),
    "color.png": saved(RANDOM.integers(0, 256, (60, 81, 3), dtype=np.uint8), "PNG"),
    "transparent.png": saved(RANDOM.integers(0, 256, (60, 81, 4), dtype=np.uint8), "PNG"),
    "gray.jpg": saved(SHADES, "JPEG"),
    "color.jpg": saved(RANDOM.integers(0, 256, (60, 81, 3), dtype=np.uint8), "JPEG"),
    "sideways.jpg": saved(SHADES, "JPEG", exif=SIDEWAYS),
    "gray.webp": saved(SHADES, "WEBP"),
    "film.dcm": Path(str(get_testdata_file("RG1_UNCI.dcm", download=False))).read_bytes(),
}


@pytest.fixture(params=FILES)
def film(request, tmp_path) -> Film:
    path = tmp_path / request.param
    path.write_bytes(FILES[request.param])
    return Film(path, path.name, "group", facts={"part": "wrist", "study": "one"})


def test_training_sees_the_pixels_that_the_app_sees(film):
    expected = radiograph.read(film.path).pixels
    np.testing.assert_array_equal(film.pixels(), expected)
    assert film.size() == expected.shape[::-1], "the header's size is that of the pixels"
    described = exploration.describe({"train": [film]})
    assert tuple(described.loc[0, ["width", "height"]]) == film.size()
    np.testing.assert_array_equal(
        np.asarray(gray_picture(film.path)), np.rint(expected * 255).astype(np.uint8)
    )


def test_a_crop_is_a_part_of_what_the_app_sees(film):
    whole = radiograph.read(film.path).pixels
    height, width = whole.shape
    inside = Film(film.path, film.image, "group", box=(0.25, 0.5, 0.75, 1.0)).pixels()
    np.testing.assert_array_equal(
        inside, whole[round(0.5 * height) :, round(0.25 * width) : round(0.75 * width)]
    )
    beyond = Film(film.path, film.image, "group", box=(-0.25, 0.0, 1.0, 1.25)).pixels()
    left = -round(-0.25 * width)
    np.testing.assert_array_equal(beyond[:height, left:], whole)
    assert not beyond[height:].any() and not beyond[:, :left].any(), "black beyond the film"


@pytest.mark.parametrize("name", ["16-bit.png", "12-bit-in-16.png", "16-bit.tiff"])
def test_a_deep_gradient_keeps_its_shades(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    pixels = Film(path, name, "group").pixels()
    assert pixels.mean() == pytest.approx(0.5, abs=1e-3)
    assert (np.diff(pixels.ravel()) >= 0).all() and pixels.min() == 0 and pixels.max() == 1

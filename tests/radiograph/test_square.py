"""Films whose pixels are not square are made square; a chest at half width reads as the chest."""

import io
import struct
import zlib

import numpy as np
import pytest
from drawing import dicom, picture
from PIL import Image
from pydicom.data import get_testdata_file

from xray_models import pipeline, radiograph
from xray_models.explain.boxes import Box, on_grid
from xray_models.radiograph import MOST_PIXELS, Radiograph, read
from xray_models.radiograph.square import squared, squared_shape


@pytest.fixture(scope="module")
def gray() -> np.ndarray:
    film = read(str(get_testdata_file("RG1_UNCI.dcm", download=False))).pixels
    small = Image.fromarray(film).resize((920, 976), Image.Resampling.BOX)
    return np.rint(np.asarray(small) * 255).astype(np.uint8)


def shrunk(gray: np.ndarray, across: int, down: int) -> np.ndarray:
    """Fewer columns and rows, as a file with long or wide pixels has."""
    size = gray.shape[1] // across, gray.shape[0] // down
    return np.asarray(Image.fromarray(gray).resize(size, Image.Resampling.BOX))


DICOM = {
    "PixelSpacing": {"PixelSpacing": ["0.15", "0.3"]},
    "ImagerPixelSpacing": {"ImagerPixelSpacing": ["0.1", "0.2"]},
    "NominalScannedPixelSpacing": {"NominalScannedPixelSpacing": ["0.1", "0.2"]},
    "PixelAspectRatio": {"PixelAspectRatio": [1, 2]},
}


@pytest.mark.parametrize("element", DICOM)
def test_dicom_at_half_width(gray, element):
    film = read(dicom(shrunk(gray, 2, 1), **DICOM[element]))
    assert film.pixels.shape == gray.shape
    assert film.stored_shape == film.file_shape == (976, 460)
    assert np.abs(film.pixels - gray / 255).mean() < 0.01
    facts = film.facts()
    assert facts["Width × height"] == "460 × 976 pixels"
    assert facts["Shown with square pixels"] == "920 × 976"


def test_dicom_at_a_third_of_the_height(gray):
    film = read(dicom(shrunk(gray, 1, 3), PixelAspectRatio=[3, 1]))
    assert film.pixels.shape == (975, 920)


def test_spacing_comes_before_the_ratio(gray):
    film = read(dicom(gray, PixelSpacing=["0.2", "0.2"], PixelAspectRatio=[1, 2]))
    assert film.stored_shape is None and film.pixels.shape == gray.shape


def with_chunk(png: bytes, across: int, down: int, unit: int) -> bytes:
    body = b"pHYs" + struct.pack(">IIB", across, down, unit)
    return png[:33] + struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body)) + png[33:]


def with_density(jpeg: bytes, across: int, down: int, unit: int) -> bytes:
    at = jpeg.index(b"JFIF\0") + 7
    return jpeg[:at] + struct.pack(">BHH", unit, across, down) + jpeg[at + 5 :]


def exif(across: float, down: float, orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[0x011A], tags[0x011B], tags[0x0112] = across, down, orientation
    return tags


def pictures(half: np.ndarray) -> dict[str, bytes]:
    image = Image.fromarray(half)
    jpeg = picture(image, "JPEG", quality=95)
    return {
        "PNG, per meter": with_chunk(picture(image, "PNG"), 2000, 4000, 1),
        "PNG, ratio": with_chunk(picture(image, "PNG"), 1, 2, 0),
        "JPEG, per inch": with_density(jpeg, 75, 150, 1),
        "JPEG, per centimeter": with_density(jpeg, 30, 60, 2),
        "JPEG, ratio": with_density(jpeg, 1, 2, 0),
        "JPEG, EXIF": picture(image, "JPEG", quality=95, exif=exif(75, 150)),
        "TIFF": picture(image, "TIFF", dpi=(75, 150)),
        "BMP": picture(image, "BMP", dpi=(75, 150)),
    }


def test_pictures_at_half_width(gray):
    for name, data in pictures(shrunk(gray, 2, 1)).items():
        film = read(data)
        assert film.pixels.shape == gray.shape, name
        assert film.file_shape == (976, 460), name
        assert np.abs(film.pixels - gray / 255).mean() < 0.015, name


def test_a_picture_that_lies_on_its_side(gray):
    lying = np.rot90(shrunk(gray, 2, 1))  # its rows are the film's columns
    data = picture(Image.fromarray(lying), "JPEG", quality=95, exif=exif(150, 75, 6))
    film = read(data)
    assert film.pixels.shape == gray.shape
    assert np.abs(film.pixels - gray / 255).mean() < 0.015


def test_a_size_is_told_without_decoding(gray, tmp_path):
    for number, data in enumerate(pictures(shrunk(gray, 2, 1)).values()):
        path = tmp_path / str(number)
        path.write_bytes(data)
        assert radiograph.size(path) == (920, 976)


@pytest.mark.parametrize("pair", [(96, 96), (72, 0), (300, 299)])
def test_equal_or_senseless_densities_change_nothing(gray, pair):
    film = read(with_density(picture(Image.fromarray(gray), "JPEG"), *pair, 1))
    assert film.stored_shape is None and film.warnings == ()


def test_an_absurd_ratio_is_said_and_changes_nothing(gray):
    film = read(dicom(gray, PixelAspectRatio=[1, 500]))
    assert film.pixels.shape == gray.shape
    assert "500 times" in film.warnings[0]


def test_the_limit_of_pixels_holds_after_resampling():
    height, width = squared_shape(5000, 8000, 3.0)
    assert 0.98 * MOST_PIXELS < height * width <= MOST_PIXELS
    assert width / height == pytest.approx(8000 / 15000, rel=1e-3)
    film = squared(Radiograph(np.zeros((2, 3), np.float32), "drawn"), None)
    assert film.pixels.shape == (2, 3)


@pytest.mark.network
def test_a_chest_at_half_width_has_the_findings_of_the_chest(gray):
    whole = pipeline.read(read(dicom(gray)))
    half = pipeline.read(read(dicom(shrunk(gray, 2, 1), PixelSpacing=["0.15", "0.3"])))
    assert whole.part == half.part == "chest"
    assert [one.label for one in half.findings] == [one.label for one in whole.findings]
    for one, other in zip(whole.findings, half.findings, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=0.05)


def test_boxes_go_back_to_the_grid_of_the_file():
    box = Box("Nodule", 100, 50, 20, 30, score=0.5)
    (stored,) = on_grid((box,), (976, 920), (976, 460))
    assert stored == Box("Nodule", 50, 50, 10, 30, score=0.5)


def test_a_film_of_square_pixels_has_one_shape(gray):
    film = read(io.BytesIO(picture(Image.fromarray(gray), "PNG")).getvalue())
    assert film.stored_shape is None and film.file_shape == gray.shape

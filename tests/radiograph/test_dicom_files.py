"""The ten DICOM files of several makers, against a computation that shares no code with the reader.

Decoded by pydicom; then numpy: modality table or rescale, VOI table or window, MONOCHROME1.
"""

import io

import numpy as np
import pytest
from pydicom import dcmread, uid

from xray_models.radiograph import UnreadableRadiograph, read

REFUSED = {
    "fo_GH626.dcm": r"This DICOM file holds .*magnetic resonance.*radiographs only",
    "fo_chrJapMulti.dcm": "announces a picture but holds no pixels",
}
READ = [
    "fo_CR-ModalitySequenceLUT.dcm",
    "fo_OutOfBoundsOverlay.dcm",
    "fo_TestPattern_Palette_16.dcm",
    "wg04_RG1_J2KI.dcm",
    "wg04_RG2_J2KR.dcm",
    "wg04_RG3_J2KI.dcm",
    "wg04_RG3_JLSL.dcm",
]


@pytest.fixture
def folder(data):
    folder = data / "dicom_tests"
    if not folder.is_dir():
        pytest.skip("the data folder has no dicom_tests")
    return folder


def test_all_ten_are_here(folder):
    names = {path.name for path in folder.glob("*.dcm")}
    assert names == {*REFUSED, *READ, "wg04_RG2_JPLY.dcm"}


def entries_of(item) -> np.ndarray:
    data = item.LUTData
    return np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.asarray(data)


def through(item, values: np.ndarray) -> np.ndarray:
    entries, first, _ = item.LUTDescriptor
    table = entries_of(item).astype(np.float64)
    return table[np.clip(values - first, 0, (entries or 65536) - 1).astype(int)]


def expected(file) -> np.ndarray:
    header = dcmread(file)
    stored = header.pixel_array.astype(np.float64)
    if header.PhotometricInterpretation == "PALETTE COLOR":
        channels = []
        for color in ("Red", "Green", "Blue"):
            entries, first, bits = header[f"{color}PaletteColorLookupTableDescriptor"].value
            words = np.frombuffer(header[f"{color}PaletteColorLookupTableData"].value, "<u2")
            at = np.clip(stored - first, 0, (entries or 65536) - 1).astype(int)
            channels.append(words[at] / (2.0**bits - 1))
        return 0.299 * channels[0] + 0.587 * channels[1] + 0.114 * channels[2]
    values = stored
    if "ModalityLUTSequence" in header:
        values = through(header.ModalityLUTSequence[0], stored)
    elif header.get("RescaleSlope") is not None:
        values = stored * float(header.RescaleSlope) + float(header.RescaleIntercept)
    if header.get("VOILUTSequence"):
        item = header.VOILUTSequence[0]
        table = entries_of(item)
        gray = through(item, values) / (2.0 ** int(table.max()).bit_length() - 1)
    elif header.get("WindowCenter") is not None:
        center, width = (
            float(np.atleast_1d(header[name].value)[0]) for name in ("WindowCenter", "WindowWidth")
        )
        gray = np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
    else:
        low, high = np.percentile(values, (0.5, 99.5))
        gray = np.clip((values - low) / (high - low), 0, 1)
    return 1 - gray if header.PhotometricInterpretation == "MONOCHROME1" else gray


@pytest.mark.parametrize("name", READ)
def test_grays_are_those_of_an_independent_computation(folder, name):
    film = read(folder / name)
    difference = np.abs(film.pixels - expected(folder / name))
    assert difference.mean() < 0.01
    assert np.quantile(difference, 0.99) < 0.03


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_film_is_refused_by_its_reason(folder, name):
    with pytest.raises(UnreadableRadiograph, match=REFUSED[name]):
        read(folder / name)


def test_the_slice_that_is_refused_would_be_shown_right_as_a_film(folder):
    content = (folder / "fo_GH626.dcm").read_bytes()
    # a private sequence is four bytes longer than it says, so that nothing behind it is found
    short, mended = (b"\x05\x20\x0f\x14" + n.to_bytes(4, "little") for n in (256, 260))
    stems = (uid.MRImageStorage.encode(), uid.ComputedRadiographyImageStorage.encode())
    film = content.replace(short, mended).replace(*stems)
    assert len(film) == len(content) and film.count(mended) == 1
    stored = dcmread(io.BytesIO(film)).pixel_array
    assert stored.shape == (256, 256) and not stored.any()  # whoever gave the file away blanked it
    np.testing.assert_array_equal(read(film).pixels, stored)


def test_the_tenth_has_no_pixels_to_compare(folder):
    assert "PixelData" not in dcmread(folder / "fo_chrJapMulti.dcm")


def test_twelve_bit_jpeg_with_an_odd_scan_header_is_the_film_it_was_made_from(folder):
    lossy, lossless = (read(folder / f"wg04_RG2_{kind}.dcm") for kind in ("JPLY", "J2KR"))
    assert lossy.source_format == "DICOM (JPEG extended)"
    assert np.abs(lossy.pixels - lossless.pixels).mean() < 0.01

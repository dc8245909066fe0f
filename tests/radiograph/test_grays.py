"""The right grays, or a word on why not: labels, windows, tables, color, bits, broken ends.

Every film here is made from the chest of pydicom-data, so that "reads as before" means a real film.
"""

import io
import re
import struct
import zlib

import numpy as np
import pytest
from drawing import dicom, picture, ramp, table
from PIL import Image
from pydicom import Dataset, Sequence, dcmread, uid
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, get_frame

from xray_models.radiograph import UnreadableRadiograph, dicom_terms, jpeg_stream, read
from xray_models.radiograph.gray_range import brightest, gray_range

TWELVE_BITS = {"BitsStored": 12, "HighBit": 11}
CLOSE = 0.02


def _chest() -> np.ndarray:
    """A real chest as 12-bit values, bright is dense: 40 to 4000."""
    gray = read(str(get_testdata_file("RG1_UNCI.dcm", download=False))).pixels
    small = np.asarray(Image.fromarray(gray).resize((460, 488), Image.Resampling.BOX))
    return np.rint(40 + 3960 * (small - small.min()) / np.ptp(small)).astype(np.uint16)


CHEST = _chest()
EIGHT = (CHEST >> 4).astype(np.uint8)
LABEL = (slice(20, 50), slice(10, 60))


def labelled(value: int, where=LABEL, values: np.ndarray = CHEST) -> np.ndarray:
    changed = values.copy()
    changed[where] = value
    return changed


def beside(where=LABEL, shape=CHEST.shape) -> np.ndarray:
    """The pixels that a label leaves free."""
    free = np.ones(shape, bool)
    free[where] = False
    return free


def differs(one: np.ndarray, other: np.ndarray, free: np.ndarray) -> float:
    return float(np.abs(one - other)[free].max())


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableRadiograph) as caught:
        read(data)
    return str(caught.value)


# --- labels and borders -------------------------------------------------------------------------

BORDER = np.ones(CHEST.shape, bool)
BORDER[2:-2, 2:-2] = False
PLACES = {"label": LABEL, "border": BORDER, "one pixel": (slice(7, 8), slice(9, 10))}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("white", [8000, 16383])
def test_a_bright_label_does_not_set_the_range_of_a_dicom_file(where, white):
    bits = {"BitsStored": 14, "HighBit": 13}
    plain = read(dicom(CHEST, **bits))
    film = read(dicom(labelled(white, PLACES[where]), **bits))
    assert differs(film.pixels, plain.pixels, beside(PLACES[where])) < CLOSE
    assert film.pixels[PLACES[where]].min() == 1
    assert "the brightest" in film.facts()["Gray range"]


def test_a_dark_label_does_not_set_the_range_either():
    values = CHEST + np.uint16(9000)
    film = read(dicom(labelled(0, values=values), BitsStored=14, HighBit=13))
    plain = read(dicom(values, BitsStored=14, HighBit=13))
    assert differs(film.pixels, plain.pixels, beside()) < CLOSE
    assert "the darkest" in film.gray_range


def test_a_label_in_a_film_of_monochrome1_does_not_set_its_range():
    values = 4095 - CHEST
    bits = {"BitsStored": 16, "HighBit": 15, "PhotometricInterpretation": "MONOCHROME1"}
    film = read(dicom(labelled(65535, values=values), **bits))
    assert differs(film.pixels, read(dicom(values, **bits)).pixels, beside()) < CLOSE


def test_a_label_after_rescaling_does_not_set_the_range():
    line = {"RescaleSlope": "-0.5", "RescaleIntercept": "100"}
    film = read(dicom(labelled(60000), **line))
    assert differs(film.pixels, read(dicom(CHEST, **line)).pixels, beside()) < CLOSE


def test_a_label_with_blurred_edges_does_not_set_the_range():
    drawn = np.zeros(CHEST.shape, np.float32)
    drawn[LABEL] = 1
    smooth = np.asarray(
        Image.fromarray(drawn).resize((230, 244), Image.Resampling.BILINEAR).resize((460, 488))
    )
    values = np.rint(CHEST * (1 - smooth) + 65535 * smooth).astype(np.uint16)
    free = smooth == 0
    assert differs(read(dicom(values)).pixels, read(dicom(CHEST)).pixels, free) < CLOSE
    png = read(picture(Image.fromarray(values), "PNG"))
    assert png.bits == 12
    np.testing.assert_allclose(png.pixels[free], CHEST[free] / 4095, atol=1e-6)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("label", [16383, 65535])
def test_a_label_does_not_tell_the_bit_depth_of_a_picture(kind, where, label):
    film = read(picture(Image.fromarray(labelled(label, PLACES[where])), kind))
    free = beside(PLACES[where])
    np.testing.assert_allclose(film.pixels[free], CHEST[free] / 4095, atol=1e-6)
    assert film.bits == 12


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_a_label_does_not_set_the_range_of_a_picture_of_32_bits(kind):
    values = CHEST.astype(kind) * 100
    plain = read(picture(Image.fromarray(values), "TIFF"))
    label = labelled(9 * 10**6, values=values)
    film = read(picture(Image.fromarray(label), "TIFF"))
    assert differs(film.pixels, plain.pixels, beside()) < CLOSE
    assert "brightest" in film.gray_range


def test_a_black_collimation_border_stays_black_and_is_part_of_the_film():
    values = CHEST + np.uint16(500)
    values[:, :120] = 0
    film = read(dicom(values, **TWELVE_BITS | {"BitsStored": 13, "HighBit": 12}))
    assert not film.pixels[:, :120].any()
    white = np.percentile(values, 99.5)
    expected = np.clip(values[:, 120:] / white, 0, 1)
    np.testing.assert_allclose(film.pixels[:, 120:], expected, atol=CLOSE)
    assert "darkest" not in film.gray_range


def test_a_small_bright_object_on_a_dark_film_keeps_its_grays():
    random = np.random.default_rng(3)
    values = random.integers(0, 12, (400, 400)).astype(np.uint16)
    finger = (slice(100, 150), slice(200, 215))  # 0.5 % of the film
    values[finger] = random.integers(900, 4000, (50, 15))
    film = read(dicom(values, **TWELVE_BITS))
    assert film.pixels[finger].std() > 0.15
    png = read(picture(Image.fromarray(values), "PNG"))
    assert png.bits == 12


def test_films_of_eight_bits_stay_as_they_are():
    film = read(dicom(labelled(255, values=EIGHT)))
    np.testing.assert_allclose(film.pixels, labelled(255, values=EIGHT) / 255, atol=1e-6)
    assert film.gray_range is None


def test_ranges():
    assert gray_range(np.full(9, 4)) is None
    assert gray_range(np.array([np.nan, np.inf])) is None
    assert gray_range(np.array([0, 1], np.uint16)) == (0, 1, 0, 0)
    plain = gray_range(ramp(white=4000).astype(np.uint16))
    assert plain == (0, 4000, 0, 0) and plain.sentence is None
    assert brightest(np.zeros((3, 3), np.uint16), (8, 10, 12, 14)) == 0


# --- windows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("center", "width"),
    [
        ("128", "256"),
        ("20", "40"),
        ("2000", "1"),
        ("2000.5", "3"),
        ("60000", "5000"),
        ("9000", "2"),
    ],
)
def test_a_window_of_other_values_is_passed_over_and_said(center, width):
    film = read(dicom(CHEST, WindowCenter=center, WindowWidth=width, **TWELVE_BITS))
    assert any("window" in warning for warning in film.warnings)
    plain = read(dicom(CHEST, **TWELVE_BITS))
    np.testing.assert_allclose(film.pixels, plain.pixels, atol=1e-6)


def test_one_pixel_inside_a_window_does_not_make_it_fit():
    values = labelled(60_010, (slice(0, 1), slice(0, 1)))
    film = read(dicom(values, WindowCenter="60000", WindowWidth="100"))
    assert "window" in film.warnings[0]
    assert film.pixels.std() > 0.1


@pytest.mark.parametrize("bits", [8, 16])
def test_a_window_of_twelve_bits_on_a_film_of_eight(bits):
    values = EIGHT.astype(f"uint{bits}")
    film = read(dicom(values, WindowCenter="2048", WindowWidth="4096"))
    assert "window" in film.warnings[0]
    assert film.pixels.std() > 0.1
    if bits == 8:
        np.testing.assert_allclose(film.pixels, EIGHT / 255, atol=1e-6)


def test_a_sigmoid_window_of_other_values():
    more = {"WindowCenter": "128", "WindowWidth": "256", "VOILUTFunction": "SIGMOID"}
    assert "window" in read(dicom(CHEST, **more, **TWELVE_BITS)).warnings[0]


def test_a_film_of_two_grays_keeps_its_window():
    values = np.where(CHEST > 2000, 3900, 100).astype(np.uint16)
    film = read(dicom(values, WindowCenter="2000", WindowWidth="1000", **TWELVE_BITS))
    np.testing.assert_array_equal(film.pixels, values > 2000)
    assert film.warnings == ()


def test_a_dark_background_outside_the_window_is_no_mistake_of_the_window():
    random = np.random.default_rng(4)
    values = random.integers(0, 60, (500, 500)).astype(np.uint16)
    values[200:300, 200:290] = random.integers(900, 3900, (100, 90))  # a finger: 4 % of the film
    film = read(dicom(values, WindowCenter="2400", WindowWidth="3000", **TWELVE_BITS))
    assert film.warnings == ()


def test_a_window_that_fits_is_applied_as_it_is():
    film = read(dicom(CHEST, WindowCenter="2000", WindowWidth="2500", **TWELVE_BITS))
    expected = np.clip((CHEST - 1999.5) / 2499 + 0.5, 0, 1)
    np.testing.assert_allclose(film.pixels, expected, atol=1e-5)
    assert film.warnings == () and film.gray_range is None


# --- lookup tables ------------------------------------------------------------------------------

CURVE = [int(4095 * (n / 4095) ** 0.5) for n in range(4096)]


def curved(values=CHEST) -> np.ndarray:
    return np.array(CURVE)[values] / 4095


@pytest.mark.parametrize("bits", [8, 10])
def test_entries_above_the_declared_bits_are_scaled_by_the_largest(bits):
    film = read(dicom(CHEST, VOILUTSequence=[table(CURVE, 0, bits)], **TWELVE_BITS))
    np.testing.assert_allclose(film.pixels, curved(), atol=1e-5)


@pytest.mark.parametrize("named", [256, 1, 4095])
def test_a_descriptor_that_names_fewer_entries_than_there_are(named):
    item = table(CURVE, 0, 12)
    item.LUTDescriptor = [named, 0, 12]
    film = read(dicom(CHEST, VOILUTSequence=[item], **TWELVE_BITS))
    np.testing.assert_allclose(film.pixels, curved(), atol=1e-3)


@pytest.mark.parametrize("missing", [1, 300])
def test_a_short_table_goes_on_with_its_last_entry(missing):
    item = table(CURVE[:-missing], 0, 12)
    item.LUTDescriptor = [4096, 0, 12]
    film = read(dicom(CHEST, VOILUTSequence=[item], **TWELVE_BITS))
    expected = np.array(CURVE)[np.minimum(CHEST, 4095 - missing)] / 4095
    np.testing.assert_allclose(film.pixels, expected, atol=1e-5)


def test_a_short_modality_table_goes_on_with_its_last_entry():
    item = table([2 * n for n in range(4000)], 0, 16)
    item.LUTDescriptor = [4096, 0, 16]
    film = read(
        dicom(
            CHEST,
            ModalityLUTSequence=[item],
            WindowCenter="4000",
            WindowWidth="6000",
            **TWELVE_BITS,
        )
    )
    expected = np.clip((2.0 * np.minimum(CHEST, 3999) - 3999.5) / 5999 + 0.5, 0, 1)
    np.testing.assert_allclose(film.pixels, expected, atol=1e-5)


def test_a_table_that_shows_nothing_gives_way_to_the_window():
    film = read(
        dicom(
            CHEST,
            VOILUTSequence=[table([7] * 4096, 0, 12)],
            WindowCenter="2000",
            WindowWidth="2500",
            **TWELVE_BITS,
        )
    )
    np.testing.assert_allclose(film.pixels, np.clip((CHEST - 1999.5) / 2499 + 0.5, 0, 1), atol=1e-5)
    assert "table" in film.warnings[0]


# --- optional data that are broken ---------------------------------------------------------------


def _without(name: str) -> Dataset:
    item = table(CURVE, 0, 12)
    delattr(item, name)
    return item


BROKEN = {
    "an empty item": Dataset(),
    "no data": _without("LUTData"),
    "no descriptor": _without("LUTDescriptor"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("sequence", ["VOILUTSequence", "ModalityLUTSequence"])
def test_a_broken_table_beside_a_good_window(case, sequence):
    window = {"WindowCenter": "2000", "WindowWidth": "2500"}
    film = read(dicom(CHEST, **{sequence: [BROKEN[case]]}, **window, **TWELVE_BITS))
    expected = np.clip((CHEST - 1999.5) / 2499 + 0.5, 0, 1)
    np.testing.assert_allclose(film.pixels, expected, atol=1e-5)
    assert "table" in film.warnings[0]


@pytest.mark.parametrize("element", ["WindowCenter", "RescaleSlope", "PixelSpacing"])
def test_numbers_that_are_none_do_not_refuse_a_film(element):
    data = dicom(CHEST, **{element: ["1.25", "1.25"]}, **TWELVE_BITS)
    assert b"1.25\\1.25" in data
    film = read(data.replace(b"1.25\\1.25", b"a^b c\\d,e"))
    assert film.pixels.std() > 0.1
    assert "a^b" not in str(film.warnings)


# --- enhanced files -----------------------------------------------------------------------------


def group(**macros: Dataset) -> Dataset:
    item = Dataset()
    for name, macro in macros.items():
        setattr(item, name, Sequence([macro]))
    return item


def macro(**elements) -> Dataset:
    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return item


def test_window_slope_and_spacing_of_functional_groups():
    shared = group(
        PixelValueTransformationSequence=macro(
            RescaleSlope="2", RescaleIntercept="-100", RescaleType="US"
        ),
        PixelMeasuresSequence=macro(PixelSpacing=["0.2", "0.2"]),
        FrameVOILUTSequence=macro(WindowCenter="7", WindowWidth="9"),
    )
    frames = [
        group(FrameVOILUTSequence=macro(WindowCenter=center, WindowWidth="5000"))
        for center in ("4000", "100")
    ]
    film = read(
        dicom(
            CHEST,
            NumberOfFrames=2,
            PixelData=CHEST.tobytes() * 2,
            SharedFunctionalGroupsSequence=[shared],
            PerFrameFunctionalGroupsSequence=frames,
            **TWELVE_BITS,
        )
    )
    expected = np.clip((2.0 * CHEST - 100 - 3999.5) / 4999 + 0.5, 0, 1)
    np.testing.assert_allclose(film.pixels, expected, atol=1e-5)
    assert film.spacing_mm == (0.2, 0.2)


def test_the_header_itself_comes_before_functional_groups():
    shared = group(FrameVOILUTSequence=macro(WindowCenter="100", WindowWidth="9"))
    window = {"WindowCenter": "2000", "WindowWidth": "2500"}
    film = read(dicom(CHEST, SharedFunctionalGroupsSequence=[shared], **window, **TWELVE_BITS))
    np.testing.assert_array_equal(film.pixels, read(dicom(CHEST, **window, **TWELVE_BITS)).pixels)


def test_a_table_of_functional_groups():
    item = table(list(range(4095, -1, -1)), 0, 12)
    shared = group(FrameVOILUTSequence=macro(VOILUTSequence=Sequence([item])))
    film = read(dicom(CHEST, SharedFunctionalGroupsSequence=[shared], **TWELVE_BITS))
    np.testing.assert_allclose(film.pixels, 1 - CHEST / 4095, atol=1e-5)
    assert film.warnings == ()


# --- luma and chroma, planes --------------------------------------------------------------------


def without_markers(stream: bytes) -> bytes:
    """A JPEG without APPn segments: nothing says what its channels are."""
    position, kept = 2, [stream[:2]]
    while stream[position + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", stream, position + 2)
        if not 0xE0 <= stream[position + 1] <= 0xEF:
            kept.append(stream[position : position + 2 + length])
        position += 2 + length
    return b"".join(kept) + stream[position:]


COLORED = Image.fromarray(EIGHT).convert("RGB")
COLORS = np.repeat(EIGHT[..., None], 3, axis=-1)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("markers", [True, False])
def test_luma_and_chroma_whatever_the_file_calls_them(photometric, planar, markers):
    stream = picture(COLORED, "JPEG", quality=95)
    film = read(
        dicom(
            COLORS,
            stream=stream if markers else without_markers(stream),
            syntax=uid.JPEGBaseline8Bit,
            PhotometricInterpretation=photometric,
            PlanarConfiguration=planar,
        )
    )
    np.testing.assert_allclose(film.pixels, EIGHT / 255, atol=0.04)
    if photometric == "RGB" and not markers:
        assert "mistakes" in film.warnings[0]
    else:
        assert film.warnings == ()


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_red_green_and_blue_whatever_the_file_calls_them(photometric):
    film = read(dicom(COLORS, PhotometricInterpretation=photometric))
    np.testing.assert_allclose(film.pixels, EIGHT / 255, atol=1e-6)
    assert bool(film.warnings) == (photometric == "YBR_FULL")


def test_uncompressed_luma_and_chroma_in_a_file_that_says_rgb():
    channels = np.full_like(COLORS, 128)
    channels[..., 0] = EIGHT
    film = read(dicom(channels))
    np.testing.assert_allclose(film.pixels, EIGHT / 255, atol=1e-6)
    assert "mistakes" in film.warnings[0]


def test_a_picture_in_color_is_still_read_by_its_own_words():
    colors = np.zeros((60, 90, 3), np.uint8)
    colors[:, :30, 0] = colors[:, 30:60, 1] = colors[:, 60:, 2] = 255
    film = read(dicom(colors))
    np.testing.assert_allclose(film.pixels[0, ::30], [0.299, 0.587, 0.114], atol=1e-5)
    assert film.warnings == ()


def as_components(stream: bytes, transform: int) -> bytes:
    """A JPEG whose Adobe marker says what its channels are: 0 RGB, 1 luma and chroma."""
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
    return stream[:2] + adobe + without_markers(stream)[2:]


def test_a_plain_jpeg_whose_marker_mistakes_luma_for_red():
    stream = as_components(picture(COLORED, "JPEG", quality=95), transform=0)
    film = read(stream)
    np.testing.assert_allclose(film.pixels, EIGHT / 255, atol=0.04)
    assert "mistakes" in film.warnings[0]


def test_a_plain_jpeg_whose_marker_mistakes_red_for_luma():
    file = io.BytesIO()
    COLORED.save(file, "JPEG", quality=95, keep_rgb=True)
    film = read(as_components(renamed(file.getvalue()), transform=1))
    np.testing.assert_allclose(film.pixels, EIGHT / 255, atol=0.04)
    assert "mistakes" in film.warnings[0]


def renamed(stream: bytes) -> bytes:
    """Components called 1, 2, 3 rather than R, G, B."""
    frame = stream.index(b"\xff\xc0")
    scan = stream.index(b"\xff\xda")
    changed = bytearray(stream)
    for number in range(3):
        changed[frame + 10 + 3 * number] = changed[scan + 5 + 2 * number] = number + 1
    return bytes(changed)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("name", ["SC_rgb_jpeg_gdcm.dcm", "SC_rgb_jls_lossy_sample.dcm"])
def test_planes_mean_nothing_once_compressed(planar, name):
    header = dcmread(str(get_testdata_file(name, download=False)))
    header.PlanarConfiguration = planar
    file = io.BytesIO()
    header.save_as(file)
    plain = read(str(get_testdata_file("SC_rgb.dcm", download=False))).pixels
    np.testing.assert_allclose(read(file.getvalue()).pixels, plain, atol=0.02)


@pytest.mark.parametrize("planar", [0, 1])
def test_planes_mean_nothing_in_jpeg_2000(planar):
    colors = COLORS.copy()
    colors[..., 1] //= 2
    stream = picture(Image.fromarray(colors), "JPEG2000", no_jp2=True, irreversible=False)
    film = read(
        dicom(colors, stream=stream, syntax=uid.JPEG2000Lossless, PlanarConfiguration=planar)
    )
    expected = colors @ np.array([0.299, 0.587, 0.114]) / 255
    np.testing.assert_allclose(film.pixels, expected, atol=0.01)


# --- pictures of 16 bits and more than one channel ------------------------------------------------


def deep_png(channels: np.ndarray, kind: int) -> bytes:
    """A PNG of 16 bits a channel; kind 2: RGB, 4: gray and alpha, 6: RGBA."""

    def chunk(name: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)

    height, width = channels.shape[:2]
    lines = channels.astype(">u2").reshape(height, -1).view(np.uint8)
    body = np.insert(lines, 0, 0, axis=1).tobytes()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


def stacked(values: np.ndarray, channels: int, opaque: int | None = None) -> np.ndarray:
    several = np.repeat(values[..., None], channels, axis=-1)
    if opaque is not None:
        several[..., -1] = opaque
    return several


@pytest.mark.parametrize("values", [CHEST, CHEST << 4 | 5, CHEST >> 4], ids=["12", "16", "8"])
@pytest.mark.parametrize(
    ("channels", "kind", "opaque"), [(3, 2, None), (4, 6, 65535), (2, 4, 65535), (4, 6, 4095)]
)
def test_deep_png_in_color_or_with_alpha_reads_as_the_gray_one(values, channels, kind, opaque):
    film = read(deep_png(stacked(values, channels, opaque), kind))
    gray = read(picture(Image.fromarray(values), "PNG"))
    np.testing.assert_allclose(film.pixels, gray.pixels, atol=1e-5)
    assert film.bits == gray.bits


def test_deep_png_in_color_gives_luma_and_transparency_black():
    colors = np.zeros((40, 60, 4), np.uint16)
    colors[:, :20, 0] = colors[:, 20:40, 1] = colors[:, 40:, 2] = 65535
    colors[:30, :, 3] = 65535
    film = read(deep_png(colors, 6))
    np.testing.assert_allclose(film.pixels[0, ::20], np.array([0.299, 0.587, 0.114]), atol=1e-4)
    assert not film.pixels[30:].any()


def tiff(channels: np.ndarray, order: str = "<", planes: bool = False) -> bytes:
    """An uncompressed TIFF of 16 bits a channel, RGB."""
    height, width = channels.shape[:2]
    stored = np.moveaxis(channels, -1, 0) if planes else channels
    body = stored.astype(f"{order}u2").tobytes()
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    strips, offset = (3, 400) if planes else (1, 400)
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, 300),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, strips, offset if strips == 1 else 320),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, strips, len(body) if strips == 1 else 340),
        (284, 3, 1, 2 if planes else 1),
    ]
    packed = struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        packed += struct.pack(f"{order}HHI", tag, kind, count)
        if kind == 3 and count == 1:
            packed += struct.pack(f"{order}HH", value, 0)
        else:
            packed += struct.pack(f"{order}I", value)
    head = mark + struct.pack(f"{order}I", 8) + packed + bytes(4)
    head = head.ljust(300, b"\0") + struct.pack(f"{order}3H", 16, 16, 16)
    part = len(body) // 3
    head = head.ljust(320, b"\0") + struct.pack(
        f"{order}3I", *(offset + part * n for n in range(3))
    )
    head = head.ljust(340, b"\0") + struct.pack(f"{order}3I", part, part, part)
    return head.ljust(400, b"\0") + body


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planes", [False, True])
def test_deep_tiff_in_color_reads_as_the_gray_one(order, planes):
    film = read(tiff(stacked(CHEST, 3), order, planes))
    np.testing.assert_allclose(film.pixels, CHEST / 4095, atol=1e-5)
    assert film.bits == 12


def test_planes_of_deep_tiff_that_are_compressed_are_refused_rather_than_read_in_eight_bits():
    data = bytearray(tiff(stacked(CHEST, 3), planes=True))
    planes = [zlib.compress(CHEST.astype("<u2").tobytes())] * 3
    struct.pack_into("<H", data, data.index(struct.pack("<HHI", 259, 3, 1)) + 8, 8)  # deflate
    struct.pack_into("<3I", data, 320, *(400 + len(planes[0]) * n for n in range(3)))
    struct.pack_into("<3I", data, 340, *map(len, planes))
    assert "cannot decode" in refusal(bytes(data[:400]) + b"".join(planes))


def test_deep_color_in_dicom_has_a_bit_depth_too():
    film = read(dicom(stacked(CHEST, 3)))
    np.testing.assert_allclose(film.pixels, CHEST / 4095, atol=1e-5)


def test_deep_png_is_turned_as_its_exif_data_say():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = deep_png(stacked(CHEST, 3), 2)
    body = exif.tobytes()
    body = body.removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body
    chunk += struct.pack(">I", zlib.crc32(b"eXIf" + body))
    film = read(data[:33] + chunk + data[33:])
    np.testing.assert_allclose(film.pixels, np.rot90(CHEST, -1) / 4095, atol=1e-5)


# --- ends of compressed pictures ------------------------------------------------------------------

END = b"\xff\xd9"
JPEGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "color": {"color": True},
    "restarts": {"restart_marker_rows": 2},
    "best": {"quality": 98, "optimize": True},
}


def jpeg(case: str) -> bytes:
    options = {"quality": 90} | JPEGS[case]
    return picture(
        COLORED if options.pop("color", False) else Image.fromarray(EIGHT), "JPEG", **options
    )


def in_dicom(stream: bytes, color: bool) -> bytes:
    photometric = {"PhotometricInterpretation": "YBR_FULL_422"} if color else {}
    values = COLORS if color else EIGHT
    return dicom(values, stream=stream, syntax=uid.JPEGBaseline8Bit, **photometric)


@pytest.mark.parametrize("case", JPEGS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.95, 0.99])
@pytest.mark.parametrize("junk", [b"", bytes(40), b"\x12\x34" * 50 + END])
def test_data_that_end_early_are_refused_although_an_end_is_marked(case, share, junk):
    stream = jpeg(case)
    cut = stream[: int(len(stream) * share)].rstrip(b"\xff") + END + junk
    assert "cut short" in refusal(cut)
    if not junk:
        assert "end too early" in refusal(in_dicom(cut, case == "color"))


@pytest.mark.parametrize("case", JPEGS)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_picture_without_its_end_marker_is_read_with_a_word_on_it(case, missing):
    stream = jpeg(case)
    film, whole = read(stream[:-missing]), read(stream)
    np.testing.assert_array_equal(film.pixels, whole.pixels)
    assert whole.warnings == () and "end marker" in film.warnings[0]
    film = read(in_dicom(stream[:-missing], case == "color"))
    np.testing.assert_allclose(film.pixels, read(in_dicom(stream, case == "color")).pixels)
    assert "end marker" in film.warnings[0]


def test_passes_that_are_missing_are_refused():
    stream = jpeg("progressive")
    last = stream.rindex(b"\xff\xda")
    tables = stream.rfind(b"\xff\xc4", 0, last)
    assert "cut short" in refusal(stream[:tables] + END)


def test_jpeg_2000_without_its_end_marker():
    whole = picture(Image.fromarray(EIGHT), "JPEG2000", no_jp2=True)
    film = read(dicom(EIGHT, stream=whole[:-2], syntax=uid.JPEG2000Lossless))
    assert "end marker" in film.warnings[0]
    np.testing.assert_allclose(film.pixels, EIGHT / 255, atol=1e-6)
    cut = whole[: len(whole) // 2] + END
    assert "damaged" in refusal(dicom(EIGHT, stream=cut, syntax=uid.JPEG2000Lossless))


@pytest.mark.parametrize("name", ["JPEG-LL.dcm", "JPEGLSNearLossless_08.dcm", "JPGExtended.dcm"])
def test_lossless_jpeg_and_jpeg_ls_that_end_early_are_refused(name):
    header = dcmread(str(get_testdata_file(name, download=False)))
    stream = get_frame(header.PixelData, 0, number_of_frames=1)
    cut = stream[: int(len(stream) * 0.8)].rstrip(b"\xff") + END
    header.PixelData = encapsulate([cut])
    file = io.BytesIO()
    header.save_as(file)
    assert "end too early" in refusal(file.getvalue())


def test_real_jpegs_are_never_taken_for_cut_short(data):
    files = sorted((data / "nih" / "images").glob("*.jpg"))[:300]
    files += sorted((data / "fracatlas" / "images").glob("*.jpg"))[:300]
    assert len(files) == 600
    for file in files:
        assert jpeg_stream.checked(file.read_bytes()).warnings == (), file.name


# --- bits ---------------------------------------------------------------------------------------


def test_values_above_the_bits_stored_are_said():
    film = read(dicom(CHEST, BitsStored=10, HighBit=9))
    assert "more bits" in film.warnings[0]
    assert read(dicom(CHEST, **TWELVE_BITS)).warnings == ()


def test_negative_values_are_no_values_above_the_bits_stored():
    values = CHEST.astype(np.int16) - 2048
    film = read(dicom(values, PixelRepresentation=1, **TWELVE_BITS))
    assert film.warnings == ()
    bare = (values.astype(np.uint16) & 4095).astype(np.int16)  # without their sign above
    other = read(dicom(bare, PixelRepresentation=1, **TWELVE_BITS))
    np.testing.assert_array_equal(other.pixels, film.pixels)
    assert other.warnings == ()


@pytest.mark.parametrize("high", [7, 13, 15])
def test_a_high_bit_at_odds_is_said_and_the_values_tell(high):
    film = read(dicom(CHEST, BitsStored=12, HighBit=high))
    assert "High Bit" in film.warnings[0]
    np.testing.assert_array_equal(film.pixels, read(dicom(CHEST, **TWELVE_BITS)).pixels)


def test_bits_above_that_are_an_overlay_are_no_mistake():
    drawn = CHEST.copy()
    drawn[40:80, 40:80] |= 1 << 13
    header = dcmread(io.BytesIO(dicom(drawn, **TWELVE_BITS)))
    assert "more bits" in read(dicom(drawn, **TWELVE_BITS)).warnings[0]
    header.add_new(0x60020100, "US", 16)
    header.add_new(0x60020102, "US", 13)
    file = io.BytesIO()
    header.save_as(file)
    film = read(file.getvalue())
    assert film.warnings == ()
    np.testing.assert_array_equal(film.pixels, read(dicom(CHEST, **TWELVE_BITS)).pixels)


# --- the sign of stored values ------------------------------------------------------------------

SIGNED = CHEST.astype(np.int16) - 2048


@pytest.mark.parametrize(
    "syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless, uid.JPEG2000Lossless]
)
@pytest.mark.parametrize(
    ("values", "center"), [(CHEST, "2048"), (SIGNED, "0")], ids=["unsigned", "signed"]
)
def test_a_sign_that_contradicts_the_picture_is_said_and_the_picture_tells(values, center, syntax):
    window = {"WindowCenter": center, "WindowWidth": "3000"}
    header = dcmread(io.BytesIO(dicom(values, **window, **TWELVE_BITS)))
    if syntax.is_encapsulated:
        header.compress(syntax)
    right, wrong = io.BytesIO(), io.BytesIO()
    header.save_as(right)
    header.PixelRepresentation = 1 - header.PixelRepresentation
    header.save_as(wrong)
    expected, film = read(right.getvalue()), read(wrong.getvalue())
    assert expected.warnings == ()
    assert "can be negative" in film.warnings[-1]
    np.testing.assert_allclose(film.pixels, expected.pixels, atol=1e-5)


def test_eight_bits_that_are_said_to_be_signed():
    film = read(dicom(EIGHT, PixelRepresentation=1))
    assert "can be negative" in film.warnings[0]
    np.testing.assert_allclose(film.pixels, EIGHT / 255, atol=1e-6)


@pytest.mark.parametrize("beside", [0, 65535])
@pytest.mark.parametrize("scale", [1, 15])
def test_padding_at_either_end_is_no_wrong_sign(beside, scale):
    film = read(dicom(labelled(beside, (slice(None), slice(0, 90)), CHEST * scale)))
    assert film.warnings == ()


# --- sentences on compressions -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("syntax", "part"),
    [
        ("1.2.840.113619.5.2", "private"),
        ("1.3.46.670589.33.1.4.1", "private"),
        ("1.2.840.10008.1.2.4.110", "JPEG XL"),
        ("1.2.840.10008.1.2.4.112", "JPEG XL"),
        ("1.2.840.10008.1.2.4.94", "server"),
        ("1.2.840.10008.1.2.4.204", "server"),
        ("1.2.840.10008.1.2.4.92", "several components"),
        ("1.2.840.10008.1.2.4.100", "video"),
        ("1.2.840.10008.1.2.4.107", "video"),
        ("1.2.840.10008.1.2.4.58", "retired"),
        ("1.2.840.10008.1.2.99.9", "none that it knows"),
    ],
)
def test_why_a_compression_cannot_be_decoded(syntax, part):
    known = b"1.2.840.10008.1.2.4.100"
    written = syntax.encode().ljust(len(known), b"\0")
    data = dicom(EIGHT, stream=b"\x00\x01" * 99, syntax=uid.UID(known.decode()))
    sentence = refusal(data.replace(known, written))
    assert "compressed in a way" in sentence and part in sentence
    others = [other for other in ("private", "JPEG XL", "server", "video") if other != part]
    assert not any(other in sentence for other in others)


def test_no_compression_is_both_read_and_refused():
    text = str(dicom_terms.cannot_decode("1.2.840.10008.1.2.4.50"))
    assert re.search("none that it knows", text)

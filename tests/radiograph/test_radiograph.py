"""Reading pictures, and refusing what is none. DICOM is in test_dicom.py."""

import gzip
import re
import struct
import zipfile
import zlib
from io import BytesIO

import numpy as np
import pytest
from drawing import dicom, picture, ramp
from hypothesis import event, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from xray_models.radiograph import MOST_BYTES, Radiograph, UnreadableRadiograph, read, reader
from xray_models.radiograph.types import check_size

GREY = ramp().astype(np.uint8)
SPECKLED = np.random.default_rng(5).permuted(GREY, axis=1)  # hard to compress: every byte matters
LOSSLESS = [("PNG", {}), ("TIFF", {}), ("BMP", {}), ("WEBP", {"lossless": True})]
KINDS = [*LOSSLESS, ("JPEG", {"quality": 95})]


def opened(data: bytes) -> np.ndarray:
    film = read(data)
    assert film.pixels.dtype == np.float32
    assert 0 <= film.pixels.min() <= film.pixels.max() <= 1
    return film.pixels


# --- formats and modes ---------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_grey_of_eight_bits_keeps_its_values(kind, options, mode):
    data = picture(Image.fromarray(GREY).convert(mode), kind, **options)
    film = read(data)
    assert film.source_format.upper() == kind
    assert (film.height, film.width) == GREY.shape
    assert film.bits == 8
    np.testing.assert_array_equal(np.rint(film.pixels * 255), GREY)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(mode, progressive):
    data = picture(Image.fromarray(GREY).convert(mode), "JPEG", quality=95, progressive=progressive)
    np.testing.assert_allclose(opened(data), GREY / 255, atol=0.03)


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_the_kind_is_told_by_content_not_by_name(kind, options, tmp_path):
    path = tmp_path / "film.pdf"
    path.write_bytes(picture(Image.fromarray(GREY), kind, **options))
    assert read(path).source_format.upper() == kind
    assert read(str(path)).pixels.shape == GREY.shape


def test_color_becomes_luma():
    colors = np.zeros((1, 3, 3), np.uint8)
    colors[0] = np.diag([255, 255, 255])
    luma = opened(picture(Image.fromarray(colors), "PNG"))
    np.testing.assert_allclose(luma, [[0.299, 0.587, 0.114]], atol=0.003)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_steps(kind):
    deep = ramp(white=65535).astype(np.uint16)
    film = read(picture(Image.fromarray(deep), kind))
    assert film.bits == 16
    np.testing.assert_allclose(film.pixels, deep / 65535, atol=1e-6)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_a_shallower_film_in_sixteen_bits_is_not_black(bits):
    shallow = ramp(white=2**bits - 1).astype(np.uint16)
    film = read(picture(Image.fromarray(shallow), "PNG"))
    assert film.bits == bits
    np.testing.assert_allclose(film.pixels, shallow / (2**bits - 1), atol=1e-6)


def test_sixteen_bits_all_black_stay_black():
    assert not opened(picture(Image.fromarray(np.zeros((4, 5), np.uint16)), "PNG")).any()


@pytest.mark.parametrize(("white", "kind"), [(255, np.uint8), (65535, np.uint16), (255, np.uint16)])
def test_tiff_where_white_is_zero(white, kind):
    values = ramp(white=white).astype(kind)
    data = bytearray(picture(Image.fromarray(values), "TIFF"))
    entry = data.index(struct.pack("<HHI", 262, 3, 1))  # photometric interpretation: SHORT, one
    struct.pack_into("<H", data, entry + 8, 0)
    np.testing.assert_allclose(opened(bytes(data)), 1 - values / values.max(), atol=1e-6)


def tiff(values: np.ndarray, order: str, white_is_zero: bool = False) -> bytes:
    """An uncompressed gray TIFF of any samples, in either byte order."""
    height, width = values.shape
    tags = {
        256: width,
        257: height,
        258: 8 * values.dtype.itemsize,
        259: 1,
        262: int(not white_is_zero),
        273: 200,
        277: 1,
        278: height,
        279: values.nbytes,
        339: "uif".index(values.dtype.kind) + 1,
    }
    entries = b""
    for tag, value in tags.items():
        kind = 4 if tag in (273, 279) else 3
        form = f"{order}HHII" if kind == 4 else f"{order}HHIHxx"
        entries += struct.pack(form, tag, kind, 1, value)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}IH", 8, len(tags)) + entries + bytes(4)
    return head.ljust(200, b"\0") + values.astype(values.dtype.newbyteorder(order)).tobytes()


SAMPLES = {  # the white and the number of its black, from which it counts
    "uint8": (255, 0),
    "int8": (255, 128),
    "uint16": (65535, 0),
    "int16": (65535, 32768),
    "uint32": (2**32 - 1, 0),
    "int32": (2**32 - 1, 2**31),
    "float32": (1000, 500),
}
# Pillow does not open the one that is left out
BOTH_ORDERS = [(kind, "<") for kind in SAMPLES] + [
    (kind, ">") for kind in SAMPLES if kind != "uint32"
]


@pytest.mark.parametrize(("kind", "order"), BOTH_ORDERS)
def test_tiff_of_signed_unsigned_and_float_samples(kind, order):
    white, offset = SAMPLES[kind]
    data = tiff((ramp(white=white) - offset).astype(kind), order)
    np.testing.assert_allclose(opened(data), ramp(white=white) / white, atol=1e-6)


@pytest.mark.parametrize(("kind", "order"), [one for one in BOTH_ORDERS if one[0][0] in "uf"])
def test_tiff_where_white_is_zero_in_either_byte_order(kind, order, tmp_path):
    white, offset = SAMPLES[kind]
    data = tiff((ramp(white=white) - offset).astype(kind), order, white_is_zero=True)
    np.testing.assert_allclose(opened(data), 1 - ramp(white=white) / white, atol=1e-6)
    (tmp_path / "film.tif").write_bytes(data)
    assert reader.size(tmp_path / "film.tif") == (32, 24)


def test_a_transparent_gray_of_sixteen_bits_is_black():
    values = ramp(white=65535).astype(np.uint16)
    data = picture(Image.fromarray(values), "PNG")
    body = b"tRNS" + struct.pack(">H", values[9, 9])
    chunk = struct.pack(">I", 2) + body + struct.pack(">I", zlib.crc32(body))
    at = data.index(b"IDAT") - 4
    pixels = opened(data[:at] + chunk + data[at:])
    expected = values / 65535
    expected[9, 9] = 0
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


def test_thirty_two_bits_span_from_their_darkest_to_their_brightest():
    values = ramp(white=1000).astype(np.int32) - 500
    np.testing.assert_allclose(
        opened(picture(Image.fromarray(values), "TIFF")), (values + 500) / 1000, atol=1e-6
    )
    floats = ramp(white=1000).astype(np.float32)
    floats[3, 4], floats[5, 6] = np.nan, np.inf
    pixels = opened(picture(Image.fromarray(floats), "TIFF"))
    assert pixels[3, 4] == 0
    np.testing.assert_allclose(pixels[7:], floats[7:] / 1000, atol=1e-6)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_one_bit(kind):
    drawn = GREY > 100
    film = read(picture(Image.fromarray(drawn), kind))
    np.testing.assert_array_equal(film.pixels, drawn)
    assert film.bits == 1


def test_palette():
    image = Image.fromarray(255 - GREY).convert("P")
    image.putpalette([value for gray in range(255, -1, -1) for value in (gray,) * 3])
    indices = np.asarray(image)
    np.testing.assert_allclose(opened(picture(image, "PNG")), 1 - indices / 255, atol=1e-6)


def test_transparent_is_black():
    alpha = np.full_like(GREY, 255)
    alpha[:, :10] = 0
    alpha[:, 10] = 128
    for mode in ("RGBA", "LA"):
        image = Image.fromarray(np.full_like(GREY, 200)).convert(mode)
        image.putalpha(Image.fromarray(alpha))
        pixels = opened(picture(image, "PNG"))
        assert not pixels[:, :10].any()
        np.testing.assert_allclose(pixels[:, 10], 200 / 255 * 128 / 255, atol=0.005)
        np.testing.assert_allclose(pixels[:, 11:], 200 / 255, atol=1e-6)


def test_a_transparent_color_is_black():
    image = Image.fromarray(np.where(GREY > 100, np.uint8(250), np.uint8(40)))
    pixels = opened(picture(image, "PNG", transparency=250))
    np.testing.assert_allclose(pixels, np.where(GREY > 100, 0, 40 / 255), atol=1e-6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(kind, orientation):
    upright = np.zeros((40, 60), np.uint8)
    upright[:20, :30] = 255  # bright at the top left
    back = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: np.transpose,
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).T,
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(back(upright)))
    options = {"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": exif}
    pixels = opened(picture(image, kind, quality=95, **options))
    assert pixels.shape == upright.shape
    np.testing.assert_allclose(pixels, upright / 255, atol=0.2)
    assert pixels[10, 15] > 0.9


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_of_several_pictures_the_first_is_read(kind):
    others = [Image.fromarray(np.roll(GREY, shift, 0)) for shift in (5, 9)]
    first = Image.fromarray(GREY)
    options = {"lossless": True} if kind == "WEBP" else {}
    data = picture(first, kind, save_all=True, append_images=others, **options)
    with Image.open(BytesIO(data)) as image:
        assert len(list(ImageSequence.Iterator(image))) == 3
    film = read(data)
    assert film.frames == 3
    assert film.warnings == ("The file holds 3 pictures; only the first was read.",)
    assert film.facts()["Frames"] == "3 (the first is shown)"
    np.testing.assert_array_equal(np.rint(film.pixels * 255), GREY)


def test_a_tiff_of_very_many_pages_is_not_walked_to_its_end():
    data = bytearray(picture(Image.fromarray(GREY[:1, :1]), "TIFF"))
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    directory = bytes(data[first : first + 2 + 12 * entries])
    link = first + len(directory)
    for _ in range(5000):
        struct.pack_into("<I", data, link, len(data))
        data += directory
        link = len(data)
        data += bytes(4)
    assert read(bytes(data)).frames == 1000


@pytest.mark.parametrize("where", [10**6, 8])
def test_a_tiff_whose_second_page_is_damaged_still_has_its_first(where):
    data = bytearray(picture(Image.fromarray(GREY), "TIFF"))
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * entries, where)
    film = read(bytes(data))
    assert film.frames == 1
    np.testing.assert_array_equal(np.rint(film.pixels * 255), GREY)


# --- facts ---------------------------------------------------------------------------------------


def test_facts_of_a_picture():
    film = read(picture(Image.fromarray(GREY), "PNG"))
    assert film.facts() == {
        "File format": "PNG",
        "Width × height": "32 × 24 pixels",
        "Bits per sample": "8",
    }
    assert film.warnings == ()


def test_text_in_a_picture_is_not_passed_on():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", "Jane Doe, born 1947")
    film = read(picture(Image.fromarray(GREY), "PNG", pnginfo=info))
    assert "Doe" not in f"{film!r} {film.facts()} {film.warnings}"


def test_a_film_can_be_a_key():
    film = Radiograph(np.zeros((2, 2), np.float32), "drawn")
    assert {film: 1}[film] == 1
    assert film != Radiograph(np.zeros((2, 2), np.float32), "drawn")


# --- refusals ------------------------------------------------------------------------------------


def refusal(data: bytes | str) -> str:
    with pytest.raises(UnreadableRadiograph) as caught:
        read(data)
    sentence = str(caught.value)
    assert sentence[0].isupper() and sentence.endswith(".")
    wrong, remedy = re.split(r"[.:] ", sentence, maxsplit=1)
    assert wrong and remedy
    return sentence


def zipped() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("film.png", picture(Image.fromarray(GREY), "PNG"))
    return file.getvalue()


REFUSED = {
    "empty": (b"", "is empty"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "pdf after junk": (b"\n" * 20 + b"%PDF-1.4", "PDF"),
    "zip": (zipped(), "ZIP"),
    "gzip": (gzip.compress(b"film"), "archive"),
    "office": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "office"),
    "gif": (picture(Image.fromarray(GREY), "GIF"), "GIF"),
    "jpeg 2000": (picture(Image.fromarray(GREY), "JPEG2000"), "JPEG 2000"),
    "text": (b"Chest PA: no acute abnormality.\n" * 20, "not a picture"),
    "html": (b"\n<!DOCTYPE html><html></html>", "web page"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400), "HEIC"),
    "heif": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(400), "HEIC"),
    "avif": (b"\0\0\0\x1cftypavif\0\0\0\0" + bytes(400), "AVIF"),
    "video": (b"\0\0\0\x1cftypisom\0\0\2\0" + bytes(400), "video"),
    "jpeg xl": (b"\xff\x0a" + bytes(400), "JPEG XL"),
    "jpeg xl, boxed": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(400), "JPEG XL"),
    "jpeg 2000 stream": (b"\xff\x4f\xff\x51" + bytes(400), "JPEG 2000"),
    "git lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "noise": (np.random.default_rng(0).bytes(5000), "not a picture"),
    "zeros": (bytes(5000), "not a picture"),
    "one byte": (b"\x89", "not a picture"),
    "only a signature": (b"\x89PNG\r\n\x1a\n", "damaged"),
    "cut short": (picture(Image.fromarray(SPECKLED), "PNG")[:-200], "cut short"),
    "too large": (bytes(MOST_BYTES + 1), "25"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_sentence(case):
    data, part = REFUSED[case]
    assert part in refusal(data)


def test_each_kind_of_refusal_has_its_own_sentence():
    cases = ("empty", "pdf", "zip", "gzip", "gif", "text", "cut short", "too large")
    assert len({refusal(REFUSED[case][0]) for case in cases}) == len(cases)


def test_a_file_of_just_25_mb_is_not_too_large():
    data = picture(Image.fromarray(GREY), "BMP")
    assert read(data + bytes(MOST_BYTES - len(data))).pixels.shape == GREY.shape


def test_paths_that_cannot_be_read(tmp_path):
    assert "no such file" in refusal(str(tmp_path / "JANE_DOE.png"))
    assert "folder" in refusal(str(tmp_path))
    assert "JANE" not in refusal(str(tmp_path / "JANE_DOE.png"))
    assert refusal("film\0.png")


def test_a_large_file_is_refused_by_its_size_alone(tmp_path):
    path = tmp_path / "film.dcm"
    with path.open("wb") as file:
        file.truncate(50 * 2**30)  # sparse: reading it would end the test
    assert "51200.0 MB" in refusal(str(path))


def png_of(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds one line of it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = zlib.compress(bytes(width + 1))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", [(60_001, 1000), (10_000, 9_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)]
)
def test_sixty_megapixels_are_the_limit_before_decoding(size, monkeypatch):
    def decoded(*_):
        raise AssertionError("decoded before the size was checked")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    assert "60" in refusal(png_of(*size))


def test_the_limit_itself_is_allowed():
    check_size(60_000, 1000)
    with pytest.raises(UnreadableRadiograph):
        check_size(60_000, 1001)


def test_warning_filters_are_left_as_they_were():
    import warnings

    before = list(warnings.filters)
    read(picture(Image.fromarray(GREY), "PNG"))
    read(dicom())
    assert warnings.filters == before


# --- damage: never half a picture, never another error --------------------------------------------

FILES = {
    f"{kind}": picture(Image.fromarray(SPECKLED), kind, **options) for kind, options in KINDS
} | {
    "JPEG, color": picture(Image.fromarray(SPECKLED).convert("RGB"), "JPEG"),
    "JPEG, progressive": picture(Image.fromarray(SPECKLED), "JPEG", progressive=True),
    "PNG, 16 bits": picture(Image.fromarray((257 * SPECKLED.astype(int)).astype(np.uint16)), "PNG"),
    "PNG, palette": picture(Image.fromarray(SPECKLED).convert("P"), "PNG"),
    "TIFF, deflated": picture(Image.fromarray(SPECKLED), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, LZW": picture(Image.fromarray(SPECKLED), "TIFF", compression="tiff_lzw"),
    "TIFF, fax": picture(Image.fromarray(SPECKLED > 99), "TIFF", compression="group4"),
    "BMP, 1 bit": picture(Image.fromarray(SPECKLED > 99), "BMP"),
    "DICOM": dicom(SPECKLED),
    "DICOM, no preamble": dicom(preamble=False),
    "text": b"no film at all, but some text",
}


@pytest.mark.parametrize("name", [name for name in FILES if name != "text"])
def test_a_file_cut_short_is_refused_or_still_whole(name):
    data = FILES[name]
    whole = read(data).pixels
    step = max(1, len(data) // 150)
    refused = 0
    for length in [*range(0, len(data), step), *range(max(0, len(data) - 20), len(data))]:
        try:
            pixels = read(data[:length]).pixels
        except UnreadableRadiograph:
            refused += 1
        else:
            np.testing.assert_array_equal(pixels, whole)
    assert refused > 100


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_raises_nothing_but_the_refusal(data):
    original = FILES[data.draw(st.sampled_from(sorted(FILES)))]
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(1, 8))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(len(damaged) // 2, len(damaged)))
    try:
        film = read(bytes(damaged[:end]))
    except UnreadableRadiograph:
        event("refused")
    else:
        event("read")
        assert film.pixels.dtype == np.float32
        assert np.isfinite(film.pixels).all()
        assert 0 <= film.pixels.min() <= film.pixels.max() <= 1


BEGINNINGS = [
    b"",
    *reader._PICTURES,
    b"RIFF\0\0\0\0WEBP",
    bytes(128) + b"DICM",
    b"\x08\0\x05\0",
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(BEGINNINGS), st.binary(max_size=400))
def test_random_bytes_raise_nothing_but_the_refusal(beginning, rest):
    with pytest.raises(UnreadableRadiograph):
        read(beginning + rest)

"""Reading DICOM: drawn files in every variety, and the real ones that pydicom's packages bring."""

import contextlib
import logging
import struct
import traceback
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import BytesIO
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from drawing import PATIENT, PATIENT_ID, dicom, picture, ramp, table
from hypothesis import event, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread, uid
from pydicom.data import get_testdata_file

from xray_models.radiograph import UnreadableRadiograph, dicom_terms, read
from xray_models.radiograph.quiet import silenced

GREY = ramp().astype(np.uint8)
DEEP = ramp(white=4095).astype(np.uint16)
TWELVE_BITS = {"BitsStored": 12, "HighBit": 11}


def real(name: str) -> bytes:
    """A file of pydicom or pydicom-data; skips the test where the package lacks it."""
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"the installed pydicom-data has no {name}")
    return Path(str(path)).read_bytes()


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableRadiograph) as caught:
        read(data)
    return str(caught.value)


LARGE = ramp(72, 96, white=4095).astype(np.uint16)  # the encoder of JPEG 2000 needs some size


def compressed(values: np.ndarray, syntax: str) -> bytes:
    header = dcmread(BytesIO(dicom(values, **TWELVE_BITS)))
    header.compress(syntax)
    file = BytesIO()
    header.save_as(file)
    return file.getvalue()


# --- how it is stored ----------------------------------------------------------------------------

PLAIN = [
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
]


@pytest.mark.parametrize("syntax", PLAIN, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("values", [GREY, DEEP], ids=["8 bits", "12 bits"])
def test_uncompressed(syntax, values):
    bits = {} if values is GREY else TWELVE_BITS
    film = read(dicom(values, syntax=syntax, **bits))
    assert film.bits == (8 if values is GREY else 12)
    np.testing.assert_allclose(film.pixels, values / values.max(), atol=1e-6)


@pytest.mark.parametrize("syntax", PLAIN[:3], ids=lambda syntax: syntax.name)
def test_without_preamble(syntax):
    data = dicom(DEEP, syntax=syntax, preamble=False, **TWELVE_BITS)
    assert b"DICM" not in data
    film = read(data)
    assert film.source_format == "DICOM (uncompressed)"
    np.testing.assert_allclose(film.pixels, DEEP / 4095, atol=1e-6)


def test_a_preamble_that_looks_like_a_tiff():
    data = bytearray(dicom(GREY))
    data[:8] = b"II*\x00\x10\x00\x00\x00"
    assert read(bytes(data)).source_format == "DICOM (uncompressed)"


def test_jpeg_baseline():
    stream = picture(Image.fromarray(GREY), "JPEG", quality=95)
    film = read(dicom(GREY, stream=stream, syntax=uid.JPEGBaseline8Bit))
    assert film.source_format == "DICOM (JPEG baseline)"
    np.testing.assert_allclose(film.pixels, GREY / 255, atol=0.03)


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEG2000Lossless])
@pytest.mark.parametrize("signed", [False, True])
def test_lossless_compression_keeps_all_bits(syntax, signed):
    values = (LARGE.astype(np.int16) - 2048) if signed else LARGE
    film = read(compressed(values, syntax))
    assert film.source_format == f"DICOM ({dicom_terms.COMPRESSIONS[syntax]})"
    np.testing.assert_allclose(film.pixels, LARGE / 4095, atol=1e-6)


@pytest.mark.parametrize(
    ("stored", "signed"),
    [(bits, False) for bits in range(1, 17)] + [(bits, True) for bits in range(2, 17)],
)
def test_any_number_of_bits_stored(stored, signed):
    values = ramp(white=2**stored - 1).astype(np.uint16)
    expected = values / (2**stored - 1)
    if signed:
        values = values.astype(np.int32) - 2 ** (stored - 1)
    # bits above are not part of the value: in old files they hold an overlay
    noise = np.random.default_rng(1).integers(0, 2**16, values.shape) << stored
    words = ((values.astype(np.int64) & (2**stored - 1)) | noise) & 0xFFFF
    data = dicom(
        words.astype(np.uint16),
        BitsStored=stored,
        HighBit=stored - 1,
        PixelRepresentation=int(signed),
    )
    film = read(data)
    assert film.bits == stored
    np.testing.assert_allclose(film.pixels, expected, atol=1e-6)


def test_a_value_that_does_not_end_at_the_lowest_bit():
    film = read(dicom(DEEP << 4 | 5, BitsStored=12, HighBit=15))
    np.testing.assert_allclose(film.pixels, DEEP / 4095, atol=1e-6)


def test_one_bit_per_pixel():
    drawn = GREY > 100
    packed = np.packbits(drawn, axis=None, bitorder="little").tobytes()
    data = dicom(GREY, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed)
    np.testing.assert_array_equal(read(data).pixels, drawn)


def test_several_frames():
    both = GREY.tobytes() + GREY[::-1].tobytes()
    film = read(dicom(GREY, PixelData=both, NumberOfFrames=2))
    np.testing.assert_allclose(film.pixels, GREY / 255, atol=1e-6)
    assert film.frames == 2
    assert film.warnings == ("The file holds 2 pictures; only the first was read.",)


# --- how it is shown -----------------------------------------------------------------------------


def test_monochrome1_is_inverted():
    film = read(dicom(GREY, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_allclose(film.pixels, 1 - GREY / 255, atol=1e-6)
    assert film.photometric == "MONOCHROME1"


def test_eight_bits_without_a_window_are_shown_as_they_are():
    np.testing.assert_allclose(
        read(dicom(GREY // 4 + 40)).pixels, (GREY // 4 + 40) / 255, atol=1e-6
    )


def test_deeper_bits_without_a_window_span_from_darkest_to_brightest():
    film = read(dicom(DEEP // 4 + 300, **TWELVE_BITS))
    assert (film.pixels.min(), film.pixels.max()) == (0, 1)
    np.testing.assert_allclose(film.pixels, (DEEP // 4) / 1023, atol=1e-6)


def test_a_blank_film_is_black():
    assert not read(dicom(np.full((8, 9), 700, np.uint16), **TWELVE_BITS)).pixels.any()


def test_padding_does_not_count():
    values = DEEP // 4 + 300
    values[:, :5] = 0
    film = read(dicom(values, PixelPaddingValue=0, **TWELVE_BITS))
    np.testing.assert_allclose(film.pixels[:, 5:].min(), 0, atol=0.02)
    values[:, :5] = 7
    film = read(dicom(values, PixelPaddingValue=0, PixelPaddingRangeLimit=9, **TWELVE_BITS))
    np.testing.assert_allclose(film.pixels[:, 5:].min(), 0, atol=0.02)


WINDOW = {"WindowCenter": "2000", "WindowWidth": "1000"}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        # PS3.3 C.11.2.1.2.1, C.11.2.1.3.2 and C.11.2.1.3.1
        (None, lambda x: np.clip((x - 1999.5) / 999 + 0.5, 0, 1)),
        ("LINEAR", lambda x: np.clip((x - 1999.5) / 999 + 0.5, 0, 1)),
        ("LINEAR_EXACT", lambda x: np.clip((x - 2000) / 1000 + 0.5, 0, 1)),
        ("SIGMOID", lambda x: 1 / (1 + np.exp(-4 * (x - 2000.0) / 1000))),
    ],
)
def test_windows(function, expected):
    more = {"VOILUTFunction": function} if function else {}
    film = read(dicom(DEEP, **TWELVE_BITS, **WINDOW, **more))
    np.testing.assert_allclose(film.pixels, expected(DEEP.astype(float)), atol=1e-5)
    assert film.warnings == ()


def test_of_several_windows_the_first():
    film = read(dicom(DEEP, WindowCenter=["2000", "50"], WindowWidth=["1000", "5"], **TWELVE_BITS))
    np.testing.assert_array_equal(film.pixels, read(dicom(DEEP, **TWELVE_BITS, **WINDOW)).pixels)


def test_a_window_of_width_one_is_a_threshold():
    values = np.where(DEEP > 2000, 2001, 2000).astype(np.uint16)
    film = read(dicom(values, WindowCenter="2001", WindowWidth="1", **TWELVE_BITS))
    np.testing.assert_array_equal(film.pixels, DEEP > 2000)


@pytest.mark.parametrize(
    ("center", "width"),
    [("0", "0"), ("2000", "-5"), ("-90000", "10"), ("90000", "10"), ("40", None)],
)
def test_a_useless_window_is_passed_over_and_said(center, width):
    window = {"WindowCenter": center} | ({"WindowWidth": width} if width else {})
    film = read(dicom(DEEP, **TWELVE_BITS, **window))
    np.testing.assert_allclose(film.pixels, DEEP / 4095, atol=1e-6)
    assert "window" in film.warnings[0]


def test_rescale_comes_before_the_window():
    more = {"RescaleSlope": "2", "RescaleIntercept": "-1000"}
    window = {"WindowCenter": "3000", "WindowWidth": "2000"}
    film = read(dicom(DEEP, **TWELVE_BITS, **window, **more))
    expected = np.clip((2.0 * DEEP - 1000 - 2999.5) / 1999 + 0.5, 0, 1)
    np.testing.assert_allclose(film.pixels, expected, atol=1e-5)


@pytest.mark.parametrize("values", [GREY, DEEP], ids=["8 bits", "12 bits"])
def test_a_falling_slope_inverts(values):
    bits = {} if values is GREY else TWELVE_BITS
    film = read(dicom(values, RescaleSlope="-1", RescaleIntercept="4095", **bits))
    np.testing.assert_allclose(film.pixels, 1 - values / values.max(), atol=1e-6)


def test_a_voi_table_wins_over_a_window():
    curve = [min(1023, (n * n) >> 10) for n in range(1024)]
    more = {"VOILUTSequence": [table(curve, first=1000, bits=10)]}
    film = read(dicom(DEEP, **TWELVE_BITS, **WINDOW, **more))
    expected = np.array(curve)[np.clip(DEEP.astype(int) - 1000, 0, 1023)] / 1023
    np.testing.assert_allclose(film.pixels, expected, atol=1e-6)


def test_a_voi_table_of_eight_bits_with_more_than_256_entries():
    curve = [n // 16 for n in range(4096)]
    film = read(dicom(DEEP, VOILUTSequence=[table(curve, first=0, bits=8)], **TWELVE_BITS))
    np.testing.assert_allclose(film.pixels, (DEEP // 16) / 255, atol=1e-6)


def test_a_modality_table_comes_first():
    doubled = [2 * n for n in range(4096)]
    window = {"WindowCenter": "4000", "WindowWidth": "2000"}
    more = {"ModalityLUTSequence": [table(doubled, first=0, bits=16)]}
    film = read(dicom(DEEP, **TWELVE_BITS, **window, **more))
    expected = np.clip((2.0 * DEEP - 3999.5) / 1999 + 0.5, 0, 1)
    np.testing.assert_allclose(film.pixels, expected, atol=1e-5)


def test_a_table_that_is_shorter_than_it_says_goes_on_with_its_last_entry():
    item = table(list(range(4000)), first=0, bits=12)
    item.LUTDescriptor = [4096, 0, 12]
    film = read(dicom(DEEP, VOILUTSequence=[item], **TWELVE_BITS))
    np.testing.assert_allclose(film.pixels, np.minimum(DEEP, 3999) / 4095, atol=1e-6)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("bits", [8, 16])
def test_color_becomes_luma(planar, bits):
    colors = np.random.default_rng(2).integers(0, 2**bits, (24, 32, 3)).astype(f"uint{bits}")
    stored = np.moveaxis(colors, -1, 0) if planar else colors
    film = read(dicom(colors, PixelData=stored.tobytes(), PlanarConfiguration=planar))
    luma = colors @ np.array([0.299, 0.587, 0.114]) / (2**bits - 1)
    np.testing.assert_allclose(film.pixels, luma, atol=1e-5)


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian])
def test_palette(syntax):
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    reverse = (np.arange(255, -1, -1) * 257).astype(f"{order}u2").tobytes()
    lookup = {}
    for color in ("Red", "Green", "Blue"):
        lookup[f"{color}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        lookup[f"{color}PaletteColorLookupTableData"] = reverse
    data = dicom(GREY, PhotometricInterpretation="PALETTE COLOR", syntax=syntax, **lookup)
    np.testing.assert_allclose(read(data).pixels, 1 - GREY / 255, atol=1e-5)


# --- safe facts ----------------------------------------------------------------------------------


def test_facts():
    film = read(
        dicom(
            DEEP,
            ViewPosition="PA",
            BodyPartExamined="CHEST",
            ImagerPixelSpacing=["0.139", "0.14"],
            **TWELVE_BITS,
        )
    )
    assert film.facts() == {
        "File format": "DICOM (uncompressed)",
        "Width × height": "32 × 24 pixels",
        "Bits per sample": "12",
        "Modality": "CR",
        "View": "PA",
        "Body part, as tagged": "CHEST",
        "Photometric interpretation": "MONOCHROME2",
        "Pixel spacing (rows × columns)": "0.139 × 0.14 mm",
    }
    assert film.spacing_mm == (0.139, 0.14)


@pytest.mark.parametrize(
    "spacing", [["0", "0"], ["-1", "1"], ["0.1"], ["1e9", "1"], ["0.1", "0.1", "0.1"]]
)
def test_nonsense_for_spacing_is_not_shown(spacing):
    assert read(dicom(PixelSpacing=spacing)).spacing_mm is None


@pytest.mark.parametrize(
    ("tagged", "shown"),
    [("chest", "CHEST"), ("Lower_Leg ", "LOWERLEG"), ("T SPINE", "TSPINE"), (None, None)],
)
def test_body_parts_are_put_in_one_form(tagged, shown):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, about writing such a value
        data = dicom(BodyPartExamined=tagged) if tagged else dicom()
    assert read(data).body_part == shown


def everything(film) -> str:
    return f"{film!r} {film} {film.facts()} {film.warnings} {vars(film)}"


@pytest.mark.parametrize("element", ["BodyPartExamined", "ViewPosition", "Modality"])
@pytest.mark.parametrize("text", [PATIENT, "DOE JANE", "JANE DOE 19470501", "DOE", "x" * 500])
def test_a_name_in_the_wrong_element_is_not_passed_on(element, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, about writing such a value
        data = dicom(**{element: text})
    shown = everything(read(data))
    assert "DOE" not in shown and "JANE" not in shown and "xxx" not in shown


def test_no_patient_in_facts_warnings_logs_or_streams(caplog, capfd, recwarn):
    spoiled = [
        dicom(),
        dicom(BurnedInAnnotation="YES"),
        dicom(Modality="CT"),
        dicom()[:-300],
        dicom(preamble=False),
        dicom().replace(b"MONOCHROME2", b"DOE^JANE^^^"),
        dicom(WindowCenter="1", WindowWidth="2").replace(
            b"\x50\x10DS\x02\x001 ", b"\x50\x10DS\x02\x00DO"
        ),
        dicom(NumberOfFrames=1).replace(b"IS\x02\x001 ", b"IS\x02\x00DO"),
    ]
    with caplog.at_level(logging.DEBUG):
        for data in spoiled:
            try:
                text = everything(read(data))
            except UnreadableRadiograph as error:
                text = "".join(traceback.format_exception(error))
            assert not any(secret in text for secret in (PATIENT, "DOE^", PATIENT_ID, "19470501"))
    heard = caplog.text + "".join(capfd.readouterr()) + "".join(str(w.message) for w in recwarn)
    assert not any(secret in heard for secret in (PATIENT, "DOE^", PATIENT_ID, "Elsewhere", "DO'"))


def test_threads_that_decode_side_by_side_keep_each_other_quiet(recwarn):
    spoiled = dicom(SOPClassUID="1.2.840.07.DOE^JANE")
    sound = picture(Image.fromarray(ramp().astype(np.uint8)), "PNG")

    def tried(data: bytes) -> None:
        with contextlib.suppress(UnreadableRadiograph):
            read(data)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tried, [spoiled, sound] * 150))
    assert not [str(one.message) for one in recwarn if "DOE" in str(one.message)]


def test_a_thread_that_is_done_first_does_not_let_the_warnings_of_another_out(recwarn):
    before = list(warnings.filters)
    first_is_in, second_is_in, first_is_out = (Event() for _ in range(3))

    def first() -> None:
        with silenced():
            first_is_in.set()
            second_is_in.wait(10)
        first_is_out.set()

    def second() -> None:
        first_is_in.wait(10)
        with silenced():
            second_is_in.set()
            first_is_out.wait(10)
            warnings.warn("DOE^JANE", stacklevel=1)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(first), pool.submit(second)]:
            done.result()
    assert first_is_out.is_set() and not recwarn.list
    assert list(warnings.filters) == before
    with pytest.warns(UserWarning, match="heard again"):
        warnings.warn("heard again", stacklevel=1)


def test_real_patients_are_not_passed_on():
    for name in ("RG1_UNCI.dcm", "RG3_UNCI.dcm", "MR_small.dcm", "CT_small.dcm", "OBXXXX1A.dcm"):
        data = real(name)
        header = dcmread(BytesIO(data), stop_before_pixels=True)
        secrets = [str(header.PatientName), str(header.PatientID), str(header.StudyInstanceUID)]
        try:
            text = everything(read(data))
        except UnreadableRadiograph as error:
            text = str(error)
        assert not any(secret and secret in text for secret in secrets)


# --- warnings ------------------------------------------------------------------------------------


def test_text_burned_into_the_picture_is_warned_of():
    assert "burned" in read(dicom(BurnedInAnnotation="YES")).warnings[0]
    assert read(dicom(BurnedInAnnotation="NO")).warnings == ()


def test_raw_detector_values_are_warned_of():
    assert "raw" in read(dicom(PresentationIntentType="FOR PROCESSING")).warnings[0]
    assert read(dicom(PresentationIntentType="FOR PRESENTATION")).warnings == ()


def test_other_modalities_are_read_with_a_warning():
    film = read(dicom(Modality="US"))
    assert film.modality == "US"
    assert "ultrasound" in film.warnings[0]
    for modality in ("CR", "DX", "RG", "OT"):
        assert read(dicom(Modality=modality)).warnings == ()


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("modality", dicom_terms.REFUSED)
def test_what_is_no_projection_is_refused(modality):
    assert dicom_terms.REFUSED[modality] in refusal(dicom(Modality=modality))


@pytest.mark.parametrize(
    ("sop_class", "word"),
    [
        (uid.CTImageStorage, "CT"),
        (uid.EnhancedCTImageStorage, "CT"),
        (uid.MRImageStorage, "MR"),
        (uid.PositronEmissionTomographyImageStorage, "PET"),
    ],
)
def test_a_stack_that_does_not_say_so_is_known_by_its_class(sop_class, word):
    assert f"({word})" in refusal(dicom(SOPClassUID=sop_class, Modality=None))


def test_nuclear_medicine_is_not_taken_for_computed_tomography():
    assert read(dicom(SOPClassUID=uid.NuclearMedicineImageStorage, Modality=None)).pixels.any()


def test_without_pixels():
    assert "holds no pixels" in refusal(dicom(PixelData=None))
    assert "holds no pixels" in refusal(dicom(PixelData=b""))
    report = dicom(
        SOPClassUID=uid.BasicTextSRStorage, Modality="SR", PixelData=None, Rows=None, Columns=None
    )
    assert "holds no picture" in refusal(report)
    for name in ("rtplan.dcm", "test-SR.dcm", "waveform_ecg.dcm", "DICOMDIR-empty.dcm"):
        assert "holds no picture" in refusal(real(name))


@pytest.mark.parametrize("element", ["Rows", "BitsStored", "PhotometricInterpretation"])
def test_a_header_without_what_is_needed(element):
    assert f"lacks {element}" in refusal(dicom(**{element: None}))


@pytest.mark.parametrize("element", ["FloatPixelData", "DoubleFloatPixelData"])
def test_pixels_that_are_floating_point_numbers_are_called_so(element):
    data = dicom(DEEP, PixelData=None, **{element: bytes(8 * DEEP.size)})
    assert "floating-point" in refusal(data)


def test_pixels_that_lie_on_a_server_are_called_so():
    data = dicom(DEEP, PixelData=None, PixelDataProviderURL="https://archive.example/doe")
    assert "address" in refusal(data) and "doe" not in refusal(data)


def test_gray_in_small_letters():
    film = read(dicom(DEEP, PhotometricInterpretation="monochrome1", **TWELVE_BITS))
    np.testing.assert_array_equal(
        film.pixels,
        read(dicom(DEEP, PhotometricInterpretation="MONOCHROME1", **TWELVE_BITS)).pixels,
    )


def test_compression_that_cannot_be_decoded():
    data = dicom(stream=b"\x00\x00\x01\xb3" * 100, syntax=uid.MPEG2MPML)
    assert "compressed in a way" in refusal(data)


def forbid_decoding(monkeypatch):
    def decoded(*_, **__):
        raise AssertionError("decoded before the size was checked")

    monkeypatch.setattr("xray_models.radiograph.dicom.pixel_array", decoded)


@pytest.mark.parametrize(("rows", "columns"), [(10_000, 6_001), (65_535, 65_535)])
def test_sixty_megapixels_are_the_limit_before_decoding(rows, columns, monkeypatch):
    forbid_decoding(monkeypatch)
    assert "60" in refusal(dicom(Rows=rows, Columns=columns))


def test_no_rows_at_all():
    assert "0 pixels" in refusal(dicom(Rows=0))


def test_a_header_that_contradicts_itself():
    grey_and_colored = dicom(np.zeros((4, 4, 3), np.uint8), PhotometricInterpretation="MONOCHROME2")
    assert "gray and colored" in refusal(grey_and_colored)
    assert "how gray or color" in refusal(dicom(GREY, PhotometricInterpretation="RGB"))


@pytest.mark.parametrize("kind", ["JPEG", "JPEG2000"])
def test_a_stream_of_more_samples_than_its_header_says_is_refused(kind, monkeypatch):
    forbid_decoding(monkeypatch)
    options = {"no_jp2": True} if kind == "JPEG2000" else {}
    stream = picture(Image.fromarray(LARGE.astype(np.uint8)).convert("RGB"), kind, **options)
    syntax = uid.JPEGBaseline8Bit if kind == "JPEG" else uid.JPEG2000
    assert "another size" in refusal(dicom(LARGE, stream=stream, syntax=syntax))


@pytest.mark.parametrize("kind", ["JPEG", "JPEG2000"])
def test_a_stream_larger_than_its_header_says_is_refused_before_decoding(kind, monkeypatch):
    forbid_decoding(monkeypatch)
    options = {"no_jp2": True} if kind == "JPEG2000" else {}
    stream = picture(Image.new("L", (3000, 3000)), kind, **options)
    syntax = uid.JPEGBaseline8Bit if kind == "JPEG" else uid.JPEG2000
    assert "another size" in refusal(dicom(GREY, stream=stream, syntax=syntax))


def test_a_stream_that_is_none():
    assert "end too early" in refusal(dicom(stream=b"\xff\xd8" * 99, syntax=uid.JPEGBaseline8Bit))
    noise = b"\x01\x02" * 99 + b"\xff\xd9"
    assert "another size" in refusal(dicom(stream=noise, syntax=uid.JPEGBaseline8Bit))


def test_a_deflated_bomb_is_refused_while_it_unpacks():
    data = dicom(syntax=uid.DeflatedExplicitVRLittleEndian)
    start = 144 + struct.unpack_from("<I", data, 140)[0]  # behind the file meta information
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = b"".join([packer.compress(bytes(2**20)) for _ in range(300)]) + packer.flush()
    assert len(bomb) < 2**20
    assert "unpacks to more than" in refusal(data[:start] + bomb)
    assert "unpacks to more than" in refusal(data[132:start] + bomb)  # without its preamble, too


def test_an_rle_bomb_is_refused_before_it_unpacks(monkeypatch):
    forbid_decoding(monkeypatch)
    bomb = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x00" * 2**20
    assert "do not fill" in refusal(dicom(GREY, stream=bomb, syntax=uid.RLELossless))


# --- real files ----------------------------------------------------------------------------------

CHEST = {"modality": "CR", "view": "PA", "body_part": "CHEST", "photometric": "MONOCHROME1"}
LEG = {"modality": "CR", "view": "AP", "body_part": "EXTREMITY", "photometric": "MONOCHROME1"}


@pytest.mark.parametrize("ending", ["UNCI", "UNCR", "J2KR", "J2KI"])
@pytest.mark.parametrize(
    ("film", "facts", "bits", "shape"),
    [("RG1", CHEST, 15, (1955, 1841)), ("RG3", LEG, 10, (1760, 1760))],
)
def test_real_radiographs(film, facts, bits, shape, ending):
    found = read(real(f"{film}_{ending}.dcm"))
    assert {name: getattr(found, name) for name in facts} == facts
    assert (found.pixels.shape, found.bits, found.warnings) == (shape, bits, ())
    # a viewer's contrast: neither washed out nor black
    assert found.pixels.std() > 0.1
    assert 0.2 < found.pixels.mean() < 0.9
    plain = read(real(f"{film}_UNC{ending[-1]}.dcm")).pixels
    difference = np.abs(found.pixels - plain)
    assert difference.max() == 0 if ending != "J2KI" else difference.mean() < 0.02


PAIRS = [  # the same picture twice: pydicom's own pairs, color as luma
    ("US1_J2KR.dcm", "US1_UNCR.dcm", 0),
    ("US1_J2KI.dcm", "US1_UNCI.dcm", 0.05),
    ("OBXXXX1A_rle.dcm", "OBXXXX1A.dcm", 0),
    ("OBXXXX1A_expb.dcm", "OBXXXX1A.dcm", 0),
    ("OBXXXX1A_2frame.dcm", "OBXXXX1A.dcm", 0),
    ("gdcm-US-ALOKA-16_big.dcm", "gdcm-US-ALOKA-16.dcm", 0),
    ("color-pl.dcm", "color-px.dcm", 0),
    ("SC_rgb_rle.dcm", "SC_rgb.dcm", 0),
    ("SC_rgb_rle_16bit.dcm", "SC_rgb_16bit.dcm", 0),
    ("SC_rgb_expb_16bit.dcm", "SC_rgb_16bit.dcm", 0),
    ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb.dcm", 0),
    ("SC_rgb_gdcm_KY.dcm", "SC_rgb.dcm", 0.02),
    ("SC_rgb_jpeg_dcmtk.dcm", "SC_rgb.dcm", 0.02),
    ("SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb.dcm", 0.02),
    ("SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb.dcm", 0.04),
    ("SC_rgb_jls_lossy_line.dcm", "SC_rgb.dcm", 0.02),
    ("SC_rgb_jls_lossy_sample.dcm", "SC_rgb.dcm", 0.02),
    ("SC_ybr_full_uncompressed.dcm", "SC_rgb.dcm", 0.02),
    ("SC_ybr_full_422_uncompressed.dcm", "SC_rgb.dcm", 0.02),
]


@pytest.mark.parametrize(("one", "other", "tolerance"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_real_pairs_read_alike(one, other, tolerance):
    first, second = read(real(one)).pixels, read(real(other)).pixels
    assert second.std() > 0.05
    np.testing.assert_allclose(first, second, atol=max(tolerance, 1e-6))


@pytest.mark.parametrize(
    ("name", "source_format"),
    [
        ("JPGExtended.dcm", "DICOM (JPEG extended)"),
        ("JPEG-lossy.dcm", "DICOM (JPEG extended)"),  # its scan header names one coefficient only
        ("JPEG-LL.dcm", "DICOM (JPEG lossless)"),
        ("JPGLosslessP14SV1_1s_1f_8b.dcm", "DICOM (JPEG lossless)"),
        ("JPEGLSNearLossless_08.dcm", "DICOM (JPEG-LS near-lossless)"),
        ("JPEGLSNearLossless_16.dcm", "DICOM (JPEG-LS near-lossless)"),
        ("JPEG2000.dcm", "DICOM (JPEG 2000)"),
        ("GDCMJ2K_TextGBR.dcm", "DICOM (JPEG 2000 lossless)"),
        ("color3d_jpeg_baseline.dcm", "DICOM (JPEG baseline)"),
        ("image_dfl.dcm", "DICOM (deflated)"),
        ("vlut_04.dcm", "DICOM (uncompressed)"),
        ("mlut_18.dcm", "DICOM (uncompressed)"),
        ("OT-PAL-8-face.dcm", "DICOM (uncompressed)"),
    ],
)
def test_real_files_of_other_kinds(name, source_format):
    film = read(real(name))
    assert film.source_format == source_format
    assert film.pixels.std() > 0.02


def test_real_jpeg_ls_lossless():
    """The only such file is an MR stack, so it is read as what it is not, to test its decoding."""

    def as_radiograph(name: str) -> np.ndarray:
        header = dcmread(BytesIO(real(name)))
        header.Modality = "DX"
        file = BytesIO()
        header.save_as(file)
        return read(file.getvalue()).pixels

    pixels = as_radiograph("MR_small_jpeg_ls_lossless.dcm")
    assert pixels.std() > 0.1
    np.testing.assert_array_equal(pixels, as_radiograph("MR_small.dcm"))
    np.testing.assert_array_equal(as_radiograph("MR_small_RLE.dcm"), pixels)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("CT_small.dcm", "CT"),
        ("MR_small.dcm", "MR"),
        ("emri_small.dcm", "MR"),
        ("eCT_Supplemental.dcm", "CT"),
        ("rtdose.dcm", "dose"),
        ("liver.dcm", "segmentation"),
        ("JPEG2000-embedded-sequence-delimiter.dcm", "damaged"),
    ],
)
def test_real_files_that_are_refused(name, part):
    assert part in refusal(real(name))


# --- damage --------------------------------------------------------------------------------------


def speckled(values: np.ndarray) -> np.ndarray:
    """Hard to compress: every byte of the file matters."""
    return np.random.default_rng(5).permuted(values, axis=1)


DAMAGEABLE = {
    "JPEG baseline": lambda: dicom(
        GREY,
        stream=picture(Image.fromarray(speckled(GREY)), "JPEG"),
        syntax=uid.JPEGBaseline8Bit,
    ),
    "RLE": lambda: compressed(speckled(LARGE), uid.RLELossless),
    "JPEG 2000": lambda: compressed(speckled(LARGE), uid.JPEG2000Lossless),
    "deflated": lambda: dicom(speckled(GREY), syntax=uid.DeflatedExplicitVRLittleEndian),
    "JPEG lossless": lambda: real("SC_rgb_jpeg_gdcm.dcm"),
    "JPEG-LS": lambda: real("JPEGLSNearLossless_16.dcm"),
    "JPEG extended": lambda: real("JPGExtended.dcm"),
    "VOI table": lambda: dicom(
        DEEP, VOILUTSequence=[table(list(range(4096)), 0, 12)], **TWELVE_BITS
    ),
}


@cache
def damageable(name: str) -> bytes:
    return DAMAGEABLE[name]()


@pytest.mark.parametrize("name", DAMAGEABLE)
def test_a_file_cut_short_is_refused_or_still_whole(name):
    data = damageable(name)
    whole = read(data).pixels
    refused = 0
    lengths = [*range(0, len(data), max(1, len(data) // 100)), *range(len(data) - 20, len(data))]
    for length in lengths:
        try:
            pixels = read(data[:length]).pixels
        except UnreadableRadiograph:
            refused += 1
        else:
            np.testing.assert_array_equal(pixels, whole)
    assert refused > 90


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_raises_nothing_but_the_refusal(data):
    damaged = bytearray(damageable(data.draw(st.sampled_from(sorted(DAMAGEABLE)))))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    try:
        film = read(bytes(damaged))
    except UnreadableRadiograph:
        event("refused")
    else:
        event("read")
        assert np.isfinite(film.pixels).all()
        assert 0 <= film.pixels.min() <= film.pixels.max() <= 1

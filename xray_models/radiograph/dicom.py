"""DICOM files: recognized, decoded to gray as a viewer shows it, with their safe facts.

Only the header elements in `_WANTED` are ever parsed, none of which is meant to name a patient,
and of those only values from closed lists are passed on: in bad files any element can hold a name.
"""

from __future__ import annotations

import logging
import math
import re
import struct
from itertools import pairwise

import numpy as np
from pydicom import Dataset, dcmread, uid
from pydicom.config import IGNORE, settings
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels.utils import pixel_array

from xray_models.radiograph import dicom_terms as terms
from xray_models.radiograph import jpeg_stream, ycbcr
from xray_models.radiograph.dicom_bits import OVERLAY_BITS, meaningful_bits
from xray_models.radiograph.dicom_display import Shown, palette_colors, shown
from xray_models.radiograph.dicom_limits import (
    LimitedFile,
    check_jpeg2000,
    drop_overlong,
    inflated,
)
from xray_models.radiograph.dicom_sign import with_right_sign
from xray_models.radiograph.gray_range import brightest
from xray_models.radiograph.picture_limits import check_jpeg, too_many
from xray_models.radiograph.quiet import silenced
from xray_models.radiograph.square import squared
from xray_models.radiograph.types import (
    CONTAINER_BITS,
    Radiograph,
    UnreadableRadiograph,
    check_size,
    first_of,
    stretched,
    white_of,
)

__all__ = ["decode", "has_prefix", "settings", "starts_with_an_element"]

# pydicom quotes what it stumbles over, which may be a patient's name, in its log lines and warnings
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
settings.reading_validation_mode = IGNORE

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

_PASSED_OVER = (
    "Part of what the file says about how to show its picture is damaged and was passed over: the "
    "grays may differ from those of a viewer."
)

_NEEDED = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
)
_PALETTES = tuple(
    f"{kind}{color}PaletteColorLookupTable{part}"
    for kind in ("", "Segmented")
    for color in ("Red", "Green", "Blue")
    for part in ("Descriptor", "Data")
    if kind + part != "SegmentedDescriptor"
)
_NOT_PIXELS = ("FloatPixelData", "DoubleFloatPixelData", "PixelDataProviderURL")
_WANTED = [
    *_NEEDED,
    *_PALETTES,
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
    "PatientAge",
    "BurnedInAnnotation",
    "PresentationIntentType",
    "HighBit",
    "PlanarConfiguration",
    "NumberOfFrames",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "PixelAspectRatio",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "PixelData",
    *_NOT_PIXELS,
]

# A film can be shown without these: where one is damaged it is left out
_OPTIONAL = _WANTED[_WANTED.index("BurnedInAnnotation") : _WANTED.index("ExtendedOffsetTable")]

# In the functional groups of an enhanced file: macro -> what is taken from it
_MACROS = {
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
    "PixelMeasuresSequence": ("PixelSpacing",),
    "FramePixelDataPropertiesSequence": ("ImagerPixelSpacing",),
}

_WANTED_TAGS: list = [tag for name in _WANTED if (tag := tag_for_keyword(name)) is not None]
_WANTED_TAGS += OVERLAY_BITS

# SOF0 to SOF15, without the three numbers among them that mean something else; JPEG-LS: SOF55
_FRAME_HEADERS = {*range(0xFFC0, 0xFFD0), 0xFFF7} - {0xFFC4, 0xFFC8, 0xFFCC}

_ROWS = 256
_MOST_RUNS = 4_000_000
_MOST_LEFT_OVER = 1024  # bytes behind the pixels of an RLE segment: padding should be one

# Where several decoders exist, the one that keeps all bits and refuses a damaged stream with an
# exception: pylibjpeg's for RLE panics, which no `except Exception` would catch
_DECODERS = {
    uid.JPEGBaseline8Bit: "pillow",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.RLELossless: "pydicom",
}


def has_prefix(data: bytes) -> bool:
    """Whether a file is DICOM as the standard asks: 128 bytes of preamble, then "DICM"."""
    return data[128:132] == b"DICM"


def starts_with_an_element(data: bytes) -> bool:
    """Whether a file without preamble starts like DICOM: with an element of group 2 or 8."""
    if len(data) < 12:
        return False
    order = "<" if data[1] == 0 else ">"
    group, element, length = struct.unpack_from(f"{order}HHI", data)
    if group not in (0x0002, 0x0008) or element > 0x0070:
        return False
    explicit = re.fullmatch(rb"[A-Z]{2}", data[4:6]) is not None  # its type, as two letters
    return explicit or (length % 2 == 0 and length < min(len(data), 256))


def decode(data: bytes) -> Radiograph:
    """Decode the first frame of a DICOM file to gray, as its own window or tables show it.

    Args:
        data: the whole file, with or without preamble.

    Raises:
        UnreadableRadiograph: no projection radiograph, no pixels, too many, damaged, or compressed
            in a way that cannot be decoded.
    """
    with silenced():
        try:
            return _radiograph(_parse(data))
        except (UnreadableRadiograph, MemoryError):
            raise
        except Exception:  # on damaged files pydicom and its decoders raise nearly everything
            # "from None": their messages quote the file
            raise _damaged("its header or its pixels do not follow the standard") from None


def _damaged(why: str) -> UnreadableRadiograph:
    return UnreadableRadiograph(
        f"The DICOM file is damaged or cut short: {why}. Copy it again, or export it again from "
        "the archive or viewer that it came from."
    )


def _parse(data: bytes) -> Dataset:
    """The wanted elements, with a transfer syntax whatever the file."""
    meta, at = _meta(data)
    syntax = meta.get("TransferSyntaxUID")
    if syntax == uid.DeflatedExplicitVRLittleEndian:
        header = read_dataset(
            LimitedFile(inflated(data[at:])), False, True, specific_tags=_WANTED_TAGS
        )
        header.set_original_encoding(False, True)
        header.file_meta = meta
    else:
        header = dcmread(LimitedFile(data), force=True, specific_tags=_WANTED_TAGS)
    if "TransferSyntaxUID" not in header.file_meta:
        implicit, little = header.original_encoding
        plain = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
        header.file_meta.TransferSyntaxUID = plain if little else uid.ExplicitVRBigEndian
    drop_overlong(header)
    return header


def _meta(data: bytes) -> tuple[FileMetaDataset, int]:
    """The file meta information, and where the data set behind it begins."""
    file = LimitedFile(data)
    file.seek(132 if has_prefix(data) else 0)
    meta = read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    drop_overlong(meta)
    return FileMetaDataset(meta), file.tell()


def _radiograph(header: Dataset) -> Radiograph:
    modality = terms.known(header, "Modality", terms.MODALITIES)
    _check_kind(header, modality)
    header.PhotometricInterpretation = terms.code(header, "PhotometricInterpretation")
    check_size(int(header.Columns), int(header.Rows))
    syntax = header.file_meta.TransferSyntaxUID
    if syntax not in terms.COMPRESSIONS:
        raise UnreadableRadiograph(terms.cannot_decode(syntax))
    doubts = _without_damaged(header)
    _take_from_groups(header)
    frames = max(1, int(header.get("NumberOfFrames") or 1))
    if syntax.is_encapsulated:
        doubts += _check_stream(header, frames)
    film = _grey(header)
    found = Radiograph(
        pixels=film.gray,
        source_format=f"DICOM ({terms.COMPRESSIONS[syntax]})",
        bits=int(header.BitsStored),
        modality=modality,
        view=terms.known(header, "ViewPosition", terms.VIEWS),
        body_part=terms.known(header, "BodyPartExamined", terms.BODY_PARTS),
        photometric=terms.known(header, "PhotometricInterpretation", terms.PHOTOMETRICS),
        spacing_mm=_spacing(header),
        age_band=terms.age_band(header),
        frames=frames,
        warnings=(*_warnings(header, modality), *first_of(frames), *doubts, *film.warnings),
        gray_range=film.gray_range,
    )
    return squared(found, _ratio(header))


def _without_damaged(header: Dataset) -> list[str]:
    """Take damaged elements that a film can do without out of a header; sentences on them."""
    damaged = False
    for name in _OPTIONAL:
        try:
            header.get(name)
        except Exception:  # pydicom raises nearly everything on what it cannot convert
            del header[name]
            damaged = True
    return [_PASSED_OVER] if damaged else []


def _take_from_groups(header: Dataset) -> None:
    """Put what an enhanced file says of its first frame where a plain file has it.

    PS3.3 C.7.6.16: what holds for one frame comes before what all frames share.
    """
    for place in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for macro, names in _MACROS.items():
            try:
                item = header[place][0][macro][0]
                found = {name: item.get(name) for name in names}
            except (KeyError, IndexError, TypeError, ValueError, AttributeError):
                continue  # no such group, or damaged
            if any(header.get(name) not in (None, "") for name in names):
                continue
            for name, value in found.items():
                if value is not None:
                    setattr(header, name, value)


def _check_kind(header: Dataset, modality: str | None) -> None:
    kind = terms.REFUSED.get(modality or "")
    sop_class = str(header.get("SOPClassUID", ""))
    if modality in (None, "OT"):
        classes = terms.REFUSED_CLASSES
        kind = next((kind for stem, kind in classes if f"{sop_class}.".startswith(stem)), None)
    if kind:
        raise UnreadableRadiograph(
            f"This DICOM file holds {kind}. RadLens reads radiographs only, that is, projection "
            "X-ray pictures: choose a file of modality CR or DX."
        )
    if "PixelData" in header and header.PixelData:
        missing = [name for name in _NEEDED if header.get(name) is None]
        if missing:
            raise _damaged(f"its header lacks {', '.join(missing)}")
        return
    if any(name in header for name in _NOT_PIXELS):
        raise UnreadableRadiograph(
            "This DICOM file holds measured values as floating-point numbers, or only the address "
            "of its pixels, not a picture of gray values. Export it as a plain radiograph."
        )
    if header.get("Rows") or "Image Storage" in uid.UID(sop_class).name:
        raise UnreadableRadiograph(
            "This DICOM file announces a picture but holds no pixels. It may have been cut short, "
            "or exported without its picture: copy or export it again."
        )
    raise UnreadableRadiograph(
        "This DICOM file holds no picture (it may be a report, a plan or an index of other "
        "files), or was cut short before its picture. Choose the file of the radiograph itself."
    )


def _check_stream(header: Dataset, frames: int) -> tuple[str, ...]:
    """Check the first frame's compressed stream: whole, and of the size that the header announces.

    Its own header is what the decoder allocates memory by, so it must keep the limits too; and
    decoders fill in what is missing at the end of a stream rather than refuse it. A stream that
    only lacks its end marker is mended, with a sentence on that.
    """
    offsets = None
    if "ExtendedOffsetTable" in header and "ExtendedOffsetTableLengths" in header:
        offsets = (header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths)
    stream = get_frame(header.PixelData, 0, extended_offsets=offsets, number_of_frames=frames)
    if header.file_meta.TransferSyntaxUID == uid.RLELossless:
        _check_runs(stream, int(header.Rows) * int(header.Columns))
        return ()
    # decoders give color by pixel, whatever this says of the bytes before they were compressed
    header.PlanarConfiguration = 0
    if stream.startswith(b"\xff\xd8"):
        check_jpeg(stream)
    size = _stream_size(stream)
    ended = stream.rstrip(b"\x00\xff").endswith(jpeg_stream.END)
    if size is None and not ended:
        raise _damaged("its compressed pixels end too early")
    announced = int(header.Rows), int(header.Columns), int(header.SamplesPerPixel)
    if size != announced:
        raise _damaged("its compressed pixels have another size than its header says")
    check_jpeg2000(stream)
    try:
        is_jpeg = stream[:2] == b"\xff\xd8"
        check = jpeg_stream.checked if is_jpeg else jpeg_stream.checked_2000
        mended, doubts = check(stream)
    except jpeg_stream.EndsEarly:
        raise _damaged("its compressed pixels end too early") from None
    if mended is not stream:
        header.PixelData = encapsulate([mended], has_bot=False)
        header["PixelData"].is_undefined_length = True
        header.NumberOfFrames = 1
        header.pop("ExtendedOffsetTable", None)
        header.pop("ExtendedOffsetTableLengths", None)
    return doubts


def _check_runs(stream: bytes, pixels: int) -> None:
    """Check that each segment of an RLE frame unpacks to one byte per pixel (PS3.5 annex G).

    The decoder unpacks whatever there is, up to 64 bytes for one.
    """
    count, *offsets = struct.unpack_from("<16I", stream)
    runs = 0
    for start, end in pairwise((*offsets[:count], len(stream))):
        position, left = start, pixels
        while left > 0 and position < end:
            runs += 1
            if runs > _MOST_RUNS:  # which pydicom decodes one by one
                raise too_many("runs")
            head = stream[position]
            if head < 128:
                position, left = position + head + 2, left - head - 1
            elif head > 128:
                position, left = position + 2, left + head - 257
            else:
                position += 1
        if left > 0 or position > end or end - position > _MOST_LEFT_OVER:
            raise _damaged("its compressed pixels do not fill the picture that its header says")


def _stream_size(stream: bytes) -> tuple[int, int, int] | None:
    """(Rows, columns, samples) by the header of a JPEG, JPEG-LS or JPEG 2000 stream, if it has one.

    From ITU-T T.81 B.2.2 (frame header), T.87 C.2.2 and T.800 A.5.1 (SIZ).
    """
    if stream[:2] != b"\xff\xd8":
        start = stream.find(b"\xff\x4f\xff\x51", 0, 4096)  # a JP2 file's boxes may come before
        if start < 0:
            return None
        right, bottom, left, top, *_, samples = struct.unpack_from(">8IH", stream, start + 8)
        return bottom - top, right - left, samples
    position = 2
    while position + 10 <= len(stream):
        marker, length = struct.unpack_from(">HH", stream, position)
        if marker in _FRAME_HEADERS:
            return struct.unpack_from(">HHB", stream, position + 5)
        position += 1 if marker == 0xFFFF else 2 + length  # the former is a fill byte
    return None


def _grey(header: Dataset) -> Shown:
    """The first frame as its file wants it shown, bright is dense."""
    photometric = str(header.PhotometricInterpretation)
    stored, doubts = _stored(header)
    if photometric in ("MONOCHROME1", "MONOCHROME2"):
        if stored.ndim != 2:
            raise _damaged("its header calls it both gray and colored")
        stored, signs = with_right_sign(header, stored)
        doubts += signs
        film = shown(header, stored)
        gray = 1.0 - film.gray if photometric == "MONOCHROME1" else film.gray
        return film._replace(gray=gray, warnings=(*doubts, *film.warnings))
    if photometric == "PALETTE COLOR":
        luma = _weighted(palette_colors(header, stored))
        return Shown(np.clip(luma, 0.0, 1.0, out=luma), doubts)
    if stored.ndim != 3:
        raise _damaged("its header does not say how gray or color is stored")
    luma, mistaken = _luma(header, stored)
    return Shown(luma, (*doubts, *mistaken))


def _luma(header: Dataset, channels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Luma of red, green and blue or of luma and chroma, float32 in 0..1; and doubts."""
    bits = int(header.BitsStored)
    by_header = _is_luma_first(header)
    alike = ycbcr.is_red_green_blue(channels, 2**bits - 1)
    luma_first = by_header and not alike
    luma_first |= ycbcr.is_luma_and_chroma(channels, 2**bits - 1)
    luma = channels[..., 0] if luma_first or alike else _weighted(channels)
    white = 2**bits - 1
    if bits > 8:
        white = white_of(
            brightest(channels[..., 0] if luma_first else channels, CONTAINER_BITS), bits
        )
    mistaken = luma_first != by_header
    return stretched(luma, 0, white), (ycbcr.MISTAKEN,) if mistaken else ()


def _weighted(channels: np.ndarray) -> np.ndarray:
    """Luma of red, green and blue, float32; some rows at once, for the steps take much memory."""
    luma = np.empty(channels.shape[:2], np.float32)
    for start in range(0, len(channels), _ROWS):
        rows = channels[start : start + _ROWS].astype(np.float32)
        luma[start : start + _ROWS] = rows @ _LUMA
    return luma


def _is_luma_first(header: Dataset) -> bool:
    """Whether decoded channels are luma and chroma, by the file."""
    photometric = str(header.PhotometricInterpretation)
    syntax = header.file_meta.TransferSyntaxUID
    if syntax != uid.JPEGBaseline8Bit:
        return photometric in ("YBR_FULL", "YBR_FULL_422")
    stream = get_frame(header.PixelData, 0, number_of_frames=int(header.get("NumberOfFrames") or 1))
    # a JFIF marker promises luma and chroma, whatever the header says
    return "YBR" in photometric or b"JFIF\x00" in stream[:32]


def _stored(header: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first frame's values as integers, and doubts about them.

    Shape (rows, columns) or, for color, (rows, columns, 3).
    """
    syntax = header.file_meta.TransferSyntaxUID
    if int(header.SamplesPerPixel) > 1 and header.get("PlanarConfiguration") is None:
        header.PlanarConfiguration = 0
    values = pixel_array(
        header,
        index=0,
        raw=True,
        decoding_plugin=_DECODERS.get(syntax, ""),
        correct_unused_bits=False,
    )
    return meaningful_bits(header, values)


def _spacing(header: Dataset) -> tuple[float, float] | None:
    for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        pair = _pair(header, name)
        if pair and max(pair) < 100:
            return pair
    return None


def _ratio(header: Dataset) -> float | None:
    """Distance between rows over that between columns, as far as the file says."""
    pair = _spacing(header) or _pair(header, "PixelAspectRatio")
    return pair[0] / pair[1] if pair else None


def _pair(header: Dataset, name: str) -> tuple[float, float] | None:
    """(Vertical, horizontal) of an element of two numbers above 0."""
    try:
        rows, columns = (float(value) for value in header.get(name) or ())
    except (TypeError, ValueError):  # missing or malformed
        return None
    return (rows, columns) if 0 < rows < math.inf and 0 < columns < math.inf else None


def _warnings(header: Dataset, modality: str | None) -> list[str]:
    found = []
    if terms.code(header, "BurnedInAnnotation") == "YES":
        found.append(
            "The file says that text is burned into the picture. It may show a patient's name, "
            "and a model may react to it."
        )
    if modality in terms.NOT_RADIOGRAPHS:
        found.append(
            f"The file says that it is {terms.NOT_RADIOGRAPHS[modality]}, not a radiograph. "
            "What a model says about it means nothing."
        )
    if terms.code(header, "PresentationIntentType") == "FOR PROCESSING":
        found.append(
            "The file holds raw detector values, not a picture made for viewing. Its contrast may "
            "be weak or inverted. Prefer the file marked FOR PRESENTATION."
        )
    return found

"""DICOM files: recognized, decoded to gray as a viewer shows it, with their safe facts.

Only the header elements in `_WANTED` are ever parsed, none of which is meant to name a patient,
and of those only values from closed lists are passed on: in bad files any element can hold a name.
"""

from __future__ import annotations

import logging
import re
import struct
import zlib
from io import BytesIO
from itertools import pairwise

import numpy as np
from pydicom import Dataset, dcmread, uid
from pydicom.config import IGNORE, settings
from pydicom.encaps import get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels.utils import pixel_array

from xray_models.radiograph import dicom_terms as terms
from xray_models.radiograph.dicom_display import palette_colors, shown
from xray_models.radiograph.quiet import silenced
from xray_models.radiograph.types import (
    MOST_PIXELS,
    Radiograph,
    UnreadableRadiograph,
    check_size,
    first_of,
)

__all__ = ["decode", "has_prefix", "settings", "starts_with_an_element"]

# pydicom quotes what it stumbles over, which may be a patient's name, in its log lines and warnings
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
settings.reading_validation_mode = IGNORE

_MOST_INFLATED = 4 * MOST_PIXELS  # bytes: a whole header is little beside 60 megapixels of 32 bits

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
_WANTED = [
    *_NEEDED,
    *_PALETTES,
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
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
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "PixelData",
]

# SOF0 to SOF15, without the three numbers among them that mean something else; JPEG-LS: SOF55
_FRAME_HEADERS = {*range(0xFFC0, 0xFFD0), 0xFFF7} - {0xFFC4, 0xFFC8, 0xFFCC}

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
        except UnreadableRadiograph:
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
    _check_inflated_size(data)
    header = dcmread(BytesIO(data), force=True, specific_tags=_WANTED)
    if "TransferSyntaxUID" not in header.file_meta:
        implicit, little = header.original_encoding
        plain = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
        header.file_meta.TransferSyntaxUID = plain if little else uid.ExplicitVRBigEndian
    return header


def _check_inflated_size(data: bytes) -> None:
    """Refuse a deflated file that would unpack to far more than any picture needs."""
    file = BytesIO(data)
    file.seek(132 if has_prefix(data) else 0)
    meta = read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    if meta.get("TransferSyntaxUID") != uid.DeflatedExplicitVRLittleEndian:
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    left, size = file.read(), 0
    while left and size <= _MOST_INFLATED:
        size += len(inflater.decompress(left, 2**24))
        left = inflater.unconsumed_tail
    if size > _MOST_INFLATED:
        raise UnreadableRadiograph(
            f"The DICOM file unpacks to more than {_MOST_INFLATED // 2**20} MB, which no "
            "radiograph needs. Export the radiograph again."
        )


def _radiograph(header: Dataset) -> Radiograph:
    modality = terms.known(header, "Modality", terms.MODALITIES)
    _check_kind(header, modality)
    check_size(int(header.Columns), int(header.Rows))
    syntax = header.file_meta.TransferSyntaxUID
    if syntax not in terms.COMPRESSIONS:
        raise UnreadableRadiograph(
            "The pixels of the DICOM file are compressed in a way that RadLens cannot decode "
            "(video, perhaps). Export it uncompressed or as JPEG 2000."
        )
    frames = max(1, int(header.get("NumberOfFrames") or 1))
    if syntax.is_encapsulated:
        _check_stream(header, frames)
    gray, doubts = _grey(header)
    return Radiograph(
        pixels=gray,
        source_format=f"DICOM ({terms.COMPRESSIONS[syntax]})",
        bits=int(header.BitsStored),
        modality=modality,
        view=terms.known(header, "ViewPosition", terms.VIEWS),
        body_part=terms.known(header, "BodyPartExamined", terms.BODY_PARTS),
        photometric=terms.known(header, "PhotometricInterpretation", terms.PHOTOMETRICS),
        spacing_mm=_spacing(header),
        frames=frames,
        warnings=(*_warnings(header, modality), *first_of(frames), *doubts),
    )


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
    if header.get("Rows") or "Image Storage" in uid.UID(sop_class).name:
        raise UnreadableRadiograph(
            "This DICOM file announces a picture but holds no pixels. It may have been cut short, "
            "or exported without its picture: copy or export it again."
        )
    raise UnreadableRadiograph(
        "This DICOM file holds no picture (it may be a report, a plan or an index of other "
        "files), or was cut short before its picture. Choose the file of the radiograph itself."
    )


def _check_stream(header: Dataset, frames: int) -> None:
    """Check the first frame's compressed stream: whole, and of the size that the header announces.

    Its own header is what the decoder allocates memory by, so it must keep the limits too; and
    decoders fill in what is missing at the end of a stream rather than refuse it.
    """
    offsets = None
    if "ExtendedOffsetTable" in header and "ExtendedOffsetTableLengths" in header:
        offsets = (header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths)
    stream = get_frame(header.PixelData, 0, extended_offsets=offsets, number_of_frames=frames)
    if header.file_meta.TransferSyntaxUID == uid.RLELossless:
        _check_runs(stream, int(header.Rows) * int(header.Columns))
        return
    if not stream.rstrip(b"\x00\xff").endswith(b"\xff\xd9"):
        raise _damaged("its compressed pixels end too early")
    announced = int(header.Rows), int(header.Columns), int(header.SamplesPerPixel)
    if _stream_size(stream) != announced:
        raise _damaged("its compressed pixels have another size than its header says")


def _check_runs(stream: bytes, pixels: int) -> None:
    """Check that each segment of an RLE frame unpacks to one byte per pixel (PS3.5 annex G).

    The decoder unpacks whatever there is, up to 64 bytes for one.
    """
    count, *offsets = struct.unpack_from("<16I", stream)
    for start, end in pairwise((*offsets[:count], len(stream))):
        position, left = start, pixels
        while left > 0 and position < end:
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


def _grey(header: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first frame, float32 in 0..1, bright is dense; and doubts about its window."""
    photometric, stored = str(header.PhotometricInterpretation), _stored(header)
    if photometric in ("MONOCHROME1", "MONOCHROME2"):
        if stored.ndim != 2:
            raise _damaged("its header calls it both gray and colored")
        gray, doubts = shown(header, stored)
        return (1.0 - gray if photometric == "MONOCHROME1" else gray), doubts
    white = 2.0 ** int(header.BitsStored) - 1
    if photometric == "PALETTE COLOR":
        stored, white = palette_colors(header, stored), 1.0
    if stored.ndim != 3:
        raise _damaged("its header does not say how gray or color is stored")
    luma = stored.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    luma /= np.float32(white)
    return np.clip(luma, 0.0, 1.0, out=luma), ()


def _stored(header: Dataset) -> np.ndarray:
    """The first frame's values as integers, (rows, columns) or, for color, (rows, columns, 3)."""
    syntax = header.file_meta.TransferSyntaxUID
    stored_bits, allocated, high = header.BitsStored, header.BitsAllocated, header.get("HighBit")
    # unusual: the value does not end at the lowest bit, so that bits below must go, too
    shifted = not syntax.is_encapsulated and high is not None and stored_bits <= high < allocated
    values = pixel_array(
        header,
        index=0,
        decoding_plugin=_DECODERS.get(syntax, ""),
        correct_unused_bits=not shifted,
    )
    return (values << (allocated - 1 - high)) >> (allocated - stored_bits) if shifted else values


def _spacing(header: Dataset) -> tuple[float, float] | None:
    for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        try:
            rows, columns = (float(value) for value in header.get(name) or ())
        except (TypeError, ValueError):  # missing or malformed
            continue
        if 0 < rows < 100 and 0 < columns < 100:
            return rows, columns
    return None


def _warnings(header: Dataset, modality: str | None) -> list[str]:
    found = []
    if terms.code(header, "BurnedInAnnotation") == "YES":
        found.append(
            "The file says that text is burned into the picture: it may show a patient's name, "
            "and a model may react to the text instead of the film."
        )
    if modality in terms.NOT_RADIOGRAPHS:
        found.append(
            f"The file says that it is {terms.NOT_RADIOGRAPHS[modality]}, not a radiograph: "
            "whatever a model says about it means nothing."
        )
    if terms.code(header, "PresentationIntentType") == "FOR PROCESSING":
        found.append(
            "The file holds raw detector values, not a picture made for viewing: its contrast may "
            "be weak or inverted. Prefer the file marked FOR PRESENTATION."
        )
    return found

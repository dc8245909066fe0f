"""DICOM files: which they are, their pixels as a viewer would show them, and their safe facts.

Only the header elements in `_WANTED` are ever parsed, none of which is meant to name a patient,
and of those only values from closed lists are passed on: in bad files any element can hold a name.
"""

from __future__ import annotations

import logging
import re
import struct
import warnings
import zlib
from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmread, uid
from pydicom.encaps import get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels.utils import pixel_array

from xray_models import dicom_terms as terms
from xray_models.dicom_display import palette_colors, shown
from xray_models.film import (
    MOST_PIXELS,
    Radiograph,
    UnreadableRadiograph,
    check_size,
    first_of,
)

# pydicom quotes what it stumbles over, which may be a patient's name, in its log lines
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

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

# Where several decoders exist, the one that refuses a damaged stream and keeps all bits
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
    for order in "<>":
        if len(data) < 12:
            return False
        group, element = struct.unpack_from(f"{order}HH", data)
        if group in (0x0002, 0x0008) and element <= 0x0070:
            (length,) = struct.unpack_from(f"{order}I", data, 4)
            explicit = re.fullmatch(rb"[A-Z]{2}", data[4:6]) is not None
            return explicit or (length % 2 == 0 and length < min(len(data), 256))
    return False


def decode(data: bytes) -> Radiograph:
    """Decode the first frame of a DICOM file to grey, as its own window or tables show it.

    Args:
        data: the whole file, with or without preamble.

    Raises:
        UnreadableRadiograph: no projection radiograph, no pixels, too many, damaged, or compressed
            in a way that cannot be decoded.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pydicom|xray_models\.dicom")
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
    if has_prefix(data):
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
    file.seek(132)
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
    if syntax.is_encapsulated and syntax != uid.RLELossless:
        _check_stream(header, frames)
    grey, doubts = _grey(header)
    return Radiograph(
        pixels=grey,
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
    if not stream.rstrip(b"\x00\xff").endswith(b"\xff\xd9"):
        raise _damaged("its compressed pixels end too early")
    if _stream_size(stream) != (int(header.Rows), int(header.Columns)):
        raise _damaged("its compressed pixels have another size than its header says")


def _stream_size(stream: bytes) -> tuple[int, int] | None:
    """(Rows, columns) in the header of a JPEG, JPEG-LS or JPEG 2000 stream; None if there is none.

    From ITU-T T.81 B.2.2 (frame header), T.87 C.2.2 and T.800 A.5.1 (SIZ).
    """
    start = stream.find(b"\xff\x4f\xff\x51", 0, 4096)  # a JP2 file's boxes may come before
    if start >= 0:
        right, bottom, left, top = struct.unpack_from(">4I", stream, start + 8)
        return bottom - top, right - left
    position = 2
    while stream[:2] == b"\xff\xd8" and position + 9 <= len(stream):
        marker, length = struct.unpack_from(">HH", stream, position)
        if marker == 0xFFFF:  # fill byte
            position += 1
            continue
        if marker in _FRAME_HEADERS:
            rows, columns = struct.unpack_from(">HH", stream, position + 5)
            return rows, columns
        position += 2 + length
    return None


def _grey(header: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first frame, float32 in 0..1, bright is dense; and doubts about its window."""
    stored_bits, photometric = int(header.BitsStored), str(header.PhotometricInterpretation)
    high_bit = int(header.get("HighBit", stored_bits - 1))
    # unusual: the value does not end at the lowest bit
    shifted = not header.file_meta.TransferSyntaxUID.is_encapsulated and high_bit >= stored_bits
    stored = pixel_array(
        header,
        index=0,
        decoding_plugin=_DECODERS.get(header.file_meta.TransferSyntaxUID, ""),
        correct_unused_bits=not shifted,
    )
    if shifted:
        allocated = 8 * stored.dtype.itemsize
        stored = (stored << (allocated - 1 - high_bit)) >> (allocated - stored_bits)
    if photometric in ("MONOCHROME1", "MONOCHROME2"):
        grey, doubts = shown(header, stored)
        return (1.0 - grey if photometric == "MONOCHROME1" else grey), doubts
    white = 2.0**stored_bits - 1
    if photometric == "PALETTE COLOR":
        stored, white = palette_colors(header, stored), 1.0
    luma = stored.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    luma /= np.float32(white)
    return np.clip(luma, 0.0, 1.0, out=luma), ()


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

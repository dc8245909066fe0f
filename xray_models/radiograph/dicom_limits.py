"""DICOM files whose structure costs more than their pixels, refused while they are read.

pydicom reads elements, items and fragments one by one in Python. The file that it reads from counts
its reads (`LimitedFile`), values that can't be so long are taken away before anything parses them
(`drop_overlong`), and compressed streams tell what their decoder will need (`check_jpeg2000`).
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement

from xray_models.radiograph.picture_limits import too_many
from xray_models.radiograph.types import MOST_PIXELS, UnreadableRadiograph

__all__ = ["LimitedFile", "check_jpeg2000", "drop_overlong", "inflated"]

_MOST_READS = 100_000
_MOST_INFLATED = 4 * MOST_PIXELS  # bytes: a whole header is little beside 60 megapixels of 32 bits
_MOST_TEXT = 4096  # bytes of a number, a code, a window: these have at most 16 or 64 each
_MOST_TABLE = 2**18  # bytes of a lookup table: 65,536 entries of 16 bits, and as much again
_MOST_SEQUENCE = 2**20
_MOST_ITEMS = 1000
_MOST_FRAGMENTS = 100_000
_MOST_OFFSETS = 2**20
_MOST_DECODED = 4 * 120_000_000  # bytes: JPEG 2000 is decoded to 32 bits per sample
_MOST_CODE_BLOCKS = 2_000_000

_CHARACTER_SET = b"\x08\x00\x05\x00"
_ITEMS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


class LimitedFile(BytesIO):
    """A file in memory that refuses to be read in very many pieces, or a very long character set.

    Raises:
        UnreadableRadiograph: from `read`, once there were too many.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = _MOST_READS
        self._before = b""

    def read(self, size: int | None = -1, /) -> bytes:
        """As the base class does, and counted."""
        self._left -= 1
        if self._left < 0:
            raise too_many("elements")
        if size is not None and size > _MOST_TEXT and self._before.startswith(_CHARACTER_SET):
            raise too_many("character sets")
        found = super().read(size)
        if len(found) != 4:  # the length of a long element stands between its tag and its value
            self._before = found[:8]
        return found


def inflated(packed: bytes) -> bytes:
    """Unpack a deflated data set, piece by piece and no further than any picture needs.

    Raises:
        UnreadableRadiograph: it unpacks to more.
        zlib.error: it is damaged.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces: list[bytes] = []
    left, size = packed, 0
    while left and not inflater.eof:
        pieces.append(inflater.decompress(left, 2**24))
        size += len(pieces[-1])
        left = inflater.unconsumed_tail
        if size > _MOST_INFLATED:
            raise UnreadableRadiograph(
                f"The DICOM file unpacks to more than {_MOST_INFLATED // 2**20} MB, which no "
                "radiograph needs. Export the radiograph again."
            )
    if not inflater.eof:
        raise zlib.error("incomplete")
    return b"".join(pieces)


def drop_overlong(header: Dataset) -> None:
    """Take away values longer than their kind can be, before they are parsed.

    What the picture needs is then missing, which is refused; what only tells how it is shown does
    without. Pixels stay.
    """
    for tag in list(header.keys()):
        found: Any = header.get_item(tag)  # parsed already where its length was not known
        if isinstance(found, RawDataElement):
            if _is_overlong(found):
                del header[tag]
        elif found is not None and found.VR == "SQ":
            for item in found.value[:1]:
                drop_overlong(item)


def check_jpeg2000(stream: bytes) -> None:
    """Refuse a frame in JPEG 2000 whose decoder would need far more than its picture.

    Args:
        stream: of any compression; others pass.

    Raises:
        UnreadableRadiograph: it is such a one.
    """
    start = stream.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start < 0 or start + 42 > len(stream):
        return
    right, bottom, left, top, *_ = struct.unpack_from(">6I", stream, start + 8)
    (samples,) = struct.unpack_from(">H", stream, start + 40)
    pixels = max(0, right - left) * max(0, bottom - top)
    if 4 * pixels * samples > _MOST_DECODED:
        raise UnreadableRadiograph(
            f"The picture has {pixels * samples / 1e6:.0f} million samples in JPEG 2000; RadLens "
            f"reads up to {_MOST_DECODED // 4_000_000}. Export it in gray, or uncompressed."
        )
    # ITU-T T.800 A.6.1: code blocks have 2 to the power of these, plus 2, each way
    style = stream.find(b"\xff\x52", start + 42)
    if style >= 0 and style + 12 <= len(stream):
        wide, high = stream[style + 10] & 15, stream[style + 11] & 15
        blocks = pixels * samples / 2 ** (wide + high + 4)
        if blocks > _MOST_CODE_BLOCKS:
            raise too_many("code blocks")


def _is_overlong(element: RawDataElement) -> bool:
    value = element.value or b""
    tag = int(element.tag)
    if tag == _PIXELS:
        # pixels that are not packed into items are millions of bytes that nobody splits
        return value[:4] in _ITEMS and _count(value) > _MOST_FRAGMENTS
    if tag in _NOT_PARSED:
        return False
    if tag in _OFFSETS:
        return len(value) > _MOST_OFFSETS
    if tag in _TABLES:
        return len(value) > _MOST_TABLE
    if tag in _SEQUENCES:
        return len(value) > _MOST_SEQUENCE or _count(value) > _MOST_ITEMS
    return len(value) > _MOST_TEXT


def _count(value: bytes) -> int:
    """How many items there are, for each begins with one of two marks."""
    return max(value.count(mark) for mark in _ITEMS)


def _tags(*names: str) -> frozenset[int]:
    return frozenset(tag for name in names if (tag := tag_for_keyword(name)) is not None)


_PIXELS = 0x7FE00010
_NOT_PARSED = _tags("FloatPixelData", "DoubleFloatPixelData")
_OFFSETS = _tags("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
_TABLES = _tags(
    "LUTData",
    *(
        f"{kind}{color}PaletteColorLookupTableData"
        for kind in ("", "Segmented")
        for color in ("Red", "Green", "Blue")
    ),
)
_SEQUENCES = _tags(
    "ModalityLUTSequence",
    "VOILUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "FrameVOILUTSequence",
    "PixelValueTransformationSequence",
)

"""JPEG streams (ITU-T T.81, T.87): whether the picture in them is whole, and what can be mended.

Decoders fill in what is missing with flat gray and say so only in warnings that Pillow and
pylibjpeg keep to themselves. libjpeg-turbo hands its warnings out through simplejpeg; where it
cannot decode (more than 8 bits, lossless, JPEG-LS), the picture is decoded a second time with other
bytes behind the data: a whole picture never asks for them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import simplejpeg
from libjpeg.utils import decode

__all__ = ["END", "EndsEarly", "Stream", "checked", "checked_2000"]

END = b"\xff\xd9"
NO_END = (
    "The JPEG data lack their end marker: the file was cut off at its very end, but the picture "
    "itself is whole."
)
DAMAGED = (
    "The JPEG data are damaged somewhere: parts of the picture may be wrong. Compare it with the "
    "original, or copy the file again."
)

_START_OF_SCAN = 0xFFDA
_PROGRESSIVE = {0xFFC2, 0xFFC6, 0xFFCA, 0xFFCE}
_SEQUENTIAL = {0xFFC0, 0xFFC1}
# SOF0 to SOF15, without the three numbers among them that mean something else; JPEG-LS: SOF55
_FRAME_HEADERS = {*range(0xFFC0, 0xFFD0), 0xFFF7} - {0xFFC4, 0xFFC8, 0xFFCC}
_ENDS_EARLY = ("premature end",)
_DAMAGES = ("bad huffman", "bad arithmetic", "instead of rst", "inconsistent progression")
_FILLINGS = (bytes(64), b"\x5a\x33\xc6\x91" * 16)
_MOST_TWICE = 16_000_000  # pixels: larger pictures are not decoded a second time


class EndsEarly(ValueError):
    """The compressed data end before the picture does."""


class Stream(NamedTuple):
    """A stream that a decoder takes, and sentences on what was wrong with it."""

    data: bytes
    warnings: tuple[str, ...] = ()


class _Frame(NamedTuple):
    """What a frame header says (T.81 B.2.2), and where the first scan begins."""

    marker: int
    bits: int
    rows: int
    columns: int
    components: bytes
    scan: int


def checked(data: bytes) -> Stream:
    """Check that a JPEG or JPEG-LS stream holds its whole picture.

    Args:
        data: the stream, from its start marker on. What comes behind its end marker is ignored.

    Returns:
        The stream itself, or one with an end marker and a scan header as the standard asks.

    Raises:
        EndsEarly: part of the picture is missing.
    """
    frame = _frame(data)
    if frame is None:
        return Stream(data)
    doubts = []
    if data.find(END, frame.scan) < 0:
        data += END
        doubts.append(NO_END)
    data = _with_all_coefficients(data, frame)
    if frame.marker in _PROGRESSIVE and not _has_all_passes(data, frame):
        raise EndsEarly
    if frame.bits == 8 and frame.marker not in (0xFFC3, 0xFFF7):
        if (complaint := _complaint(data, len(frame.components) // 3)) is not None:
            if any(words in complaint for words in _ENDS_EARLY):
                raise EndsEarly
            if any(words in complaint for words in _DAMAGES):
                doubts.append(DAMAGED)
    elif frame.rows * frame.columns <= _MOST_TWICE:
        _check_by_filling(data, frame.scan, thorough=bool(doubts))
    return Stream(data, tuple(doubts))


def checked_2000(data: bytes) -> Stream:
    """Check that a JPEG 2000 codestream has its end marker, and else that its last tile is whole.

    Args:
        data: the codestream (ITU-T T.800 annex A), perhaps with boxes before it.

    Returns:
        The codestream itself, or one with an end marker.

    Raises:
        EndsEarly: a tile is missing or cut short.
    """
    if data.rstrip(b"\x00\xff").endswith(END):
        return Stream(data)
    at = data.find(b"\xff\x90\x00\x0a")  # start of tile-part
    while at >= 0 and data[at : at + 2] == b"\xff\x90" and at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at + 6)
        if not length:  # up to the end, wherever that is
            return Stream(data + END, (NO_END,))
        at += length
    if not 0 < at <= len(data):
        raise EndsEarly
    return Stream(data[:at] + END, (NO_END,))


def _frame(data: bytes) -> _Frame | None:
    """The frame header before the first scan; None where there is none, or no scan."""
    found = None
    for marker, at, length in _segments(data):
        if marker in _FRAME_HEADERS and length >= 8:
            bits, rows, columns, count = struct.unpack_from(">BHHB", data, at)
            found = marker, bits, rows, columns, data[at + 6 : at + 6 + 3 * count]
        if marker == _START_OF_SCAN:
            return _Frame(*found, scan=at) if found else None
    return None


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(Marker, where its content begins, length of that) up to the first scan."""
    position = 2
    while position + 4 <= len(data):
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == 0xFFFF:  # a fill byte
            position += 1
            continue
        if marker < 0xFF01 or length < 2:
            return
        yield marker, position + 4, length - 2
        if marker == _START_OF_SCAN:
            return
        position += 2 + length


def _with_all_coefficients(data: bytes, frame: _Frame) -> bytes:
    """Mend a sequential scan that announces its first coefficient only, as some encoders wrote.

    All 64 are in it, for a sequential scan holds nothing less (T.81 B.2.3, table B.3).
    """
    end = frame.scan + 2 + 2 * data[frame.scan] - 1
    if frame.marker in _SEQUENTIAL and data[end : end + 2] == b"\x00\x00":
        return data[: end + 1] + b"\x3f" + data[end + 2 :]
    return data


def _has_all_passes(data: bytes, frame: _Frame) -> bool:
    """Whether the scans of a progressive picture bring every bit of every coefficient."""
    missing = {component: np.full(64, 99) for component in frame.components[::3]}
    at = data.find(b"\xff\xda", frame.scan - 4)  # never occurs inside entropy-coded data
    while at >= 0 and at + 5 < len(data):
        count = data[at + 4]
        body = data[at + 5 : at + 8 + 2 * count]
        if len(body) == 2 * count + 3:
            first, last, bits = body[-3:]
            for component in body[: 2 * count : 2]:
                if component in missing and first <= last < 64:
                    missing[component][first : last + 1] = bits & 15
        at = data.find(b"\xff\xda", at + 2)
    return not any(bits.any() for bits in missing.values())


def _complaint(data: bytes, components: int) -> str | None:
    """libjpeg-turbo's first warning, in lower case; decoded at an eighth, which is quickest."""
    try:
        simplejpeg.decode_jpeg(
            data, colorspace="CMYK" if components == 4 else "GRAY", min_factor=8, strict=True
        )
    except ValueError as error:
        return str(error).lower()
    return None


def _check_by_filling(data: bytes, scan: int, thorough: bool) -> None:
    """See that other bytes behind the data leave the picture as it is.

    Args:
        data: the stream.
        scan: where its first scan begins.
        thorough: try more bytes, for a stream whose very end is missing.

    Raises:
        EndsEarly: the decoder asked for more than there is.
        RuntimeError: it cannot decode the stream.
    """
    body = data[: data.find(END, scan)]
    picture = decode(data)
    for filling in _FILLINGS if thorough else _FILLINGS[1:]:
        if not np.array_equal(decode(body + filling + END), picture):
            raise EndsEarly

"""Pictures whose structure costs more than their pixels, refused before Pillow walks through it.

A file may hold far more pieces than any picture needs (scans, segments, chunks, strips, pages,
tags), and each costs some Python or a copy. What is counted here is counted in a few searches, and
never by trusting one number: the walk stops at the limit.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Container, Iterator
from itertools import islice
from typing import Literal

from xray_models.radiograph.types import MOST_PIXELS, UnreadableRadiograph, check_size

__all__ = ["MOST_WEBP_PIXELS", "check_jpeg", "check_picture", "pages", "tiff_shorts", "too_many"]

MOST_WEBP_PIXELS = 36_000_000
"""WebP's decoder needs 20 bytes for a pixel, all others together up to 14."""

_MOST_STEPS = 200_000  # what Pillow's loop over the segments of a JPEG is allowed
_MOST_SCANS = 100
_MOST_SCANNED = 10 * MOST_PIXELS  # pixels times scans: progressive JPEG is decoded anew by each
_MOST_CHUNKS = 2**16
_MOST_STRIPS = 2**17
_MOST_PAGES = 1000
_MOST_TAGS = 1000  # that are looked through for one of a few: a page has about 20
_MOST_RLE_PIXELS = 4_000_000  # of a BMP: Pillow decodes its runs in Python
_MOST_RLE_BYTES = 4 * 2**20

_BYTES_OF = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BYTES_OF |= {16: 8, 17: 8, 18: 8}
_STRIPS = {273, 279, 324, 325}
# markers that Pillow takes as followed by a length; what comes after others is junk to it
_SEGMENTS = ({*range(0xC0, 0xD0), *range(0xDA, 0xF0), 0xFE}) - {0xC8}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_FILL = re.compile(rb"\xff*")


def check_picture(data: bytes) -> None:
    """Refuse a picture that is made of far more pieces than a radiograph.

    Args:
        data: the whole file: PNG, JPEG, TIFF, BMP or WebP.

    Raises:
        UnreadableRadiograph: it is.
    """
    if data.startswith(b"\xff\xd8"):
        check_jpeg(data)
    elif data.startswith(b"\x89PNG"):
        _check_png(data)
    elif data[:2] in (b"II", b"MM"):
        _check_directory(data, _first_directory(data))
    elif data.startswith(b"BM"):
        _check_bmp(data)


def check_jpeg(data: bytes) -> None:
    """Refuse a JPEG of very many segments or scans, or with fill bytes or junk between them.

    Args:
        data: the stream from its first marker on.

    Raises:
        UnreadableRadiograph: it is such a one.
    """
    position, steps, pixels, exif = 2, 0, 0, []
    while position + 4 <= len(data):
        start = position
        position = data.find(b"\xff", position)
        if position < 0:
            break
        fill = _FILL.match(data, position)
        position = fill.end() if fill else position
        steps += 1 + position - start
        if steps > _MOST_STEPS:
            raise too_many("segments or fill bytes")
        if position >= len(data):
            break
        marker = data[position]
        position += 1
        if marker == 0xDA:
            break
        if marker not in _SEGMENTS or position + 2 > len(data):
            continue
        (length,) = struct.unpack_from(">H", data, position)
        if marker in _FRAMES and position + 7 <= len(data):
            rows, columns = struct.unpack_from(">HH", data, position + 3)
            pixels = max(pixels, rows * columns)
        if marker == 0xE1 and data[position + 2 : position + 8] == b"Exif\0\0":
            exif.append(data[position + 8 : position + length])
        position += max(2, length)
    # in coded pixels a marker never occurs by chance
    scans = data.count(b"\xff\xda", position - 2)
    if scans > _MOST_SCANS or scans * pixels > _MOST_SCANNED + pixels:
        raise too_many("scans")
    if exif:
        blob = b"".join(exif)  # as Pillow does
        _check_directory(blob, _first_directory(blob))


def pages(data: bytes) -> int:
    """How many pages a TIFF has, at least 1 and at most 1000.

    Counted along the chain of directories until it ends, leaves the file or comes back to where it
    was: the pages themselves are not looked at.
    """
    seen: set[int] = set()
    at = _first_directory(data)
    while at is not None and at not in seen and len(seen) < _MOST_PAGES:
        after = _after(data, at)
        if after is None and seen:  # a page that does not even have its list of tags
            break
        seen.add(at)
        if after is None or not _read(data, after, "Q" if _is_big(data) else "I"):
            break
        at = _read(data, after, "Q" if _is_big(data) else "I")
    return max(1, len(seen))


def tiff_shorts(data: bytes, wanted: Container[int]) -> dict[int, tuple[int, str]]:
    """Values of some tags of a TIFF's first page that are one SHORT: where, in which `struct` form.

    Args:
        data: the whole file, of any format.
        wanted: numbers of the tags.

    Returns:
        Tag -> place and form, without those that are missing, or have other types or counts.
    """
    entries = islice(_entries(data, _first_directory(data)), _MOST_TAGS)
    return {
        tag: (where, f"{_order(data)}H")
        for tag, kind, count, where in entries
        if tag in wanted and (kind, count) == (3, 1)
    }


def too_many(what: str) -> UnreadableRadiograph:
    """The refusal of a file for its number of pieces."""
    return UnreadableRadiograph(
        f"The file holds far more {what} than any radiograph needs. It is damaged, or made to keep "
        "the computer busy. Export the radiograph again, or save it as PNG from another program."
    )


def _check_png(data: bytes) -> None:
    position, chunks = 8, 0
    while position + 12 <= len(data):
        chunks += 1
        if chunks > _MOST_CHUNKS:
            raise too_many("chunks")
        (length,) = struct.unpack_from(">I", data, position)
        if data[position + 4 : position + 8] == b"eXIf":
            blob = data[position + 8 : position + 8 + length]
            _check_directory(blob, _first_directory(blob))
        position += 12 + length


def _check_bmp(data: bytes) -> None:
    if len(data) < 34 or struct.unpack_from("<I", data, 14)[0] < 40:
        return
    width, height = struct.unpack_from("<ii", data, 18)
    if struct.unpack_from("<I", data, 30)[0] in (1, 2):  # RLE8, RLE4
        check_size(width, abs(height))
        if abs(width * height) > _MOST_RLE_PIXELS or len(data) > _MOST_RLE_BYTES:
            raise UnreadableRadiograph(
                "This BMP is compressed by runs, which RadLens reads up to "
                f"{_MOST_RLE_PIXELS // 10**6} megapixels only. Save the radiograph as PNG."
            )


def _check_directory(data: bytes, at: int | None) -> None:
    """Refuse tags that announce more data than there is: each would be read into memory."""
    left = len(data) + 2**16
    for tag, kind, count, _ in _entries(data, at):
        size = count * _BYTES_OF.get(kind, 1)
        left -= size if size > 8 and size <= len(data) else 0  # what leaves the file is not read
        if left < 0:
            raise too_many("data in its tags")
        if tag in _STRIPS and count > _MOST_STRIPS and size <= len(data):
            raise too_many("strips")


def _entries(data: bytes, at: int | None) -> Iterator[tuple[int, int, int, int]]:
    """(Tag, type, count, where the value stands) of a directory's entries."""
    if at is None or (after := _after(data, at)) is None:
        return
    order, big = _order(data), _is_big(data)
    form, head = (f"{order}HHQ", 8) if big else (f"{order}HHI", 2)
    step, where = (20, 12) if big else (12, 8)
    for position in range(at + head, after, step):
        tag, kind, count = struct.unpack_from(form, data, position)
        yield tag, kind, count, position + where


def _order(data: bytes) -> Literal["<", ">"]:
    return ">" if data.startswith(b"MM") else "<"


def _is_big(data: bytes) -> bool:
    return data[2:4] in (b"+\0", b"\0+")


def _first_directory(data: bytes) -> int | None:
    if data[:2] not in (b"II", b"MM"):
        return None
    return _read(data, 8, "Q") if _is_big(data) else _read(data, 4, "I")


def _after(data: bytes, at: int) -> int | None:
    """Where a directory's entries end, if it lies in the file."""
    big = _is_big(data)
    count = _read(data, at, "Q" if big else "H")
    if count is None:
        return None
    end = at + (8 + 20 * count if big else 2 + 12 * count)
    return end if end <= len(data) else None


def _read(data: bytes, at: int, form: str) -> int | None:
    size = struct.calcsize(form)
    if at + size > len(data):
        return None
    (found,) = struct.unpack_from(f"{_order(data)}{form}", data, at)
    return int(found)

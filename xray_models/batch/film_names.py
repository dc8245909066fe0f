"""Names of films: the bytes that tell one from the other, and what people are shown of them.

A film is known by its key: the bytes of its path, or its place in an archive. Its shown name is
made for people: it is as readable as it can be, it is safe in a table and on a terminal, and two
keys may give the same one.
"""

from __future__ import annotations

import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import quote_from_bytes

from xray_models.spreadsheet import BEGINNINGS

__all__ = ["UniqueNames", "decoded", "display_name", "key_of_path", "name_in_archive"]

_UTF8 = 0x800  # flag of a ZIP entry
_UNICODE_PATH = 0x7075  # extra field of Info-ZIP
_HIGH = re.compile(rb"[\x80-\xff]+")
_INNER = re.compile(rf";(?=\s*[{re.escape(BEGINNINGS)}])")


class UniqueNames:
    """Names given out so far: one that comes again gets a number, "a.png (2)"."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        """Begin with names that are taken."""
        self._taken = set(taken)
        self._last: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """Give the name out, or with the next free number."""
        unique = name
        while unique in self._taken:
            self._last[name] = self._last.get(name, 1) + 1
            unique = f"{name} ({self._last[name]})"
        self._taken.add(unique)
        return unique


def key_of_path(path: str) -> str:
    """Key of a path: its bytes, those beyond letters, digits and "/_.-~" as %XX."""
    quoted = quote_from_bytes(os.fsencode(path), safe="/")
    return f"%2D{quoted[1:]}" if quoted.startswith("-") else quoted


def display_name(name: str) -> str:
    """Name of a film that is safe in a table and on a terminal.

    Bytes that are no UTF-8 are read as `decoded` does, control characters become question marks. A
    beginning that a spreadsheet would take for a formula gets "./" before it, which leaves a path
    the same; one after a semicolon gets an apostrophe.
    """
    try:
        name.encode()
    except UnicodeEncodeError:  # a path that is no UTF-8
        name = decoded(os.fsencode(name))
    clean = "".join(one if one.isprintable() else "?" for one in name)
    clean = _INNER.sub(";'", clean)
    return f"./{clean}" if clean.lstrip().startswith(tuple(BEGINNINGS)) else clean


def decoded(raw: bytes, archive: bool = False) -> str:
    """Text of a name's bytes, whose encoding nobody tells: a guess, for people only.

    UTF-8 where the bytes are that, else GBK where they are common Chinese characters, else the
    letters of code page 437 in an archive of DOS and old Windows, else Windows-1252.

    Args:
        raw: the bytes.
        archive: they come from a ZIP archive.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    if _is_chinese(raw):
        return raw.decode("gbk")
    high = b"".join(_HIGH.findall(raw))
    if archive and all(0x80 <= byte <= 0xA5 or byte == 0xE1 for byte in high):
        return raw.decode("cp437")
    return raw.decode("cp1252", errors="replace")


def name_in_archive(entry: zipfile.ZipInfo) -> PurePosixPath:
    """Name of an entry of a ZIP archive: as Unicode where the archive gives it, else a guess."""
    name = entry.orig_filename
    if not entry.flag_bits & _UTF8:
        raw = name.encode("cp437")  # how zipfile decoded it
        name = _unicode_path(entry.extra, raw) or decoded(raw, archive=True)
    return PurePosixPath(name.replace("\\", "/"))


def _is_chinese(raw: bytes) -> bool:
    """Whether all high bytes are pairs of GB 2312, and at least half of them common characters."""
    runs = _HIGH.findall(raw)
    if any(len(run) % 2 for run in runs):
        return False
    pairs = [run[at : at + 2] for run in runs for at in range(0, len(run), 2)]
    if any(not (0xA1 <= one[0] <= 0xF7 and one[1] >= 0xA1) for one in pairs):
        return False
    common = sum(0xB0 <= one[0] <= 0xD7 for one in pairs)
    try:
        raw.decode("gbk")
    except UnicodeDecodeError:
        return False
    return common > 0 and 2 * common >= len(pairs)


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Name that Info-ZIP adds in UTF-8, where it still belongs to the entry's own."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + size]
        if kind == _UNICODE_PATH and len(field) > 5 and field[0] == 1:
            (checked,) = struct.unpack_from("<L", field, 1)
            if checked == zlib.crc32(raw):
                return field[5:].decode(errors="replace")
        at += 4 + size
    return None

"""Sources of files, named and opened one by one: a folder, a list, a ZIP archive, or uploads.

Nothing is unpacked to disk. What is wrong with a single file is told when it is loaded, so that
the rest go on; what is wrong with the whole (no such folder, a damaged archive, a bomb) at once.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO, Self

from xray_models.batch.film_names import (
    UniqueNames,
    display_name,
    key_of_path,
    name_in_archive,
)
from xray_models.radiograph import MOST_BYTES, UnreadableRadiograph, begins_as_film

__all__ = [
    "UPLOADED",
    "Archive",
    "FileList",
    "Folder",
    "Limits",
    "Source",
    "SourceError",
    "Sources",
    "Uploads",
    "display_name",
    "find",
    "refused",
]

_PACKING = (
    "The file is packed in a way that RadLens cannot unpack. Make the archive with the usual "
    "method (deflate)."
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# others are unpacked whole before anybody can look at the limit
_UNPACKED_IN_PIECES = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MOST_FOLDERS = 32
_PEEK = 132  # bytes that tell a picture or DICOM file
_RATIO_COUNTS_FROM = 2**20  # a small file can be packed very well without harm
_NO_FILMS = frozenset(
    ".csv .tsv .txt .md .rst .json .jsonl .xml .yaml .yml .html .htm .log .xls .xlsx .parquet .db "
    ".ini .py .ipynb".split()
)
_NO_FILM_NAMES = frozenset({"thumbs.db", "desktop.ini", "dicomdir", "__macosx"})
_ARCHIVES = frozenset(".zip .7z .rar .tar .tgz .gz .bz2 .xz .zst".split())
# what zipfile raises on damaged or unusual entries: it documents only some of them
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)


class SourceError(ValueError):
    """A folder, list or archive cannot be used at all; the message says why and what to do."""


@dataclass(frozen=True)
class Source:
    """File to score.

    Attributes:
        file: its name in the results, which people are shown.
        load: gives its path or content; raises UnreadableRadiograph. Any thread may call it.
        key: what tells it from every other file of its sources: the bytes of its path, or its
            place in an archive or among uploads. The same at each pass; by default its name.
    """

    file: str
    load: Callable[[], bytes | Path]
    key: str = ""

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", self.file)


@dataclass(frozen=True)
class Limits:
    """Limits of what a ZIP archive may hold.

    Attributes:
        files: entries, folders included.
        unpacked: bytes of all entries together, unpacked.
        ratio: unpacked to packed bytes of an entry above 1 MB. Films reach about 50; a picture of
            nothing but black is the exception.
    """

    files: int = 100_000
    unpacked: int = 500 * 2**30
    ratio: int = 200


UPLOADED = Limits(files=5_000, unpacked=4 * 2**30)
"""Limits of an archive that comes through the browser."""


class Sources:
    """Files to score, in the same order at each pass; a context manager, for archives are open."""

    def __iter__(self) -> Iterator[Source]:
        """The files that may be films; tables, texts and the like are left out unless they are."""
        raise NotImplementedError

    def count(self) -> int:
        """Count of files to score; the files are looked through, not read."""
        return sum(1 for _ in self)

    def close(self) -> None:
        """Let go of open files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Folder(Sources):
    """Every file below a folder, in alphabetical order; linked folders are not followed."""

    def __init__(self, path: Path) -> None:
        """Raises SourceError where there is no such folder."""
        if not path.is_dir():
            raise SourceError(f"{path}: there is no such folder. Check the path.")
        self.path = path

    def __iter__(self) -> Iterator[Source]:
        yield from _named_apart(self._below(self.path, PurePosixPath()))

    def _below(self, folder: Path, inside: PurePosixPath) -> Iterator[Source]:
        if len(inside.parts) > _MOST_FOLDERS:
            yield _refused_path(inside, f"Folders lie more than {_MOST_FOLDERS} deep here.")
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            yield _refused_path(inside, "The folder cannot be opened. Check its permissions.")
            return
        for entry in entries:
            name, path = inside / entry.name, folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                if not _is_no_film(entry.name):
                    yield from self._below(path, name)
            elif entry.is_file() and _may_be_film(entry.name, partial(_beginning, path)):
                yield _of_path(str(name), path)


class FileList(Sources):
    """Files that a text file names, a path a line, relative to the list's own folder.

    A path that stands there twice is one file.
    """

    def __init__(self, path: Path) -> None:
        """Raises SourceError where the list cannot be read or names nothing."""
        self.path = path
        if not self.count():
            raise SourceError(f"{path}: the list names no file. Write a path a line.")

    def __iter__(self) -> Iterator[Source]:
        once = dict.fromkeys(self._names())
        yield from _named_apart(_of_path(name, self.path.parent / name) for name in once)

    def _names(self) -> Iterator[str]:
        """Paths of the list; bytes that are no UTF-8 stay, where a file of such a name exists."""
        try:
            with self.path.open("rb") as lines:
                for number, line in enumerate(lines):
                    raw = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
                    name = os.fsdecode(raw.strip())
                    if not name or name.startswith("#"):
                        continue
                    if not (_is_text(raw) or (self.path.parent / name).is_file()):
                        raise SourceError(
                            f"{self.path}: is no folder, no ZIP archive and no text that lists "
                            "files. For single films use: python classify.py FILE..."
                        )
                    yield name
        except (OSError, ValueError) as error:
            if isinstance(error, SourceError):
                raise
            why = getattr(error, "strerror", None) or error
            raise SourceError(f"{self.path}: cannot be read ({why}).") from error


class Archive(Sources):
    """Files inside a ZIP archive, read from it one by one and never unpacked to disk."""

    def __init__(
        self,
        file: Path | BinaryIO,
        name: str,
        limits: Limits | None = None,
        inside: str = "",
        place: str = "",
    ) -> None:
        """Open an archive and check it as a whole.

        Args:
            file: its path, or its content as a file that can seek.
            name: of the archive, for messages.
            limits: what it may hold.
            inside: put before the names of its files.
            place: put before their keys.

        Raises:
            SourceError: damaged, or beyond the limits.
        """
        self._limits = limits or Limits()
        self._inside, self._place = inside, place
        try:
            self._file: BinaryIO = file.open("rb") if isinstance(file, Path) else file
            directory = _directory_bytes(self._file)
            # an entry takes 46 bytes and its name: beyond this there must be too many, and the
            # directory would be taken into memory whole
            if directory > self._limits.files * 300:
                raise SourceError(self._too_many(name))
            self._zip = zipfile.ZipFile(self._file)
        except OSError as error:
            raise SourceError(f"{name}: cannot be opened ({error.strerror or error}).") from error
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            self._file.close()
            if isinstance(error, SourceError):
                raise
            raise SourceError(
                f"{name}: the ZIP archive is damaged or cut short. Copy or make it again."
            ) from error
        entries = self._zip.infolist()
        if len(entries) > self._limits.files:
            self.close()
            raise SourceError(self._too_many(name))
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > self._limits.unpacked:
            self.close()
            raise SourceError(
                f"{name}: unpacked, the archive would have {unpacked / 2**30:,.1f} GB; RadLens "
                f"reads up to {self._limits.unpacked / 2**30:,.0f}. Divide it."
            )

    def _too_many(self, name: str) -> str:
        return (
            f"{name}: the archive holds more than {self._limits.files:,} files, the most that "
            "RadLens reads from one. Divide it."
        )

    def __iter__(self) -> Iterator[Source]:
        yield from _named_apart(self._entries())

    def _entries(self) -> Iterator[Source]:
        for place, entry in enumerate(self._zip.infolist(), 1):
            path = name_in_archive(entry)
            folders = [part for part in path.parts[:-1] if part != ".."]
            if entry.is_dir() or any(map(_is_no_film, folders)):
                continue
            if not _may_be_film(path.name, partial(self._beginning, entry)):
                continue
            name, key = display_name(f"{self._inside}{path}"), f"{self._place}{place}"
            wrong = self._objection(entry, path)
            yield refused(name, wrong, key) if wrong else Source(name, self._loader(entry), key)

    def _objection(self, entry: zipfile.ZipInfo, path: PurePosixPath) -> str | None:
        """Why an entry is not even opened."""
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", str(path)):
            return (
                "The name of this file in the archive leads out of the archive, as in an attack. "
                "It was not read."
            )
        if len(path.parts) > _MOST_FOLDERS:
            return f"In the archive this file lies more than {_MOST_FOLDERS} folders deep."
        if stat.S_ISLNK(entry.external_attr >> 16):
            return "This is a link, not a file. Put the film itself into the archive."
        if entry.flag_bits & 0x1:
            return "The file is encrypted. Make the archive without a password."
        if entry.compress_type not in _UNPACKED_IN_PIECES:
            return _PACKING
        if path.suffix.lower() in _ARCHIVES:
            return (
                "This is an archive inside the archive, which RadLens does not open. Unpack it "
                "and score its films by themselves."
            )
        if entry.file_size > MOST_BYTES:
            return (
                f"Unpacked, the file has {entry.file_size / 2**20:,.1f} MB; RadLens reads up to "
                f"{MOST_BYTES // 2**20}. Export the film compressed or at a smaller size."
            )
        packed = max(1, entry.compress_size)
        if entry.file_size > max(_RATIO_COUNTS_FROM, packed * self._limits.ratio):
            return (
                f"The file unpacks to {entry.file_size // packed:,} times its packed size, more "
                f"than {self._limits.ratio} as films do: it may be made to fill the memory. It was "
                "not read."
            )
        return None

    def _beginning(self, entry: zipfile.ZipInfo) -> bytes:
        if entry.flag_bits & 0x1 or entry.compress_type not in _UNPACKED_IN_PIECES:
            return b""
        try:
            with self._zip.open(entry) as file:
                return file.read(_PEEK)
        except _DAMAGE:
            return b""

    def _loader(self, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
        def load() -> bytes:
            try:
                with self._zip.open(entry) as file:
                    return file.read(MOST_BYTES + 1)
            except NotImplementedError:
                raise UnreadableRadiograph(_PACKING) from None
            except _DAMAGE:
                raise UnreadableRadiograph(
                    "The file is damaged in the archive. Make the archive again."
                ) from None

        return load

    def close(self) -> None:
        """Let go of the archive."""
        self._zip.close()
        self._file.close()


class Uploads(Sources):
    """Files in memory; archives among them are looked into."""

    def __init__(self, files: Sequence[tuple[str, bytes]], limits: Limits = UPLOADED) -> None:
        """Take files in.

        Args:
            files: name and content of each.
            limits: of each archive.

        Raises:
            SourceError: an archive cannot be used.
        """
        several = len(files) > 1
        self._parts: list[Source | Archive] = []
        for place, (name, content) in enumerate(files, 1):
            if content.startswith(_ZIP):
                inside = f"{name}/" if several else ""
                self._parts.append(
                    Archive(io.BytesIO(content), display_name(name), limits, inside, f"{place}/")
                )
            elif _may_be_film(PurePosixPath(name).name, _given(content)):
                self._parts.append(Source(display_name(name), _given(content), f"{place}"))

    def __iter__(self) -> Iterator[Source]:
        yield from _named_apart(self._files())

    def _files(self) -> Iterator[Source]:
        for part in self._parts:
            if isinstance(part, Source):
                yield part
            else:
                yield from part._entries()

    def close(self) -> None:
        """Let go of the archives."""
        for part in self._parts:
            if isinstance(part, Archive):
                part.close()


def find(path: Path) -> Sources:
    """Files of a folder, a ZIP archive or a list, whichever the path is.

    Raises:
        SourceError: it is none of these, or cannot be used.
    """
    try:
        if path.is_dir():
            return Folder(path)
        if not path.is_file():
            raise SourceError(f"{path}: there is no such folder, list or archive. Check the path.")
        with path.open("rb") as file:
            is_zip = file.read(4) in _ZIP
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}).") from error
    return Archive(path, path.name) if is_zip else FileList(path)


def refused(file: str, sentence: str, key: str = "") -> Source:
    """File that is not read, and why."""

    def load() -> bytes:
        raise UnreadableRadiograph(sentence)

    return Source(display_name(file), load, key)


def _named_apart(files: Iterable[Source]) -> Iterator[Source]:
    """Files whose shown names differ: of equal ones the second gets " (2)", and so on."""
    names = UniqueNames()
    for one in files:
        yield replace(one, file=names(one.file))


def _of_path(name: str, path: Path) -> Source:
    return Source(display_name(name), lambda: path, key_of_path(name))


def _refused_path(inside: PurePosixPath, sentence: str) -> Source:
    return refused(str(inside), sentence, key_of_path(str(inside)))


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in line


def _given(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def _may_be_film(name: str, beginning: Callable[[], bytes]) -> bool:
    """Whether a file is to be read: by its name, and by its beginning where its name says no."""
    return not _is_no_film(name) or begins_as_film(beginning()[:_PEEK])


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_PEEK)
    except OSError:
        return b""


def _is_no_film(name: str) -> bool:
    """Whether a file's or folder's name says that it is no film: hidden, a table, a text."""
    lower = name.lower()
    return (
        lower.startswith(".") or lower in _NO_FILM_NAMES or PurePosixPath(lower).suffix in _NO_FILMS
    )


def _directory_bytes(file: BinaryIO) -> int:
    """Size of a ZIP archive's table of contents, as its last record gives it.

    Raises:
        BadZipFile: there is no such record.
    """
    size = file.seek(0, os.SEEK_END)
    tail_from = max(0, size - 22 - 2**16)
    file.seek(tail_from)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        raise zipfile.BadZipFile
    (found,) = struct.unpack_from("<L", tail, at + 12)
    if found == 0xFFFFFFFF:  # the 64-bit record stands 20 + 56 bytes before
        before = tail.rfind(b"PK\x06\x06", 0, at)
        if before < 0:
            raise zipfile.BadZipFile
        (found,) = struct.unpack_from("<Q", tail, before + 40)
    file.seek(0)
    return int(found)

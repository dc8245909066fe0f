"""ZIP archives unpacked into a folder, within limits: nothing outside it, no links, no bombs."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from xray_models.datasets.problems import DataSetError

__all__ = ["MOST_RATIO", "unzip"]

MOST_RATIO = 200
"""Unpacked to packed bytes of an entry above 1 MB; films reach about 50."""

_RATIO_COUNTS_FROM = 2**20
_PIECE = 2**20
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


def unzip(
    archive: Path, out: Path, progress: Callable[[str], None] = lambda _: None
) -> tuple[int, int]:
    """Unpack an archive; files that are there with the right size are left.

    Args:
        archive: a ZIP file.
        out: folder to write; made if absent.
        progress: told each name.

    Returns:
        Files written, and files that were there.

    Raises:
        DataSetError: it is damaged, or an entry would lie outside the folder, is a link, or grows
            beyond what films do. Entries before it stay.
    """
    written = there = 0
    try:
        with zipfile.ZipFile(archive) as file:
            for entry in file.infolist():
                if entry.is_dir():
                    continue
                target = out / _inside(archive, entry)
                if target.is_file() and target.stat().st_size == entry.file_size:
                    there += 1
                    continue
                _written(archive, file, entry, target)
                written += 1
                progress(entry.filename)
    except _DAMAGE as error:
        raise DataSetError(
            f"{archive}: the archive is damaged or packed unusually ({error}). Download it again."
        ) from error
    return written, there


def _inside(archive: Path, entry: zipfile.ZipInfo) -> PurePosixPath:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        raise DataSetError(
            f"{archive}: the entry {entry.filename!r} would lie outside the folder. Do not trust "
            "this archive."
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DataSetError(f"{archive}: the entry {entry.filename!r} is a link, not a file.")
    return name


def _written(archive: Path, file: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    limit = max(entry.compress_size * MOST_RATIO, _RATIO_COUNTS_FROM)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    size = 0
    try:
        with file.open(entry) as source, partial.open("wb") as sink:
            while piece := source.read(_PIECE):
                size += len(piece)
                if size > limit:
                    raise DataSetError(
                        f"{archive}: the entry {entry.filename!r} grows more than {MOST_RATIO} "
                        "times when unpacked, as no film does. Do not trust this archive."
                    )
                sink.write(piece)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)

"""DICOM files of a folder written as PNG: the grays that Read shows, and nothing of the header.

A PNG is named by its content, so no name, number or date of a patient is carried on. Which file
became which PNG stands in a table beside the output folder, not in it: it holds the files' names.
"""

from __future__ import annotations

import csv
import hashlib
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

from xray_models.datasets.collect.parallel import as_done
from xray_models.datasets.problems import DataSetError
from xray_models.radiograph import UnreadableRadiograph
from xray_models.radiograph.pool import Pool

__all__ = ["BITS", "Conversion", "as_png", "convert", "journal_of"]

BITS = {8: np.uint8, 16: np.uint16}
"""Bits of a PNG -> its integers."""

_COLUMNS = ("file", "bytes", "changed", "png")
_PEEK = 132
_NAME = 24  # hexadecimal digits of the content's hash: 96 bits


@dataclass
class Conversion:
    """Counts of a conversion.

    Attributes:
        written: PNG files.
        before: files that an earlier run had done.
        same: files whose content another file had already.
        skipped: files that are no DICOM.
        problems: file -> why it could not be written.
    """

    written: int = 0
    before: int = 0
    same: int = 0
    skipped: int = 0
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Done:
    file: str
    size: int
    changed: int
    png: str = ""
    problem: str = ""


def journal_of(out: Path) -> Path:
    """Path of the table that says which file became which PNG; beside the output folder."""
    return out.with_name(out.name + ".files.csv")


def convert(
    folder: Path,
    out: Path,
    bits: int = 8,
    workers: int | None = None,
    keep_names: bool = False,
    progress: Callable[[Conversion], None] = lambda _: None,
) -> Conversion:
    """Write every DICOM file below a folder as PNG; files that were done before are left.

    Args:
        folder: to walk, with its subfolders.
        out: to write to; made if absent.
        bits: 8 or 16 of each gray.
        workers: films decoded at the same time; one per processor by default.
        keep_names: keep names and subfolders, of public films whose names tell nothing.
        progress: told after each file.

    Raises:
        DataSetError: there is no such folder, it holds no DICOM file, or an earlier run wrote
            other bits or other names.
    """
    if bits not in BITS:
        raise DataSetError(f"A PNG has 8 or 16 bits here, not {bits}.")
    if not folder.is_dir():
        raise DataSetError(f"{folder}: no such folder. Name the folder of the DICOM files.")
    out.mkdir(parents=True, exist_ok=True)
    journal = journal_of(out)
    style = f"{bits} bits, {'own names' if keep_names else 'named by content'}"
    done = _known(journal, style)
    count = Conversion()
    taken = Counter(one.png for one in done.values())
    workers = workers or os.cpu_count() or 1

    with Pool(workers) as decoders, journal.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")

        def one(path: Path) -> _Done:
            return _converted(path, folder, out, bits, keep_names, decoders)

        left = _left(folder, out, done, count)
        for result in as_done(one, _apart(left, folder, count) if keep_names else left, workers):
            if result.problem:
                count.problems[result.file] = result.problem
            else:
                count.same += bool(taken[result.png])
                count.written += not taken[result.png]
                taken[result.png] += 1
                writer.writerow((result.file, result.size, result.changed, result.png))
                file.flush()
            progress(count)
    if not (count.written or count.before or count.problems):
        raise DataSetError(f"{folder}: holds no DICOM file ({count.skipped:,} others).")
    return count


def as_png(pixels: np.ndarray, path: Path, bits: int) -> None:
    """Write gray pixels as PNG without any text chunk; the file gets its name when it is whole.

    Args:
        pixels: float in 0..1, (height, width).
        path: to write.
        bits: 8 or 16.
    """
    values = np.rint(pixels * (2**bits - 1)).astype(BITS[bits])
    # two files with the same content are written at the same time
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    Image.fromarray(values).save(partial, "PNG", compress_level=3)
    partial.replace(path)


def _known(journal: Path, style: str) -> dict[str, _Done]:
    """What an earlier run did; writes the head of the table where there was none."""
    if not journal.is_file() or not journal.stat().st_size:
        journal.write_text(f"# {style}\n{','.join(_COLUMNS)}\n", encoding="utf-8")
        return {}
    with journal.open(newline="", encoding="utf-8") as file:
        if (before := file.readline().strip("# \n")) != style:
            raise DataSetError(
                f"{journal}: an earlier run wrote {before}. Choose another folder, or delete both."
            )
        found = {}
        for row in csv.DictReader(file):
            try:  # a run that was killed may have left half a line
                found[row["file"]] = _Done(
                    row["file"], int(row["bytes"]), int(row["changed"]), row["png"] or ""
                )
            except (TypeError, ValueError):
                continue
        return found


def _left(folder: Path, out: Path, done: dict[str, _Done], count: Conversion) -> Iterator[Path]:
    """DICOM files that are not done, found while walking."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        here = Path(place)
        if here == out:
            folders.clear()
            continue
        for name in sorted(names):
            path = here / name
            known = done.get(str(path.relative_to(folder)))
            if known and _same(path, known) and (out / known.png).is_file():
                count.before += 1
            elif not _is_dicom(path):
                count.skipped += 1
            else:
                yield path


def _apart(paths: Iterator[Path], folder: Path, count: Conversion) -> Iterator[Path]:
    """Files whose kept names differ; a second one of a name is a problem."""
    claimed: dict[str, str] = {}
    for path in paths:
        relative = path.relative_to(folder)
        first = claimed.setdefault(_kept(relative), str(relative))
        if first == str(relative):
            yield path
        else:
            count.problems[str(relative)] = f"it would be called as {first} is."


def _same(path: Path, known: _Done) -> bool:
    status = path.stat()
    return (status.st_size, status.st_mtime_ns) == (known.size, known.changed)


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(_PEEK)
    except OSError:
        return path.suffix.lower() in (".dcm", ".dicom")  # told when it is read
    return start[128:] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom")


def _converted(
    path: Path, folder: Path, out: Path, bits: int, keep_names: bool, decoders: Pool
) -> _Done:
    relative = path.relative_to(folder)
    try:
        status = path.stat()
        content = path.read_bytes()
        png = _kept(relative) if keep_names else hashlib.sha256(content).hexdigest()[:_NAME]
        target = out / f"{png}.png"
        as_file = _Done(str(relative), status.st_size, status.st_mtime_ns, f"{png}.png")
        if keep_names:
            target.parent.mkdir(parents=True, exist_ok=True)
        as_png(decoders.read(content).pixels, target, bits)
    except UnreadableRadiograph as error:
        return _Done(str(relative), 0, 0, problem=str(error))
    except OSError as error:
        return _Done(str(relative), 0, 0, problem=f"{error.strerror or error}. Check the file.")
    return as_file


def _kept(relative: PurePath) -> str:
    ending = relative.suffix.lower() in (".dcm", ".dicom")
    return (relative.with_suffix("") if ending else relative).as_posix()

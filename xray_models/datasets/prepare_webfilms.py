"""Preparation of the teaching films: from a Roboflow export to the folder that training reads.

Version 7 of "Science Research 2022: Bone Fracture Detection" in a YOLO format: train, valid and
test, each with images/NAME.rf.HASH.jpg and labels/NAME.rf.HASH.txt. The export holds several copies
of a film, mirrored or turned by some degrees. Landmarks were read off one of them: its dhash tells
which.

https://universe.roboflow.com/science-research/science-research-2022:-bone-fracture-detection
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from xray_models.catalogue import assets
from xray_models.datasets.alike import difference_hash, distance
from xray_models.datasets.films import gray_picture, rows
from xray_models.datasets.prepare import scaled
from xray_models.datasets.problems import DataSetError, tell
from xray_models.radiograph import UnreadableRadiograph

__all__ = ["KINDS", "webfilms"]

KINDS = ("angle", "fracture", "line", "messed_up_angle")
"""What is boxed, in the order of the export's data.yaml."""

_MOST_BITS = 16
"""Of 256: scaled copies differ from the film in up to 6, another film in 30 and more."""

_EXPORTED = re.compile(r"(?P<name>.+)\.rf\.[^.]+\.jpe?g", re.IGNORECASE)


def webfilms(
    published: Path, out: Path, progress: Callable[[int, int], None] = lambda *_: None
) -> list[str]:
    """Write the films, their boxes and landmarks as training wants them.

    Args:
        published: the unpacked export.
        out: folder to write; made if absent.
        progress: told (films done, films in all).

    Returns:
        Names of films that the annotations list and the export lacks, holds only turned or
        mirrored otherwise, or that cannot be read; empty if it is complete.

    Raises:
        DataSetError: the export is not what it should be; the message names file and line.
            Within `problems.collecting` a film that cannot be read is left out instead.
    """
    table = assets() / "annotations" / "webfilms_landmarks.csv"
    listed = {
        row["image"]: (row["name"], row["dhash"])
        for _, row in rows(table, ("image", "name", "dhash"))
    }
    copies = _copies(published)
    labels = {path.stem: path for path in sorted(published.rglob("*.txt"))}
    (out / "images").mkdir(parents=True, exist_ok=True)
    films, boxes, missing = [], [], []
    for done, (image, (name, dhash)) in enumerate(listed.items()):
        copy = _nearest(copies.get(name, []), dhash)
        progress(done + 1, len(listed))
        if copy is None:
            missing.append(name)
            continue
        if copy.stem not in labels:
            raise DataSetError(
                f"{copy}: there is no {copy.stem}.txt with its boxes. Export the data set in a "
                "YOLO format, with images/ and labels/."
            )
        size = scaled(copy, out / "images" / image)
        if size is None:
            missing.append(name)
            continue
        films.append([image, name, *size])
        boxes += [[image, *box] for box in _boxes(labels[copy.stem])]
    if not films:
        raise DataSetError(
            f"{published}: none of the films is there. Give the folder that holds train/, valid/ "
            "and test/ of version 7."
        )
    _write(out / "labels.csv", ["image", "name", "width", "height"], films)
    _write(out / "fracture_boxes.csv", ["image", "cls", *"xywh"], boxes)
    shutil.copyfile(table, out / "landmarks.csv")
    return missing


def _copies(published: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    # by name: of copies that are alike the first was annotated
    for path in sorted(published.rglob("*"), key=lambda path: path.name):
        exported = _EXPORTED.fullmatch(path.name)
        if exported:
            found.setdefault(exported["name"], []).append(path)
    return found


def _nearest(copies: list[Path], dhash: str) -> Path | None:
    bits = {}
    for path in copies:
        try:
            bits[path] = distance(difference_hash(gray_picture(path)), dhash)
        except UnreadableRadiograph as error:
            tell(path, 0, f"cannot be read as an image. {error} Or download it again.")
    nearest = min(bits, key=bits.__getitem__, default=None)
    return nearest if nearest is not None and bits[nearest] <= _MOST_BITS else None


def _boxes(path: Path) -> list[list[str]]:
    """Kind, corner and size in fractions, of a file with "class x y width height" a line."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            kind, *box = line.split()
            across, down, width, height = (float(value) for value in box)
            named = dict(enumerate(KINDS))[int(kind)]
        except (ValueError, KeyError) as error:
            raise DataSetError(
                f"{path}, line {number}: {line!r} is not a class from 0 to {len(KINDS) - 1} and "
                "the middle and size of a box. Export the data set in a YOLO format."
            ) from error
        values = (across - width / 2, down - height / 2, width, height)
        found.append([named, *(f"{value:.5f}" for value in values)])
    return found


def _write(path: Path, columns: list[str], lines: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(lines)

"""What every data set yields: films with truth and group, and one rule for splitting by group."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image


class DataSetError(Exception):
    """A data set is missing or malformed; the message names file and line and says what to do."""


@dataclass(frozen=True)
class Film:
    """One labelled radiograph, or a region of one.

    Attributes:
        path: the image file.
        image: id of the film in published tables; unique with `box`.
        group: patient, or near-duplicate group; never on both sides of a split.
        truth: index of the class, or 0/1 for a two-class task.
        targets: of a multi-label task, one value in 0..1 per label; NaN where nobody knows.
        box: (x0, y0, x1, y1) in fractions of width and height, or None for the whole film.
        lesions: boxes (x0, y0, x1, y1) around marked lesions, in fractions of width and height of
            what `pixels` shows.
        facts: columns kept for subgroup figures (source, view, sex, hardware...).
    """

    path: Path
    image: str
    group: str
    truth: int = 0
    targets: tuple[float, ...] = ()
    box: tuple[float, float, float, float] | None = None
    lesions: tuple[tuple[float, float, float, float], ...] = ()
    facts: dict[str, str] = field(default_factory=dict)

    def pixels(self) -> np.ndarray:
        """Grey pixels, float32 in 0..1, shape (height, width), cropped to `box`.

        Raises:
            DataSetError: the file is missing or cannot be decoded.
        """
        try:
            with Image.open(self.path) as image:
                grey = image.convert("L")
        except (OSError, ValueError) as error:
            raise DataSetError(f"{self.path}: cannot be read as an image ({error}).") from error
        if self.box is not None:
            x0, y0, x1, y1 = self.box
            grey = grey.crop(
                (
                    round(x0 * grey.width),
                    round(y0 * grey.height),
                    round(x1 * grey.width),
                    round(y1 * grey.height),
                )
            )
        return np.asarray(grey, np.float32) / 255.0


def rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV file with their line numbers.

    Raises:
        DataSetError: the file is missing, a column is missing, or a row is too short.
    """
    if not path.is_file():
        raise DataSetError(f"{path}: no such file. Point --data at the folder that holds it.")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or [])]
        if missing:
            raise DataSetError(f"{path}, line 1: missing column(s) {', '.join(missing)}.")
        for row in reader:
            if any(row[column] is None for column in columns):
                raise DataSetError(f"{path}, line {reader.line_num}: too few columns.")
            yield reader.line_num, row


def split_of(group: str, seed: int = 0, shares: tuple[float, float] = (0.70, 0.15)) -> str:
    """Assign a group to "train", "validation" or "test", the same on every machine.

    Args:
        group: patient or near-duplicate group.
        seed: another seed gives another split.
        shares: of train and validation; the rest is test.
    """
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < shares[0]:
        return "train"
    return "validation" if position < sum(shares) else "test"

"""Films of a data set with their truth and group, its tables, and the split by group."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from xray_models import radiograph
from xray_models.datasets.problems import DataSetError, tell
from xray_models.radiograph import UnreadableRadiograph

__all__ = ["Film", "film_rows", "gray_picture", "rows", "split_of", "why_unreadable"]


@dataclass(frozen=True)
class Film:
    """Labeled radiograph, or a region of one.

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
        listed: the table that lists the film, and the line; for messages.
    """

    path: Path
    image: str
    group: str
    truth: int = 0
    targets: tuple[float, ...] = ()
    box: tuple[float, float, float, float] | None = None
    lesions: tuple[tuple[float, float, float, float], ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    listed: tuple[Path, int] | None = field(default=None, compare=False, repr=False)

    @property
    def where(self) -> tuple[Path, int]:
        """Table and line that list the film, or its folder and 0; for `tell`."""
        return self.listed or (self.path.parent, 0)

    def pixels(self) -> np.ndarray:
        """Gray pixels as `radiograph.read` gives them, cropped to `box`; black lies beyond it.

        Returns:
            float32 in 0..1, shape (height, width).

        Raises:
            DataSetError: the file is missing or cannot be decoded.
        """
        try:
            gray = radiograph.read(self.path).pixels
        except UnreadableRadiograph as error:
            table, line = self.where
            at = f"{table}, line {line}: " if line else ""
            raise DataSetError(f"{at}{why_unreadable(self.path, error)}") from error
        return gray if self.box is None else _cropped(gray, self.box)

    def size(self) -> tuple[int, int] | None:
        """(width, height) of the whole film in pixels; None, and told, if it cannot be read.

        Raises:
            DataSetError: it cannot be read, and nobody collects problems.
        """
        try:
            return radiograph.size(self.path)
        except UnreadableRadiograph as error:
            tell(*self.where, why_unreadable(self.path, error))
            return None

    def there(self) -> bool:
        """Whether the file exists; it is not opened."""
        return self.path.is_file()

    def flaw(self) -> str:
        """Why the file cannot be decoded, a sentence; empty if it can."""
        try:
            radiograph.read(self.path)
        except UnreadableRadiograph as error:
            return why_unreadable(self.path, error)
        return ""


def gray_picture(path: Path) -> Image.Image:
    """Film as a picture of 8-bit gray (mode "L"), as `radiograph.read` gives it.

    Raises:
        UnreadableRadiograph: it cannot be read.
    """
    return Image.fromarray(np.rint(radiograph.read(path).pixels * 255).astype(np.uint8))


def _cropped(gray: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    height, width = gray.shape
    x0, x1 = (round(x * width) for x in box[::2])
    y0, y1 = (round(y * height) for y in box[1::2])
    if min(x0, y0) >= 0 and x1 <= width and y1 <= height:
        return gray[y0:y1, x0:x1]
    return np.asarray(Image.fromarray(gray).crop((x0, y0, x1, y1)))


def why_unreadable(path: Path, error: UnreadableRadiograph) -> str:
    """Sentence why a film cannot be read, with its path."""
    if not path.exists():
        return f"{path} does not exist, so it cannot be read."
    return f"{path} cannot be read as an image. {error}"


def rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV file with their line numbers.

    Raises:
        DataSetError: the file or a column is missing, it is no CSV, or a row is too short.
    """
    if not path.is_file():
        raise DataSetError(f"{path}: no such file. Point --data at the folder that holds it.")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or [])]
            if missing:
                raise DataSetError(f"{path}, line 1: missing column(s) {', '.join(missing)}.")
            for row in reader:
                if any(row[column] is None for column in columns):
                    tell(path, reader.line_num, "too few columns.")
                else:
                    yield reader.line_num, row
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataSetError(f"{path}: cannot be read as CSV in UTF-8 ({error}).") from error


def film_rows(
    path: Path, columns: tuple[str, ...], filled: tuple[str, ...] = ()
) -> list[tuple[int, dict[str, str]]]:
    """Rows of a table that lists each film once, with their line numbers.

    Args:
        path: a CSV file with the column "image".
        columns: others that it must have.
        filled: those of them that must not be empty: without a group, a film could stand on both
            sides of a split.

    Raises:
        DataSetError: as of `rows`; no film is listed, one is listed twice, or something is empty.
    """
    first: dict[str, tuple[int, dict[str, str]]] = {}
    contradicted: set[str] = set()
    for line, row in rows(path, ("image", *columns)):
        image = row["image"]
        empty = [name for name in ("image", *filled) if not row[name].strip()]
        if empty:
            tell(path, line, f"{' and '.join(empty)} must not be empty. Fill in what is missing.")
        elif image in first:
            before, same = first[image]
            if row != same:  # nobody knows which of the two is right
                contradicted.add(image)
            otherwise = "" if row == same else ", and otherwise"
            tell(path, line, f"{image} is on line {before} too{otherwise}. List each film once.")
        else:
            first[image] = (line, row)
    kept = [one for image, one in first.items() if image not in contradicted]
    if not kept:
        raise DataSetError(f"{path}: no film is listed that could be used. Is the table complete?")
    return kept


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

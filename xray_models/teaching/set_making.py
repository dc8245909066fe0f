"""Making of a teaching set: from a folder of films and a table of their truth."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from xray_models import PARTS
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.csv_import import PredictionsError
from xray_models.radiograph import MOST_BYTES
from xray_models.teaching.sets import (
    Box,
    Question,
    SetError,
    TeachingFilm,
    TeachingSet,
    as_toml,
    parsed,
)

__all__ = ["COLUMNS", "make_set"]

COLUMNS = ("image", "part", "age", "boxes", "note")
"""Columns of the table with a meaning of their own; every other one is a question."""
_YES, _NO = ("1", "1.0", "true", "yes", "y"), ("0", "0.0", "false", "no", "n")


def make_set(
    folder: Path,
    table: Path,
    license: str,  # noqa: A002 - the field's name in the file
    title: str = "",
    source: str = "",
    about: str = "",
) -> TeachingSet:
    """Set of the films in a folder whose truth a table tells.

    The table has a column "image" with file names or paths in the folder, and a column per question
    with 1 or 0 (also yes and no); an empty cell means that nobody knows. The columns "part", "age",
    "boxes" ("x y width height" in shares of the film, several with ";") and "note" are optional.

    Args:
        folder: that holds the films; the set is to lie in it.
        table: CSV file.
        license: of the films.
        title: of the set; the folder's name by default.
        source: whose films they are.
        about: sentences on the set that give no truth away.

    Raises:
        SetError: no such folder or table, no film or no question; or a cell that makes no sense.
    """
    if not folder.is_dir():
        raise SetError(f"{folder}: is no folder.")
    try:
        rows = csv_import.read(table)
    except PredictionsError as error:
        raise SetError(str(error)) from error
    names = {str(one).strip().lower(): str(one) for one in rows.columns}
    if "image" not in names:
        raise SetError(f"{table.name}: needs a column 'image' with the films' file names.")
    asked = [name for lower, name in names.items() if lower not in COLUMNS]
    questions = {name: _question(name) for name in asked}
    if not questions:
        raise SetError(
            f"{table.name}: needs a column with the truth, of 1 and 0, such as fracture."
        )
    films = tuple(_films(rows, names, questions, folder, table.name))
    name = title or folder.resolve().name
    made = TeachingSet(_name(name), name, license, source, about, tuple(questions.values()), films)
    # what was made is read again: a file that RadLens itself refuses is never written
    return replace(parsed(as_toml(made).encode(), table.name), folder=folder.resolve())


def _films(
    rows: pd.DataFrame,
    names: dict[str, str],
    questions: dict[str, Question],
    folder: Path,
    where: str,
) -> Iterator[TeachingFilm]:
    used: set[str] = set()
    for number, row in enumerate(rows.to_dict("records"), 1):
        line = f"{where}, row {number}"
        truth = {
            question.id: answer
            for column, question in questions.items()
            if (answer := _answer(row[column], f"{line}, {column}")) is not None
        }
        if not truth:
            continue
        path = _path(folder, row[names["image"]].strip(), line)
        cells = {key: row[names[key]].strip() for key in ("part", "age", "note") if key in names}
        part = cells.get("part", "").lower()
        if part and part not in PARTS:
            raise SetError(f"{line}: the part is {part!r}; parts are {', '.join(PARTS)}.")
        positive = [one for one, yes in truth.items() if yes]
        boxes = row[names["boxes"]].strip() if "boxes" in names else ""
        yield TeachingFilm(
            id=_unused(_name(path.stem), used),
            sha256=_sha256(path, line),
            path=path.relative_to(folder.resolve()).as_posix(),
            part=part,
            age=cells.get("age", "").lower(),
            truth=truth,
            boxes=_boxes(boxes, positive, line),
            note=cells.get("note", ""),
        )


def _question(column: str) -> Question:
    words = column.strip().replace("_", " ")
    return Question(_name(column), f"{words[:1].upper()}{words[1:]}?", (column.strip(),))


def _answer(cell: str, where: str) -> bool | None:
    text = cell.strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    if not text:
        return None
    raise SetError(f"{where}: is {cell!r}. Give 1 or 0, or nothing where nobody knows.")


def _path(folder: Path, name: str, where: str) -> Path:
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise SetError(f"{where}: {name!r} lies outside the folder.")
    if not path.is_file():
        raise SetError(f"{where}: {name!r} is no file in the folder.")
    return path


def _boxes(cell: str, positive: Sequence[str], where: str) -> tuple[Box, ...]:
    """Boxes of a cell; they belong to the one question that is true of the film."""
    texts = [one.split() for one in cell.split(";") if one.strip()]
    if not texts:
        return ()
    if len(positive) != 1:
        raise SetError(f"{where}: has boxes, so exactly one of its questions must be 1.")
    try:
        numbers = [[float(one) for one in text] for text in texts]
    except ValueError:
        numbers = []
    if not numbers or any(len(one) != 4 for one in numbers):
        raise SetError(
            f"{where}: a box is 'x y width height' in shares of the film, and boxes stand apart "
            "by ';'."
        )
    return tuple(Box(positive[0], *one) for one in numbers)


def _sha256(path: Path, where: str) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise SetError(f"{where}: {path.name} has more than 25 MB.")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.strip().lower()).strip("-._")[:56] or "set"


def _unused(name: str, used: set[str]) -> str:
    found, number = name, 1
    while found in used:
        number += 1
        found = f"{name}-{number}"
    used.add(found)
    return found

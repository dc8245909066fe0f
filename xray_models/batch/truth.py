"""The truth of scored films, from a table of one's own: which column is what, and what follows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from xray_models import catalogue
from xray_models.batch.results import Row
from xray_models.catalogue import Card
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.csv_import import Columns, LabelColumns, PredictionsError
from xray_models.evaluate.predictions.predictions import MOST_SUBGROUPS, Predictions

__all__ = ["Choice", "Matched", "choices", "guess", "match", "predictions_of", "proposal"]

_WORDS = re.compile(r"^(?:(?:true|truth|label|gt|target|y) )?(.*?)(?: (?:true|truth|label))?$")
_NAMELESS = {"truth", "label", "labels", "target", "y true", "ground truth", "finding", "class"}
_SHORTEST = 4  # of a name that may begin another: fracture and fractured, mass and masses


@dataclass(frozen=True)
class Matched:
    """Rows of the truth beside the films that they belong to.

    Attributes:
        column: of the truth, that names the films.
        row_of: film -> row of the table.
        notes: sentences on films or rows that found no partner.
    """

    column: str
    row_of: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """Where the truth of a label stands.

    Attributes:
        column: of the table.
        names: the names in that column which mean that a film has the label, in a cell alone or
            joined by "|"; empty where the column says 1 or 0 (yes or no, positive or negative).
    """

    column: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.column} is {' or '.join(self.names)}" if self.names else self.column


def match(table: pd.DataFrame, files: Sequence[str], column: str | None = None) -> Matched:
    """Find the row of each film, by its path, else by its name, else by its name without ending.

    Args:
        table: the truth, as `predictions.read` gives it.
        files: names of the films in the results.
        column: that names the films; by default the one that fits most of them.

    Raises:
        PredictionsError: no column names any of the films, or the one given does not.
    """
    best: tuple[str, dict[str, int]] = ("", {})
    for name in [column] if column else table.columns:
        for key in (_path, _name, _stem):
            found = _rows(table[name], files, key)
            if len(found) > len(best[1]):
                best = (str(name), found)
    if not best[1]:
        which = f"The column {column!r}" if column else "No column of the truth"
        raise PredictionsError(
            f"{which} names {'none' if column else 'any'} of the films scored, such as "
            f"{files[0] if files else 'none'}. Give the truth a column with the files' names as "
            "they stand in the results."
        )
    notes = []
    if without := len(files) - len(best[1]):
        notes.append(f"The truth of {without:,} of {len(files):,} films is not in the table.")
    if unused := len(table) - len(set(best[1].values())):
        notes.append(f"{unused:,} of {len(table):,} rows of the truth belong to no film here.")
    return Matched(*best, tuple(notes))


def choices(table: pd.DataFrame) -> list[Choice]:
    """Everything in a table that could be the truth of a label: columns of 0 and 1, and names."""
    found = []
    for column in map(str, table.columns):
        cells = table[column]
        if _is_truth(cells):
            found.append(Choice(column))
        elif len(names := sorted(_names(cells))) <= 3 * MOST_SUBGROUPS:
            found += [Choice(column, (name,)) for name in names]
    return found


def guess(
    label: str, possible: Sequence[Choice], members: Sequence[str] = (), only: bool = True
) -> Choice | None:
    """Where the truth of a label most likely stands. Show it before you use it.

    Args:
        label: of a model.
        possible: of `choices`.
        members: labels that a combined finding is made of.
        only: no other label is judged, so that a column named "truth" can mean no other.

    Returns:
        The column of its name, or a name in a column of names; else a column that is named alike
        (fractured) or, of an only label, "truth" or the like; None where there is none of these.
    """
    columns = [one for one in possible if not one.names]
    for one in columns:
        if (named := _WORDS.match(_plain(one.column))) and named[1] == _plain(label):
            return one
    wanted = {_plain(name) for name in (label, *members)}
    named_so = [one for one in possible if one.names and _plain(one.names[0]) in wanted]
    if named_so:
        first = named_so[0].column
        names = tuple(one.names[0] for one in named_so if one.column == first)
        return Choice(first, names)
    for one in columns:
        shorter, longer = sorted((_plain(one.column), _plain(label)), key=len)
        if len(shorter) >= _SHORTEST and longer.startswith(shorter):
            return one
    nameless = [one for one in columns if _plain(one.column) in _NAMELESS]
    return nameless[0] if only and len(nameless) == 1 else None


def proposal(labels: Iterable[str], table: pd.DataFrame) -> dict[str, Choice]:
    """Where the truth of each label most likely stands; labels without a guess are left out.

    Args:
        labels: of any models.
        table: the truth, without the column that names the films.
    """
    possible = choices(table)
    combined: dict[str, tuple[str, ...]] = {}
    for card in catalogue.catalogue().values():
        combined |= card.combined
    labels = list(labels)
    guessed = {
        label: guess(label, possible, combined.get(label, ()), len(labels) == 1) for label in labels
    }
    return {label: choice for label, choice in guessed.items() if choice is not None}


def predictions_of(
    rows: Iterable[Row],
    table: pd.DataFrame,
    matched: Matched,
    where: Mapping[str, Choice],
) -> list[Predictions]:
    """Truth beside probability, for each model that scored films of known truth.

    Args:
        rows: the results.
        table: the truth.
        matched: its rows beside the films.
        where: label -> where its truth stands.

    Raises:
        PredictionsError: a cell is no truth.
    """
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows:
        if row.probability is not None and row.file in matched.row_of and row.label in where:
            scores.setdefault(row.model, {}).setdefault(row.file, {})[row.label] = row.probability
    known = catalogue.catalogue()
    return [
        _of_model(known[model], films, table, matched, where)
        for model, films in scores.items()
        if model in known
    ]


def _of_model(
    card: Card,
    films: Mapping[str, Mapping[str, float]],
    table: pd.DataFrame,
    matched: Matched,
    where: Mapping[str, Choice],
) -> Predictions:
    labels = [label for label in card.thresholds if label in where]
    of_films = table.iloc[[matched.row_of[film] for film in films]].reset_index(drop=True)
    used = {matched.column, *(where[label].column for label in labels)}
    beside = of_films.drop(columns=list(used))
    columns = tuple(LabelColumns(label, f"true:{label}", f"p:{label}") for label in labels)
    for one in columns:
        beside[one.truth] = _truth(of_films, where[one.label])
        beside[one.probability] = [str(scores[one.label]) for scores in films.values()]
    try:
        guessed = csv_import.guess(beside)  # patients and subgroups, by the names of columns
    except PredictionsError:  # no truth is known, which is for the figures to say
        guessed = Columns(columns)
    predictions = csv_import.as_predictions(
        beside, replace(guessed, labels=columns, image=None), card.name
    )
    return replace(
        predictions,
        images=np.array(list(films), str),
        thresholds={label: card.thresholds[label] for label in labels},
        model=card.id,
    )


def _truth(table: pd.DataFrame, choice: Choice) -> pd.Series:
    cells = table[choice.column]
    if not choice.names:
        return cells
    has = [bool(set(_split(cell)) & set(choice.names)) for cell in cells]
    return pd.Series(
        np.where(
            cells.str.strip().str.lower().isin(csv_import.UNKNOWN), "", np.where(has, "1", "0")
        ),
        index=cells.index,
    )


def _rows(cells: pd.Series, files: Sequence[str], key: Callable[[str], str]) -> dict[str, int]:
    """Film -> row, where exactly one film and one row have the same key."""
    keys = [key(cell) for cell in cells]
    once = Counter(keys)
    row_of = {one: row for row, one in enumerate(keys) if one and once[one] == 1}
    of_files = [key(file) for file in files]
    films = Counter(of_files)
    return {
        file: row_of[one]
        for file, one in zip(files, of_files, strict=True)
        if one in row_of and films[one] == 1
    }


def _path(name: str) -> str:
    return str(PurePosixPath(name.strip().replace("\\", "/"))) if name.strip() else ""


def _name(name: str) -> str:
    return PurePosixPath(_path(name)).name


def _stem(name: str) -> str:
    return PurePosixPath(_path(name)).stem


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()


def _split(cell: str) -> list[str]:
    return [name.strip() for name in cell.split("|")]


def _names(cells: pd.Series) -> set[str]:
    """Every name in a column of names; a column of nothing but different cells has none."""
    different = [str(cell) for cell in cells.unique()]
    if len(different) > len(cells) / 2 + MOST_SUBGROUPS:
        return set()
    return {name for cell in different for name in _split(cell) if name}


def _is_truth(cells: pd.Series) -> bool:
    """Whether a column says 1 or 0, in one of the ways that tables do."""
    asked = Columns((LabelColumns("\0", "truth", "score"),))  # a label that no cell names
    try:
        found = csv_import.as_predictions(
            pd.DataFrame({"truth": cells, "score": "0"}, dtype=str), asked, "truth"
        )
    except PredictionsError:
        return False
    return not np.isnan(found.truth).all()

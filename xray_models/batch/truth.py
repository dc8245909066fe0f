"""Truth of scored films, from a table of one's own: its rows beside the films."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from xray_models import catalogue
from xray_models.batch.film_names import display_name
from xray_models.batch.results import Row
from xray_models.catalogue import Card
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.csv_import import Columns, LabelColumns, PredictionsError
from xray_models.evaluate.predictions.predictions import Predictions
from xray_models.evaluate.predictions.truth_columns import TruthColumn, TruthColumns, of_names

__all__ = ["Matched", "match", "predictions_of", "proposal"]


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


def proposal(labels: Iterable[str], truths: TruthColumns) -> dict[str, TruthColumn]:
    """Guess where the truth of each label stands; labels without a guess are left out.

    Args:
        labels: of any models.
        truths: columns of the truth, without the one that names the films.
    """
    combined: dict[str, tuple[str, ...]] = {}
    for card in catalogue.catalogue().values():
        combined |= card.combined
    labels = list(labels)
    guessed = {
        label: truths.guess(label, combined.get(label, ()), len(labels) == 1) for label in labels
    }
    return {label: found for label, found in guessed.items() if found is not None}


def predictions_of(
    rows: Iterable[Row],
    table: pd.DataFrame,
    matched: Matched,
    where: Mapping[str, TruthColumn],
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
    where: Mapping[str, TruthColumn],
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


def _truth(table: pd.DataFrame, where: TruthColumn) -> pd.Series:
    """Truth as the cells of a column of 1 and 0, empty where nobody knows."""
    cells = table[where.column]
    if not where.names:
        return cells
    known = of_names(cells, where.names)
    words = np.where(np.isnan(known), "", np.where(known == 1, "1", "0"))
    return pd.Series(words, index=cells.index)


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
    # as the results show it
    shown = display_name(name.strip()).replace("\\", "/")
    return str(PurePosixPath(shown)) if shown else ""


def _name(name: str) -> str:
    return PurePosixPath(_path(name)).name


def _stem(name: str) -> str:
    return PurePosixPath(_path(name)).stem

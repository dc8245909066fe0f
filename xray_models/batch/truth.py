"""Truth of scored films, from a table of one's own: its rows beside the films."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from xray_models.evaluate.predictions.truth_columns import (
    CellMeanings,
    TruthColumn,
    TruthColumns,
    of_names,
    of_one_or_zero,
    spelled_out,
)

__all__ = [
    "Matched",
    "doubts",
    "known_truth",
    "match",
    "predictions_of",
    "proposal",
    "settled",
]


@dataclass(frozen=True)
class Matched:
    """Rows of the truth beside the films that they belong to.

    Attributes:
        column: of the truth, that names the films.
        row_of: film -> row of the table, the first of several that name it alike.
        more: film -> its further rows, as a table of boxes has them.
        notes: sentences on films or rows that found no partner.
    """

    column: str
    row_of: Mapping[str, int]
    notes: tuple[str, ...]
    more: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def match(table: pd.DataFrame, files: Sequence[str], column: str | None = None) -> Matched:
    """Find the row of each film, by its path, else by its name, else by its name without ending.

    Args:
        table: the truth, as `predictions.read` gives it.
        files: names of the films in the results.
        column: that names the films; by default the one that fits most of them.

    Raises:
        PredictionsError: no column names any of the films, or the one given does not.
    """
    best: tuple[str, dict[str, tuple[int, ...]]] = ("", {})
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
    if several := sum(len(those) > 1 for those in best[1].values()):
        notes.append(
            f"{several:,} films stand in several rows of the truth; where these differ, the truth "
            "counts as unknown."
        )
    if unused := len(table) - len({row for those in best[1].values() for row in those}):
        notes.append(f"{unused:,} of {len(table):,} rows of the truth belong to no film here.")
    column, found = best
    return Matched(
        column,
        {film: those[0] for film, those in found.items()},
        tuple(notes),
        {film: those[1:] for film, those in found.items() if len(those) > 1},
    )


def proposal(labels: Iterable[str], truths: TruthColumns) -> dict[str, TruthColumn]:
    """Guess where the truth of each label stands; labels without a guess are left out.

    Args:
        labels: of any models.
        truths: columns of the truth, without the one that names the films.
    """
    return {label: found[0] for label, found in _places(labels, truths).items() if found}


def doubts(labels: Iterable[str], truths: TruthColumns) -> list[str]:
    """Sentences on labels whose truth may stand in several places: ask before you judge."""
    return [
        f"The truth of {label} may be {' or '.join(map(str, found))}."
        for label, found in _places(labels, truths).items()
        if len(found) > 1
    ]


def _places(labels: Iterable[str], truths: TruthColumns) -> dict[str, list[TruthColumn]]:
    combined: dict[str, tuple[str, ...]] = {}
    for card in catalogue.catalogue().values():
        combined |= card.combined
    labels = list(labels)
    only = len(labels) == 1
    return {label: truths.alternatives(label, combined.get(label, ()), only) for label in labels}


def predictions_of(
    rows: Iterable[Row],
    table: pd.DataFrame,
    matched: Matched,
    where: Mapping[str, TruthColumn],
    meanings: CellMeanings | None = None,
) -> list[Predictions]:
    """Truth beside probability, for each model that scored films of known truth.

    Args:
        rows: the results.
        table: the truth.
        matched: its rows beside the films.
        where: label -> where its truth stands.
        meanings: of empty cells of the truth and of -1.

    Raises:
        PredictionsError: a cell is no truth, or nobody said what -1 means beside 1 without 0.
    """
    table = settled(table, matched, where, meanings)
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


def settled(
    table: pd.DataFrame,
    matched: Matched,
    where: Mapping[str, TruthColumn],
    meanings: CellMeanings | None = None,
) -> pd.DataFrame:
    """Truth with every cell spelled out, and empty for films whose rows say different things.

    Raises:
        PredictionsError: nobody said what -1 means beside 1 without 0.
    """
    table, meanings = table.copy(), meanings or CellMeanings()
    for one in set(where.values()):
        if not one.names:
            csv_import.check_minus_one(table[one.column], meanings, "The truth")
    for column in {one.column for one in where.values()}:
        cells = spelled_out(table[column], meanings)
        at_odds = [
            matched.row_of[film]
            for film, more in matched.more.items()
            if any(cells.iloc[row] != cells.iloc[matched.row_of[film]] for row in more)
        ]
        table[column] = cells.mask(cells.index.isin(cells.index[at_odds]), "")
    return table


def known_truth(
    table: pd.DataFrame, matched: Matched, where: TruthColumn, films: Sequence[str]
) -> np.ndarray:
    """Truth of films that the table names: 1, 0, or NaN where nobody knows.

    Args:
        table: of `settled`.
        matched: its rows beside the films.
        where: the truth stands.
        films: some of those matched.

    Raises:
        PredictionsError: a cell is no truth.
    """
    cells = _truth(table.iloc[[matched.row_of[film] for film in films]], where)
    try:
        return of_one_or_zero(cells)
    except ValueError as error:
        (row,) = error.args
        raise PredictionsError(
            f"The truth of {films[row]} in {where.column!r} is {cells.iloc[row]!r}. Give 1 or 0, "
            "or nothing where nobody knows."
        ) from None


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


def _rows(
    cells: pd.Series, files: Sequence[str], key: Callable[[str], str]
) -> dict[str, tuple[int, ...]]:
    """Film -> rows, where exactly one film and one name have the same key."""
    rows_of: dict[str, list[int]] = {}
    names: dict[str, set[str]] = {}
    for row, cell in enumerate(cells):
        if one := key(cell):
            rows_of.setdefault(one, []).append(row)
            names.setdefault(one, set()).add(cell)
    row_of = {one: tuple(those) for one, those in rows_of.items() if len(names[one]) == 1}
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

"""Held-out predictions of a model: a row per film, no images. All figures are computed from these.

Columns: image (id), group (patient or near-duplicates), split, truth, one column `p:<label>` per
label (calibrated probability), then subgroup columns (source, view, hardware...).

- split: "validation" and "test"; or "fold 1", "fold 2"... of an out-of-fold table, where each film
  was predicted by a network that never saw its group.
- truth: a label; "none" for a film without the one label; of a multi-label model the labels that
  are present joined by "|", or "none", and in an optional column `unknown` those nobody knows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = [
    "JOINT",
    "NONE",
    "SPLITS",
    "UNKNOWN",
    "TableError",
    "crops",
    "load",
    "out_of_fold",
    "probabilities",
    "probability_columns",
    "truths",
]

SPLITS = ("validation", "test")
NONE = "none"
"""Truth of a film without any label, where a film need not have one."""
JOINT = "|"
"""Between the labels of a film that has several."""
UNKNOWN = "unknown"
"""Optional column of a multi-label table: labels that nobody knows of a film."""

_CROP, _WHOLE = "region crop", "whole film"
_FOLD = re.compile(r"fold [1-9]\d*")
_FIXED = ("image", "group", "split", "truth")
# stored probabilities are rounded; nine of them may miss 1 by a few roundings
_SUM_TOLERANCE = 0.001


class TableError(ValueError):
    """A held-out table is missing or malformed; the message names file and line."""


def crops(rows: pd.DataFrame) -> int:
    """Count of films that are crops around a part; 0 where the table does not tell for all."""
    framing = rows.get("framing", pd.Series(dtype=str))
    return int((framing == _CROP).sum()) if framing.isin((_CROP, _WHOLE)).all() else 0


def load(
    path: str | os.PathLike[str], labels: Sequence[str], multi_label: bool = False
) -> pd.DataFrame:
    """Read and check a held-out table.

    Several labels exclude each other unless the model is a multi-label one: then truth is one of
    them and the probabilities of a film add up to 1.

    Args:
        path: the CSV file, UTF-8, with a header.
        labels: the model's labels.
        multi_label: whether a film may have several of the labels, or none (`Card.multi_label`).

    Returns:
        The films in the order of the file: float64 in the columns `p:<label>`, str elsewhere.

    Raises:
        TableError: the file is missing or empty, a column is missing, unknown or repeated, a value
            is not among those allowed, a film is listed twice, or a group lies in two splits.
    """
    path = Path(path)
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0  # reading it says what is wrong
    return _read(path, tuple(labels), multi_label, changed).copy()


@lru_cache(maxsize=4)  # a report asks for the same one again and again
def _read(path: Path, labels: tuple[str, ...], multi_label: bool, _changed: int) -> pd.DataFrame:
    try:
        # no header yet, because pandas would rename repeated columns and shift long rows
        cells = pd.read_csv(
            path, header=None, dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except FileNotFoundError:
        raise TableError(f"{path}: no such file. Restore it from the repository.") from None
    except (OSError, ValueError) as error:  # pandas raises ValueErrors for anything malformed
        raise TableError(f"{path}: cannot be read as CSV ({error}).") from error
    header = [str(name) for name in cells.iloc[0]]
    _check_header(path, header, labels)
    if UNKNOWN in header and not multi_label:
        raise TableError(f"{path}, line 1: only a multi-label model's table has {UNKNOWN!r}.")
    table = cells.iloc[1:].set_axis(header, axis="columns")
    if table.empty:
        raise TableError(f"{path}: holds no films, only a header.")

    for name in ("image", "group"):
        _refuse(path, table, table[name] == "", f"{name} must not be empty.")
    _check_splits(path, table)
    if multi_label:
        _check_label_lists(path, table, labels)
    else:
        allowed = (*labels, NONE) if len(labels) == 1 else labels
        wrong = ~table["truth"].isin(allowed)
        _refuse(path, table, wrong, f"truth must be one of {', '.join(allowed)}.", "truth")
    columns = probability_columns(labels)
    for name in columns:
        values = pd.to_numeric(table[name], errors="coerce").astype(np.float64)
        wrong = ~values.between(0, 1)  # true for NaN as well
        _refuse(path, table, wrong, f"{name} must be a number from 0 to 1.", name)
        table[name] = values
    if len(labels) > 1 and not multi_label:
        off = (table[columns].sum(axis="columns") - 1).abs() > _SUM_TOLERANCE
        _refuse(path, table, off, "the probabilities do not add up to 1.")
    _refuse(path, table, table.duplicated(), "repeats an earlier line; a film counts once.")
    leaking = table.groupby("group")["split"].transform("nunique") > 1
    where = "more than one fold" if out_of_fold(table) else "both splits"
    _refuse(path, table, leaking, f"this group lies in {where}. Split by group.", "group")
    return table.reset_index(drop=True)


def probability_columns(labels: Sequence[str]) -> list[str]:
    """Names of the probability columns, in the order of the labels."""
    return [f"p:{label}" for label in labels]


def probabilities(table: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
    """Calibrated probabilities, float64 of shape (films, labels)."""
    return table[probability_columns(labels)].to_numpy(np.float64)


def out_of_fold(table: pd.DataFrame) -> bool:
    """Whether every film was held out once, in one of several folds."""
    return bool(table["split"].str.fullmatch(_FOLD).all())


def truths(table: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
    """Which labels each film has, of a checked table.

    Returns:
        float64 of shape (films, labels): 1 has the label, 0 has not, NaN nobody knows.
    """
    found = _listed(table["truth"], labels).astype(np.float64)
    if UNKNOWN in table.columns:
        found[_listed(table[UNKNOWN], labels)] = np.nan
    return found


def _listed(cells: pd.Series, labels: Sequence[str]) -> np.ndarray:
    """Which labels are named in each cell, bool of shape (films, labels)."""
    kind, different = pd.factorize(cells)  # films by the thousand, a few dozen different cells
    lists = [frozenset(cell.split(JOINT)) for cell in different]
    named = np.array([[label in one for label in labels] for one in lists], bool)
    return named.reshape(len(lists), len(labels))[kind]


def _check_splits(path: Path, table: pd.DataFrame) -> None:
    folds = table["split"].str.fullmatch(_FOLD)
    wrong = ~(table["split"].isin(SPLITS) | folds)
    allowed = f"{', '.join(SPLITS)}, or fold 1, fold 2..."
    _refuse(path, table, wrong, f"split must be one of {allowed}", "split")
    if folds.any():
        _refuse(path, table, ~folds, "a table of folds has no other split.", "split")
        one = pd.Series(table["split"].nunique() == 1, index=table.index)
        _refuse(path, table, one, "out-of-fold predictions need at least two folds.", "split")


def _check_label_lists(path: Path, table: pd.DataFrame, labels: Sequence[str]) -> None:
    """Each cell of truth is "none" or different labels; unknown ones are different from these."""
    nothing = {"truth": NONE, UNKNOWN: ""}
    for name in nothing.keys() & set(table.columns):
        lists = table[name].str.split(JOINT, regex=False)
        wrong = (table[name] != nothing[name]) & ~lists.map(
            lambda one: set(one) <= set(labels) and len(set(one)) == len(one)
        )
        allowed = f"labels joined by {JOINT!r}, or {nothing[name] or 'empty'}"
        why = f"{name} must be {allowed}. Labels: {', '.join(labels)}."
        _refuse(path, table, wrong, why, name)
    if UNKNOWN in table.columns:
        both = _listed(table["truth"], labels) & _listed(table[UNKNOWN], labels)
        contradictory = pd.Series(both.any(axis=1), index=table.index)
        _refuse(path, table, contradictory, "a label is both true and unknown.", UNKNOWN)


def _check_header(path: Path, header: list[str], labels: Sequence[str]) -> None:
    needed = [*_FIXED, *probability_columns(labels)]
    if missing := [name for name in needed if name not in header]:
        raise TableError(f"{path}, line 1: missing column(s) {', '.join(missing)}.")
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise TableError(f"{path}, line 1: repeated column(s) {', '.join(repeated)}.")
    if unknown := [name for name in header if name.startswith("p:") and name not in needed]:
        raise TableError(
            f"{path}, line 1: {', '.join(unknown)} is for no label of the model. "
            f"It has: {', '.join(labels)}."
        )


def _refuse(
    path: Path, table: pd.DataFrame, wrong: pd.Series, why: str, column: str | None = None
) -> None:
    """Raise for the first row where `wrong` is true, naming its line and the value in `column`."""
    if wrong.any():
        row = wrong.idxmax()
        value = "" if column is None else f" Found: {table.loc[row, column]!r}."
        raise TableError(f"{path}, line {int(str(row)) + 1}: {why}{value}")

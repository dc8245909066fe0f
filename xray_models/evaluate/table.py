"""Held-out predictions of a model: a row per film, no images. All figures are computed from these.

Columns: image (id), group (patient or near-duplicates), split ("validation" or "test"), truth (a
label, or "none" for a model with one label), one column `p:<label>` per label (calibrated
probability), then subgroup columns (source, view, hardware...).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

SPLITS = ("validation", "test")
NONE = "none"
"""Truth of a film without the one finding of a model with one label."""

_FIXED = ("image", "group", "split", "truth")
# stored probabilities are rounded; nine of them may miss 1 by a few roundings
_SUM_TOLERANCE = 0.001


class TableError(ValueError):
    """A held-out table is missing or malformed; the message names file and line."""


def load(path: str | os.PathLike[str], labels: Sequence[str]) -> pd.DataFrame:
    """Read and check a held-out table.

    With several labels these exclude each other: truth is one of them and the probabilities of a
    film add up to 1.

    Args:
        path: the CSV file, UTF-8, with a header.
        labels: the model's labels.

    Returns:
        The films in the order of the file: float64 in the columns `p:<label>`, str elsewhere.

    Raises:
        TableError: the file is missing or empty, a column is missing, unknown or repeated, a value
            is not among those allowed, a film is listed twice, or a group lies in both splits.
    """
    path = Path(path)
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
    table = cells.iloc[1:].set_axis(header, axis="columns")
    if table.empty:
        raise TableError(f"{path}: holds no films, only a header.")

    for name in ("image", "group"):
        _refuse(path, table, table[name] == "", f"{name} must not be empty.")
    truths = (*labels, NONE) if len(labels) == 1 else labels
    for name, allowed in (("split", SPLITS), ("truth", truths)):
        wrong = ~table[name].isin(allowed)
        _refuse(path, table, wrong, f"{name} must be one of {', '.join(allowed)}.", name)
    columns = probability_columns(labels)
    for name in columns:
        values = pd.to_numeric(table[name], errors="coerce").astype(np.float64)
        wrong = ~values.between(0, 1)  # true for NaN as well
        _refuse(path, table, wrong, f"{name} must be a number from 0 to 1.", name)
        table[name] = values
    if len(labels) > 1:
        off = (table[columns].sum(axis="columns") - 1).abs() > _SUM_TOLERANCE
        _refuse(path, table, off, "the probabilities do not add up to 1.")
    _refuse(path, table, table.duplicated(), "repeats an earlier line; a film counts once.")
    leaking = table.groupby("group")["split"].transform("nunique") > 1
    _refuse(path, table, leaking, "this group lies in both splits. Split by group.", "group")
    return table.reset_index(drop=True)


def probability_columns(labels: Sequence[str]) -> list[str]:
    """Names of the probability columns, in the order of the labels."""
    return [f"p:{label}" for label in labels]


def probabilities(table: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
    """Calibrated probabilities, float64 of shape (films, labels)."""
    return table[probability_columns(labels)].to_numpy(np.float64)


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

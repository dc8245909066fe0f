"""Columns of a table that state the truth of labels: which they are, and what their cells say.

A truth stands in a column of its own as 1 or 0 (yes or no, positive or negative), or as a name in a
column of names ("Edema|Mass", "none").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import normalize

import numpy as np
import pandas as pd

from xray_models.evaluate.predictions.predictions import MOST_SUBGROUPS

__all__ = [
    "AS_NEGATIVE",
    "AS_UNKNOWN",
    "NAMELESS",
    "CellMeanings",
    "TruthColumn",
    "TruthColumns",
    "has_blanks",
    "label_beside",
    "minus_one_is_unclear",
    "names_in",
    "of_names",
    "of_one_or_zero",
    "plain",
    "spelled_out",
]

AS_UNKNOWN, AS_NEGATIVE = "unknown", "negative"
"""What a cell can mean that says neither yes nor no."""

NAMELESS = ""
"""Label of a column that says "score" or "y_true" and no more."""

_TRUE = {"1", "true", "yes", "y", "positive", "pos", "present"}
_FALSE = {"0", "false", "no", "n", "negative", "neg", "absent"}
# cells, in lower case, that say that nobody knows
_UNKNOWN_NAME = {"", "nan", "na", "null", "unknown", "uncertain"}
# in a column of names, "none" is none of them; CheXpert writes -1 where a report is uncertain
_UNKNOWN = _UNKNOWN_NAME | {"none", "-1"}
_BLANK = {"", "nan"}
_BOX = {"x", "y", "width", "height"}  # columns of a box, beside RSNA's Target
_WHOLE = r"^([+-]?\d+)[.,]0+$"
_WORDS = ("true", "truth", "y_true", "label", "target", "gt", "ground_truth", "actual", "y")
_ALONE = {*_WORDS, "labels", "finding", "class"}
_SHORTEST = 4  # of a name that may begin another: fracture and fractured, mass and masses
_MOST_NAMES = 3 * MOST_SUBGROUPS  # of a column that is offered name by name


@dataclass(frozen=True)
class CellMeanings:
    """Meaning of cells of a truth that say neither yes nor no.

    Attributes:
        blank: `AS_UNKNOWN`, or `AS_NEGATIVE` as CheXpert's authors count what no report mentions
            (Irvin et al. 2019, arXiv:1901.07031).
        minus_one: `AS_UNKNOWN` as CheXpert writes it, `AS_NEGATIVE` as in tables of 1 and -1; None
            for what the column itself tells: unknown where it also says 0.
    """

    blank: str = AS_UNKNOWN
    minus_one: str | None = None


@dataclass(frozen=True)
class TruthColumn:
    """Place where the truth of a label stands.

    Attributes:
        column: of the table.
        names: the names in that column which mean that a film has the label, in a cell alone or
            joined by "|"; empty where the column says 1 or 0 (yes or no, positive or negative).
    """

    column: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.column} is {' or '.join(self.names)}" if self.names else self.column


class TruthColumns:
    """Columns of a table by how they can state a truth."""

    def __init__(self, table: pd.DataFrame) -> None:
        """Look at every column once.

        Args:
            table: str in every cell; without columns that are known to be something else.
        """
        self._boxes = set(map(plain, table.columns)) >= _BOX
        self._binary = [
            str(name)
            for name in table.columns
            if not (self._boxes and plain(name) in _BOX) and _is_binary(table[name])
        ]
        self._names = {
            str(name): names_in(table[name])
            for name in table.columns
            if str(name) not in self._binary
        }

    def choices(self) -> list[TruthColumn]:
        """Everything that could be the truth of a label: columns of 1 and 0, then names."""
        found = [TruthColumn(name) for name in self._binary]
        for column, names in self._names.items():
            if len(names) <= _MOST_NAMES:
                found += [TruthColumn(column, (name,)) for name in sorted(names)]
        return found

    def guess(
        self, label: str, members: Sequence[str] = (), only: bool = True
    ) -> TruthColumn | None:
        """Place where the truth of a label most likely stands. Show it before you use it.

        See `alternatives`, of which it is the first; None where there is none.
        """
        return next(iter(self.alternatives(label, members, only)), None)

    def alternatives(
        self, label: str, members: Sequence[str] = (), only: bool = True
    ) -> list[TruthColumn]:
        """Places that may be meant by the truth of a label, all equally likely: ask which.

        Args:
            label: its name, in any spelling.
            members: labels that a combined finding is made of.
            only: the table is about no other label, so that a column "truth" can mean no other.

        Returns:
            Columns of its name (true_Edema, Edema_label, Edema); else names in a column of names;
            else columns that are named alike (fractured); else, of an only label, "truth" or the
            like, and of pneumonia RSNA's Target beside columns of boxes. Empty where there is none
            of these.
        """
        wanted = plain(label)
        found = [
            TruthColumn(name)
            for name in self._binary
            if wanted in (label_beside(name, _WORDS), plain(name))
        ]
        if found:
            return found
        of_members = {wanted, *map(plain, members)}
        for column, names in self._names.items():
            if here := tuple(sorted(name for name in names if plain(name) in of_members)):
                found.append(TruthColumn(column, here))
        if found:
            return found
        for name in self._binary:
            shorter, longer = sorted((plain(name), wanted), key=len)
            if len(shorter) >= _SHORTEST and longer.startswith(shorter):
                found.append(TruthColumn(name))
        if found:
            return found
        if self._boxes and wanted == "pneumonia" and "target" in map(plain, self._binary):
            return [TruthColumn(name) for name in self._binary if plain(name) == "target"]
        return [TruthColumn(name) for name in self._binary if only and plain(name) in _ALONE]

    def named(self) -> dict[str, TruthColumn]:
        """Columns of 1 and 0 whose names say that they hold a truth, by the plain name of it."""
        found: dict[str, TruthColumn] = {}
        for name in self._binary:
            label = label_beside(name, _WORDS)
            if label is not None:
                found.setdefault(label, TruthColumn(name))
        return found


def plain(name: str) -> str:
    """Name in lower case, with one "_" for whatever is neither letter nor digit of any script."""
    return re.sub(r"[\W_]+", "_", normalize("NFKC", name).lower()).strip("_")


def label_beside(column: str, words: Sequence[str]) -> str | None:
    """Plain name of the label that stands beside one of some words in a column's name.

    Args:
        column: its name, such as "prob_Edema" or "Edema_label".
        words: such as "prob" or "label".

    Returns:
        The label; `NAMELESS` where the name is one of the words; None where it holds none.
    """
    name = plain(column)
    for word in sorted(words, key=len, reverse=True):
        if name == word:
            return NAMELESS
        if name.startswith(f"{word}_"):
            return name.removeprefix(f"{word}_")
        if name.endswith(f"_{word}"):
            return name.removesuffix(f"_{word}")
    return None


def names_in(cells: pd.Series) -> set[str]:
    """Names in a column of names joined by bars; none if there are too many to be labels."""
    different = cells.unique()
    if len(different) > len(cells) / 2 + MOST_SUBGROUPS:
        return set()
    return {name for cell in different for name in _split(cell)} - {""}


def of_names(cells: pd.Series, names: Sequence[str]) -> np.ndarray:
    """Truth by the names in a column of names.

    Args:
        cells: str.
        names: those that mean that a film has the label, in any spelling.

    Returns:
        float64 of shape (films,): 1 has it, 0 has not, NaN nobody knows.
    """
    wanted = set(map(plain, names))
    has = {cell: not wanted.isdisjoint(map(plain, _split(cell))) for cell in cells.unique()}
    unknown = cells.str.strip().str.lower().isin(_UNKNOWN_NAME)
    return np.where(unknown, np.nan, cells.map(has).to_numpy(np.float64))


def of_one_or_zero(cells: pd.Series) -> np.ndarray:
    """Truth of a column that says 1 or 0, or the like.

    Args:
        cells: str.

    Returns:
        float64 of shape (films,): 1 has it, 0 has not, NaN nobody knows.

    Raises:
        ValueError: a cell says neither; its argument is the cell's row, from 0.
    """
    words = _words(cells)
    known = words.isin(_TRUE) | words.isin(_FALSE)
    wrong = ~known & ~words.isin(_UNKNOWN)
    if wrong.any():
        raise ValueError(int(np.argmax(wrong)))
    return np.where(known, words.isin(_TRUE).astype(np.float64), np.nan)


def spelled_out(cells: pd.Series, meanings: CellMeanings) -> pd.Series:
    """Truth with its blank cells and its -1 written as what they mean."""
    words = _words(cells)
    if meanings.blank == AS_NEGATIVE:
        cells = cells.mask(words.isin(_BLANK), "0")
    if meanings.minus_one is not None:
        cells = cells.mask(words == "-1", "0" if meanings.minus_one == AS_NEGATIVE else "")
    return cells


def minus_one_is_unclear(cells: pd.Series) -> bool:
    """Whether -1 stands beside 1 and there is no 0: it may mean "no" or "uncertain"."""
    different = set(_words(pd.Series(cells.unique(), dtype=str)))
    return "-1" in different and not different & _FALSE and bool(different & _TRUE)


def has_blanks(cells: pd.Series) -> bool:
    """Whether cells are empty."""
    return bool(_words(cells).isin(_BLANK).any())


def _words(cells: pd.Series) -> pd.Series:
    """Cells without blanks around them, in lower case; whole numbers without their decimals."""
    return cells.str.strip().str.lower().str.replace(_WHOLE, r"\1", regex=True)


def _is_binary(cells: pd.Series) -> bool:
    known = set(_words(pd.Series(cells.unique(), dtype=str))) - _UNKNOWN
    return bool(known) and known <= _TRUE | _FALSE


def _split(cell: object) -> list[str]:
    return [name.strip() for name in str(cell).split("|")]

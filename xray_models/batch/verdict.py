"""Verdict over all films of known truth: those that no model read count, as not read.

The figures of a model are of the films that it read. A film with a fracture that was taken for no
part at all is in none of them, and was missed all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from xray_models.batch.results import POSITIVE, SET_ASIDE, Row
from xray_models.batch.truth import Matched, known_truth, settled
from xray_models.evaluate.predictions.truth_columns import CellMeanings, TruthColumn

__all__ = ["HEAD", "LabelVerdict", "Verdict", "verdict"]

HEAD = (
    "Finding",
    "Films of known truth",
    "Called right",
    "Called wrong",
    "Not read",
    "With it",
    "Found",
    "Missed",
    "With it, not read",
)
"""Names of the cells of `LabelVerdict.cells`."""


@dataclass(frozen=True)
class LabelVerdict:
    """Verdict on one finding over all films of known truth, whichever model read them.

    Where several models look for it in a film, one that calls it is enough.

    Attributes:
        label: the finding.
        found, missed: films with it that were called so, or not.
        false_alarms, cleared: films without it that were called so, or not.
        unread_with, unread_without: films with and without it that no model read.
    """

    label: str
    found: int
    missed: int
    false_alarms: int
    cleared: int
    unread_with: int
    unread_without: int

    @property
    def unread(self) -> int:
        """Films that no model read."""
        return self.unread_with + self.unread_without

    @property
    def cells(self) -> tuple[str | int, ...]:
        """Cells of a table with `HEAD`."""
        right, wrong = self.found + self.cleared, self.missed + self.false_alarms
        having = self.found + self.missed + self.unread_with
        return (
            self.label,
            right + wrong + self.unread,
            right,
            wrong,
            self.unread,
            having,
            self.found,
            self.missed,
            self.unread_with,
        )

    @property
    def sentence(self) -> str:
        """The same in words."""
        _, films, right, wrong, unread, having, found, missed, unread_with = self.cells
        return (
            f"{self.label}: of {films:,} films of known truth {right:,} called right, {wrong:,} "
            f"wrong, {unread:,} not read. Of {having:,} with it {found:,} found, {missed:,} "
            f"missed, {unread_with:,} not read."
        )


@dataclass(frozen=True)
class Verdict:
    """Verdict over all films of known truth.

    Attributes:
        labels: by finding.
        unread: name of each film that was not read, and why.
    """

    labels: tuple[LabelVerdict, ...]
    unread: tuple[tuple[str, str], ...]


@dataclass
class _Film:
    why: str
    calls: dict[str, bool] = field(default_factory=dict)  # label -> called by a model
    aside: set[str] = field(default_factory=set)  # labels of models made for others


def verdict(
    rows: Iterable[Row],
    table: pd.DataFrame,
    matched: Matched,
    where: Mapping[str, TruthColumn],
    meanings: CellMeanings | None = None,
) -> Verdict:
    """Count the calls of all models together, and the films that none of them read.

    A film that models of other findings read counts as not read where it has the finding; where it
    has not, it is left out of that finding.

    Args:
        rows: the results, failures included.
        table: the truth.
        matched: its rows beside the films, failures included.
        where: label -> where its truth stands.
        meanings: of empty cells of the truth and of -1.

    Raises:
        PredictionsError: a cell is no truth, or nobody said what -1 means beside 1 without 0.
    """
    films: dict[str, _Film] = {}
    for row in rows:
        film = films.setdefault(row.file, _Film(_why(row)))
        if row.decision == SET_ASIDE:
            film.aside.add(row.label)
        elif row.label:
            film.calls[row.label] = film.calls.get(row.label, False) or row.decision == POSITIVE
    known = {name: film for name, film in films.items() if name in matched.row_of}
    table = settled(table, matched, where, meanings)
    unread: dict[str, str] = {}
    labels = []
    for label, place in where.items():
        truth = known_truth(table, matched, place, list(known))
        counts: dict[tuple[bool, bool | None], int] = {}
        for (name, film), value in zip(known.items(), truth, strict=True):
            call = film.calls.get(label)
            if np.isnan(value) or (call is None and film.calls and not value):
                continue
            if call is None:
                unread.setdefault(name, film.why or _why_not(film, label))
            counts[bool(value), call] = counts.get((bool(value), call), 0) + 1
        order = ((True, True), (True, False), (False, True), (False, False), (True, None))
        of_kinds = [counts.get(kind, 0) for kind in (*order, (False, None))]
        labels.append(LabelVerdict(label, *of_kinds))
    return Verdict(tuple(labels), tuple(unread.items()))


def _why_not(film: _Film, label: str) -> str:
    """Reason why no model that counts looked for a label."""
    if label in film.aside:
        return f"the model that looks for {label} was made for patients of another age"
    return f"no model that looks for {label} read it"


def _why(row: Row) -> str:
    """Reason why no model read a film; empty where one did."""
    if row.error:
        return row.error
    if row.label:
        return ""
    return f"no model reads {row.part}" if row.part else "not recognized"

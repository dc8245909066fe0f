"""Predictions: truth beside probability, which every figure, curve and page is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from xray_models import catalogue
from xray_models.catalogue import Card
from xray_models.evaluate.predictions.held_out_table import (
    UNKNOWN,
    TableError,
    load,
    out_of_fold,
    probabilities,
    probability_columns,
    truths,
)

__all__ = [
    "FEW",
    "MOST_SUBGROUPS",
    "LabelPredictions",
    "Predictions",
    "films_of_test",
    "from_card",
    "from_table",
    "same_label",
    "subgroup_columns",
]

MOST_SUBGROUPS = 12
"""A column with more values than this (ages, devices) makes a list, not a comparison."""
FEW = 20
"""With fewer positive or negative films than this, a figure says little."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Films with the truth and a model's probabilities for one or more labels.

    Attributes:
        name: of the model or the file.
        labels: a card's labels and combined findings, or the labels of a file.
        truth: float64 of shape (films, labels): 1 has it, 0 has not, NaN nobody knows.
        scores: probabilities in 0..1 (sums of rounded ones may exceed 1 by a rounding), float64 of
            shape (films, labels).
        groups: patient or near-duplicates, drawn together in a bootstrap; str of shape (films,).
        images: names of the films, str of shape (films,).
        subgroups: column -> its value for each film, str of shape (films,).
        thresholds: operating point of a label, where it has one.
        classes: the labels (the first columns) that exclude each other, one of which each film
            has; empty where a film may have several or none.
        folds: split of each film ("test", "fold 1"...), str of shape (films,).
        model: id of the card, or None for a file.
        notes: sentences on the data that a reader should see.
    """

    name: str
    labels: tuple[str, ...]
    truth: np.ndarray
    scores: np.ndarray
    groups: np.ndarray
    images: np.ndarray
    subgroups: Mapping[str, np.ndarray] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    folds: np.ndarray | None = None
    model: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.groups), len(self.labels))
        if self.truth.shape != shape or self.scores.shape != shape:
            raise ValueError(
                f"Truth of shape {self.truth.shape} and scores of shape {self.scores.shape} do not "
                f"fit {shape[0]} films and {shape[1]} labels."
            )

    @property
    def films(self) -> int:
        """How many films there are."""
        return len(self.groups)

    def index(self, label: str) -> int:
        """Column of a label.

        Raises:
            ValueError: no such label.
        """
        if label not in self.labels:
            raise ValueError(
                f"{self.name} has no label {label!r}. Labels: {', '.join(self.labels)}."
            )
        return self.labels.index(label)

    def like(self, label: str) -> str | None:
        """Label of this name whatever its spelling (Pleural_Thickening, pleural thickening)."""
        return next((one for one in self.labels if same_label(one, label)), None)

    def of(self, label: str) -> LabelPredictions:
        """Films whose truth is known for one label.

        Raises:
            ValueError: no such label.
        """
        column = self.index(label)
        known = ~np.isnan(self.truth[:, column])
        return LabelPredictions(
            label,
            self.truth[known, column] == 1,
            self.scores[known, column],
            self.groups[known],
            np.flatnonzero(known),
        )

    def where(self, chosen: np.ndarray) -> Predictions:
        """Predictions of some of the films.

        Args:
            chosen: bool of shape (films,), or indices of films.
        """
        return replace(
            self,
            truth=self.truth[chosen],
            scores=self.scores[chosen],
            groups=self.groups[chosen],
            images=self.images[chosen],
            subgroups={name: values[chosen] for name, values in self.subgroups.items()},
            folds=None if self.folds is None else self.folds[chosen],
        )

    def truth_class(self) -> np.ndarray:
        """Index into `classes` of each film's truth, int of shape (films,).

        Raises:
            ValueError: the labels do not exclude each other.
        """
        self._need_classes()
        return self.truth[:, : len(self.classes)].argmax(axis=1)

    def most_probable(self) -> np.ndarray:
        """Index into `classes` of each film's most probable class, int of shape (films,).

        Raises:
            ValueError: the labels do not exclude each other.
        """
        self._need_classes()
        return self.scores[:, : len(self.classes)].argmax(axis=1)

    def _need_classes(self) -> None:
        if not self.classes:
            raise ValueError(f"The labels of {self.name} do not exclude each other: no classes.")


@dataclass(frozen=True, eq=False)
class LabelPredictions:
    """Films whose truth is known for one label.

    Attributes:
        label: its name.
        truth: bool of shape (films,).
        scores: probabilities in 0..1, shape (films,).
        groups: str of shape (films,).
        rows: where these films stand in the `Predictions` they come from, int of shape (films,).
    """

    label: str
    truth: np.ndarray
    scores: np.ndarray
    groups: np.ndarray
    rows: np.ndarray

    @property
    def positives(self) -> int:
        """Films that have the finding."""
        return int(self.truth.sum())

    @property
    def negatives(self) -> int:
        """Films that do not have it."""
        return len(self.truth) - self.positives

    @property
    def few(self) -> bool:
        """Whether there are too few films with it, or without it, to say much."""
        return min(self.positives, self.negatives) < FEW

    @property
    def problem(self) -> str | None:
        """Sentence on why this label has no curves or no figures; None if it has."""
        if not len(self.truth):
            return f"{self.label}: the truth of no film is known, so there is nothing to judge."
        if not self.positives:
            return (
                f"{self.label}: none of the {len(self.truth):,} films has it, so only calls on "
                "negative films can be judged (specificity), and there is no curve."
            )
        if not self.negatives:
            return (
                f"{self.label}: all {len(self.truth):,} films have it, so only calls on positive "
                "films can be judged (sensitivity), and there is no ROC curve."
            )
        return None


def same_label(one: str, other: str) -> bool:
    """Whether two names of labels are the same but for case and underscores."""
    return one.replace("_", " ").casefold() == other.replace("_", " ").casefold()


def from_card(card: Card) -> Predictions:
    """Predictions of a catalogue model on its held-out films: the test split, or all out-of-fold.

    Raises:
        TableError: the held-out table cannot be used.
    """
    return from_table(films_of_test(card), card)


def films_of_test(card: Card) -> pd.DataFrame:
    """Rows of a model's held-out table to measure on.

    Returns:
        Films of the test split; all films of an out-of-fold table.

    Raises:
        TableError: the model was not measured, or the table cannot be used or has no such rows.
    """
    if not card.measured:
        raise TableError(f"{card.id} was imported, not measured here: there is no held-out table.")
    table = load(catalogue.table_path(card), card.labels, card.multi_label)
    rows = table if out_of_fold(table) else table[table["split"] == "test"]
    if rows.empty:
        raise TableError(
            f"{catalogue.table_path(card)}: has no films of the test split to measure on."
        )
    return rows


def from_table(rows: pd.DataFrame, card: Card) -> Predictions:
    """Predictions of a catalogue model on some films of its held-out table.

    Args:
        rows: of the table, as `table.load` gives them.
        card: gives labels, combined findings and thresholds.
    """
    of_labels = truths(rows, card.labels)
    of_combined = [
        of_labels[:, np.isin(card.labels, members)].any(axis=1)
        for members in card.combined.values()
    ]
    truth = np.column_stack([of_labels, *of_combined])
    columns = probabilities(rows, card.labels).T
    scores = card.with_combined(dict(zip(card.labels, columns, strict=True)))
    return Predictions(
        name=card.name,
        labels=card.findings,
        truth=truth,
        scores=np.column_stack([scores[finding] for finding in card.findings]),
        groups=rows["group"].to_numpy(str),
        images=rows["image"].to_numpy(str),
        subgroups={name: rows[name].to_numpy(str) for name in subgroup_columns(rows, card)},
        thresholds=dict(card.thresholds),
        classes=card.labels if card.activation == "softmax" else (),
        folds=rows["split"].to_numpy(str),
        model=card.id,
    )


def subgroup_columns(rows: pd.DataFrame, card: Card) -> list[str]:
    """Columns of a held-out table by whose few values the films can be compared."""
    known = {"image", "group", "split", "truth", UNKNOWN, *probability_columns(card.labels)}
    return [
        name
        for name in rows.columns
        if name not in known and 2 <= rows[name].nunique() <= MOST_SUBGROUPS
    ]

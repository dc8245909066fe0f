"""Confusion matrices as counts and shares, and the classification report of many classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate import metrics
from xray_models.evaluate.counts import Counts, ratio
from xray_models.evaluate.judged import Judged


@dataclass(frozen=True, eq=False)
class Matrix:
    """A confusion matrix: rows are the truth, columns what the model calls.

    Attributes:
        names: of the classes.
        counts: films, int of shape (classes, classes).
    """

    names: tuple[str, ...]
    counts: np.ndarray

    @property
    def row_shares(self) -> np.ndarray:
        """Of the films of each true class, the share called each; NaN for a class without films."""
        return ratio(self.counts, self.counts.sum(axis=1, keepdims=True))

    @property
    def column_shares(self) -> np.ndarray:
        """Of the films called each class, the share that truly are each; NaN if none is called."""
        return ratio(self.counts, self.counts.sum(axis=0, keepdims=True))

    @property
    def accuracy(self) -> float:
        """Share of films called right; NaN without films."""
        return float(ratio(np.trace(self.counts), self.counts.sum()))

    @property
    def kappa(self) -> float:
        """Cohen's kappa; NaN where chance agrees with itself on every film."""
        films = self.counts.sum()
        by_chance = (self.counts.sum(axis=0) * self.counts.sum(axis=1)).sum() / max(films, 1)
        return float(ratio(np.trace(self.counts) - by_chance, films - by_chance))


def of_classes(judged: Judged) -> Matrix:
    """The most probable class of each film against its true one.

    Raises:
        ValueError: the labels do not exclude each other.
    """
    truth, called = judged.truth_class(), judged.most_probable()
    return Matrix(judged.classes, metrics.confusion(truth, called, len(judged.classes)))


def of_label(label: str, counts: Counts) -> Matrix:
    """The two-class matrix of one label, from its counts at a threshold (no shape)."""
    return Matrix(
        (label, f"no {label}"),
        np.array([[counts.tp, counts.fn], [counts.fp, counts.tn]]).astype(int),
    )


@dataclass(frozen=True)
class ReportRow:
    """A line of a classification report; NaN where not defined."""

    name: str
    precision: float
    recall: float
    f1: float
    films: int


def classification_report(matrix: Matrix) -> list[ReportRow]:
    """Precision, recall and F1 of every class, then their means.

    Where scikit-learn's report puts 0 for a share of nothing, this one says NaN, and means leave
    such classes out; F1 of a class that is never called right is 0 in both.

    Returns:
        A row per class, then "macro mean" and "weighted mean" (by films of the true class).
    """
    hits = np.diag(matrix.counts)
    true, called = matrix.counts.sum(axis=1), matrix.counts.sum(axis=0)
    columns = ratio(hits, called), ratio(hits, true), ratio(2 * hits, true + called)
    rows = [
        _row(name, [float(column[k]) for column in columns], int(true[k]))
        for k, name in enumerate(matrix.names)
    ]
    even = np.ones(len(matrix.names))
    for name, weight in (("macro mean", even), ("weighted mean", true)):
        rows.append(_row(name, [_mean(column, weight) for column in columns], int(true.sum())))
    return rows


def _row(name: str, values: Sequence[float], films: int) -> ReportRow:
    precision, recall, f1 = values
    return ReportRow(name, precision, recall, f1, films)


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    defined = ~np.isnan(values)
    return float(ratio((values[defined] * weights[defined]).sum(), weights[defined].sum()))

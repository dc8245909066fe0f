"""Confusion matrices of any number of classes, and the measures of each class.

Measures of one class against the others are those of `counts.Counts`; here stand the matrices that
the counts are taken from, and what is of all classes together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.counts import Counts, cohens_kappa, ratio
from xray_models.evaluate.metrics.sums import weighted_sums

__all__ = [
    "Matrix",
    "ReportRow",
    "accuracy",
    "classification_report",
    "count_matrix",
    "kappa",
    "macro_f1",
    "of_label",
    "per_class",
    "weighted_matrix",
]


def count_matrix(truth: np.ndarray, called: np.ndarray, classes: int) -> np.ndarray:
    """Confusion matrix of films that count once: rows are the truth, columns what is called.

    Args:
        truth, called: class indices, int of shape (films,).
        classes: how many classes there are.

    Returns:
        Films, int of shape (classes, classes).

    Raises:
        ValueError: shapes differ, or an index is outside 0..classes - 1.
    """
    truth, called = _checked(truth, called, classes)
    counts = np.bincount(truth * classes + called, minlength=classes * classes)
    return counts.reshape(classes, classes)


def weighted_matrix(
    weights: np.ndarray, truth: np.ndarray, called: np.ndarray, classes: int
) -> np.ndarray:
    """Confusion matrices of weighted films, as a bootstrap draws them.

    Args:
        weights: how often each film counts, shape (replicates, films).
        truth, called, classes: as in `count_matrix`.

    Returns:
        float64 of shape (replicates, classes, classes).

    Raises:
        ValueError: shapes differ, or an index is outside 0..classes - 1.
    """
    truth, called = _checked(truth, called, classes)
    cells = np.zeros((len(truth), classes * classes))
    cells[np.arange(len(truth)), truth * classes + called] = 1
    return weighted_sums(weights, cells).reshape(-1, classes, classes)


def per_class(matrices: np.ndarray) -> Counts:
    """Counts of each class against all others.

    Args:
        matrices: films, shape (..., classes, classes); rows are the truth.

    Returns:
        Counts of shape (..., classes): their `ppv` is the precision, their `sensitivity` the recall
        of each class.
    """
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    true, called = matrices.sum(axis=-1), matrices.sum(axis=-2)
    films = true.sum(axis=-1, keepdims=True)
    return Counts(hits, called - hits, true - hits, films - true - called + hits)


def accuracy(matrices: np.ndarray) -> np.ndarray:
    """Share of films called right, shape (...); NaN without films.

    Args:
        matrices: as in `per_class`.
    """
    return ratio(np.trace(matrices, axis1=-2, axis2=-1), matrices.sum(axis=(-2, -1)))


def kappa(matrices: np.ndarray) -> np.ndarray:
    """Cohen's kappa of several classes: agreement beyond chance.

    Args:
        matrices: as in `per_class`.

    Returns:
        Shape (...); 0 without skill, 1 at best, NaN where chance alone agrees on every film.
    """
    hits = np.trace(matrices, axis1=-2, axis2=-1)
    return cohens_kappa(hits, matrices.sum(axis=-1), matrices.sum(axis=-2))


def macro_f1(matrices: np.ndarray) -> np.ndarray:
    """Mean over classes of F1, shape (...); NaN where a class has no true film.

    A class without a true film has no F1 worth averaging; then the mean is not defined.

    Args:
        matrices: as in `per_class`.
    """
    each = per_class(matrices)
    return np.where(each.positives > 0, each.f1, np.nan).mean(axis=-1)


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
        return float(accuracy(self.counts))

    @property
    def kappa(self) -> float:
        """Cohen's kappa; NaN where chance agrees with itself on every film."""
        return float(kappa(self.counts))


def of_label(label: str, counts: Counts) -> Matrix:
    """Two-class matrix of one label, from its counts at a threshold (no shape)."""
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
    each = per_class(matrix.counts)
    columns = each.ppv, each.sensitivity, each.f1
    films = int(matrix.counts.sum())
    rows = [
        _row(name, [float(column[k]) for column in columns], int(each.positives[k]))
        for k, name in enumerate(matrix.names)
    ]
    even = np.ones(len(matrix.names))
    for name, weight in (("macro mean", even), ("weighted mean", each.positives)):
        rows.append(_row(name, [_mean(column, weight) for column in columns], films))
    return rows


def _row(name: str, values: Sequence[float], films: int) -> ReportRow:
    precision, recall, f1 = values
    return ReportRow(name, precision, recall, f1, films)


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    defined = ~np.isnan(values)
    return float(ratio((values[defined] * weights[defined]).sum(), weights[defined].sum()))


def _checked(truth: np.ndarray, called: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    truth, called = np.asarray(truth), np.asarray(called)
    if truth.shape != called.shape:
        raise ValueError(f"Truth has shape {truth.shape}, calls {called.shape}.")
    for values in (truth, called):
        if values.size and (values.min() < 0 or values.max() >= classes):
            raise ValueError(f"Class indices must lie in 0..{classes - 1}.")
    return truth, called

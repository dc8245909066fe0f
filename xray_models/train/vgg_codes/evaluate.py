"""Evaluation of a network on codes: confusion matrix, accuracy, precision, recall per class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.bootstrap import Estimate, bootstraps
from xray_models.evaluate.metrics.confusion import (
    accuracy,
    count_matrix,
    per_class,
    weighted_matrix,
)

__all__ = ["CodesResult", "evaluate"]


@dataclass(frozen=True, eq=False)
class CodesResult:
    """Confusion matrix and figures of a network on codes.

    Attributes:
        labels: class names.
        confusion: counts, int of shape (labels, labels): rows are truth, columns what was called.
        figures: name -> value with its 95 % interval; NaN where it is not defined.
    """

    labels: tuple[str, ...]
    confusion: np.ndarray
    figures: dict[str, Estimate]

    def __str__(self) -> str:
        wide = max(9, *(len(label) for label in self.labels)) + 2
        lines = ["rows: truth, columns: called", " " * wide + self._row(self.labels, wide)]
        for label, counts in zip(self.labels, self.confusion, strict=True):
            lines.append(f"{label:<{wide}}{self._row(counts, wide)}")
        lines.append("")
        for name, one in self.figures.items():
            lines.append(f"{name:<{wide + 12}}{one.value:.3f}  [{one.low:.3f}, {one.high:.3f}]")
        return "\n".join(lines)

    @staticmethod
    def _row(cells: Sequence[object] | np.ndarray, wide: int) -> str:
        return "".join(f"{cell!s:>{wide}}" for cell in cells)


def evaluate(
    truth: np.ndarray, called: np.ndarray, groups: np.ndarray, labels: Sequence[str]
) -> CodesResult:
    """Compare what was called with the truth.

    Args:
        truth, called: class indices, int of shape (films,).
        groups: group of each film, shape (films,); the intervals resample whole groups.
        labels: class names.

    Raises:
        ValueError: there is no film.
    """
    classes = len(labels)

    def measures(weights: np.ndarray) -> dict[str, np.ndarray]:
        matrices = weighted_matrix(weights, truth, called, classes)
        each = per_class(matrices)
        found = {"accuracy": accuracy(matrices)}
        for index, label in enumerate(labels):
            found[f"precision, {label}"] = each.ppv[:, index]
            found[f"recall, {label}"] = each.sensitivity[:, index]
        return found

    return CodesResult(
        tuple(labels),
        count_matrix(truth, called, classes),
        bootstraps(measures, groups),
    )

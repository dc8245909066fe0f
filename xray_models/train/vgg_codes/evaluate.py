"""What a network on codes gets right: confusion matrix, accuracy, precision, recall per class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from xray_models.evaluate.metrics import weighted
from xray_models.evaluate.metrics.bootstrap import Estimate, Measure, bootstrap

__all__ = ["CodesResult", "evaluate"]


@dataclass(frozen=True, eq=False)
class CodesResult:
    """Judged films.

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
    measures: dict[str, Measure] = {"accuracy": partial(weighted.share, of=called == truth)}
    for index, label in enumerate(labels):
        is_true, is_called = truth == index, called == index
        measures[f"precision, {label}"] = partial(weighted.share, of=is_true, among=is_called)
        measures[f"recall, {label}"] = partial(weighted.share, of=is_called, among=is_true)
    return CodesResult(
        tuple(labels),
        weighted.confusion(truth, called, len(labels)),
        {name: bootstrap(measure, groups) for name, measure in measures.items()},
    )

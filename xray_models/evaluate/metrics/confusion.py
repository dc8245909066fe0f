"""Two-class confusion counts, and every measure that follows from them.

One place for the formulas: a threshold moved on a page, a resample of a bootstrap and a report all
end here. Names as in epidemiology; formulas as in Altman, Practical Statistics for Medical Research
(1991), ch. 14, but for kappa (Cohen 1960, doi 10.1177/001316446002000104), Youden's J (Youden 1950)
and Matthews' correlation (Matthews 1975).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics import weighted as metrics
from xray_models.evaluate.predictions.predictions import Predictions

__all__ = [
    "MEASURES",
    "Counts",
    "Matrix",
    "ReportRow",
    "classification_report",
    "of_classes",
    "of_label",
    "predictive_values",
    "ratio",
    "reason",
    "weighted",
]


@dataclass(frozen=True, eq=False)
class Counts:
    """How many films were called what, in any shape: per label, per threshold, per resample.

    Every measure is float64 in the shape of the counts, and NaN where it is not defined: a share of
    nothing, a ratio to zero. `reason` says in words why.

    Attributes:
        tp: positive and called so.
        fp: negative and called positive.
        fn: positive and called negative.
        tn: negative and called so.
    """

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray

    @property
    def positives(self) -> np.ndarray:
        """Films that have the finding."""
        return self.tp + self.fn

    @property
    def negatives(self) -> np.ndarray:
        """Films that do not have the finding."""
        return self.fp + self.tn

    @property
    def films(self) -> np.ndarray:
        """Films of which the truth is known."""
        return self.positives + self.negatives

    @property
    def called(self) -> np.ndarray:
        """Films called positive."""
        return self.tp + self.fp

    @property
    def prevalence(self) -> np.ndarray:
        """Share of the films that have the finding: of this mix of films, not of a ward."""
        return ratio(self.positives, self.films)

    @property
    def sensitivity(self) -> np.ndarray:
        """Share of the positives that are called positive (recall)."""
        return ratio(self.tp, self.positives)

    @property
    def specificity(self) -> np.ndarray:
        """Share of the negatives that are called negative."""
        return ratio(self.tn, self.negatives)

    @property
    def ppv(self) -> np.ndarray:
        """Positive predictive value (precision): share of those called positive that are."""
        return ratio(self.tp, self.called)

    @property
    def npv(self) -> np.ndarray:
        """Negative predictive value: share of those called negative that are."""
        return ratio(self.tn, self.fn + self.tn)

    @property
    def accuracy(self) -> np.ndarray:
        """Share of the films called right."""
        return ratio(self.tp + self.tn, self.films)

    @property
    def f1(self) -> np.ndarray:
        """Harmonic mean of sensitivity and PPV."""
        return ratio(2 * self.tp, self.positives + self.called)

    @property
    def youden(self) -> np.ndarray:
        """Sensitivity + specificity - 1: 0 without skill, 1 at best."""
        return self.sensitivity + self.specificity - 1

    @property
    def kappa(self) -> np.ndarray:
        """Cohen's kappa: agreement beyond chance, 0 without skill, 1 at best."""
        films = np.asarray(self.films, np.float64)
        by_chance = self.positives * (self.called / np.maximum(films, 1)) + self.negatives * (
            (films - self.called) / np.maximum(films, 1)
        )
        return ratio(self.tp + self.tn - by_chance, films - by_chance)

    @property
    def mcc(self) -> np.ndarray:
        """Matthews' correlation of calls and truth: 0 without skill, 1 at best."""
        tp, fp, fn, tn = (np.asarray(n, np.float64) for n in (self.tp, self.fp, self.fn, self.tn))
        spread = np.sqrt((tp + fp) * (tp + fn)) * np.sqrt((tn + fp) * (tn + fn))
        return ratio(tp * tn - fp * fn, spread)

    @property
    def lr_positive(self) -> np.ndarray:
        """Positive likelihood ratio: how much a positive call multiplies the odds; above 1."""
        return ratio(self.sensitivity, ratio(self.fp, self.negatives))

    @property
    def lr_negative(self) -> np.ndarray:
        """Negative likelihood ratio: how much a negative call multiplies the odds; below 1."""
        return ratio(ratio(self.fn, self.positives), self.specificity)

    def measures(self) -> dict[str, np.ndarray]:
        """Every measure by the name it has in reports and on pages."""
        return {name: getattr(self, attribute) for name, attribute in MEASURES.items()}

    def no_skill(self) -> dict[str, np.ndarray]:
        """What calls by chance, as often positive as these are, give on average.

        Sensitivity is then the share called positive, whatever the film shows.
        """
        called, prevalence = ratio(self.called, self.films), self.prevalence
        rest, healthy = 1 - called, 1 - prevalence
        by_chance = Counts(called * prevalence, called * healthy, rest * prevalence, rest * healthy)
        return by_chance.measures()


MEASURES = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "PPV": "ppv",
    "NPV": "npv",
    "accuracy": "accuracy",
    "F1": "f1",
    "Youden's J": "youden",
    "Cohen's kappa": "kappa",
    "positive likelihood ratio": "lr_positive",
    "negative likelihood ratio": "lr_negative",
}
"""Name in words -> property of `Counts`."""


def weighted(weights: np.ndarray, truth: np.ndarray, called: np.ndarray) -> Counts:
    """Counts of resampled films.

    Args:
        weights: how often each film counts, shape (replicates, films).
        truth: 1 positive, 0 negative, NaN unknown (not counted); shape (films,).
        called: whether the film is called positive, bool of shape (films,).

    Returns:
        Counts of shape (replicates,).
    """
    positive, negative = np.asarray(truth) == 1, np.asarray(truth) == 0
    called = np.asarray(called, bool)
    cells = np.stack([positive & called, negative & called, positive & ~called, negative & ~called])
    return Counts(*(np.asarray(weights, np.float64) @ cells.T.astype(np.float64)).T)


def predictive_values(
    sensitivity: np.ndarray, specificity: np.ndarray, prevalence: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """PPV and NPV where the finding is as common as you say, by Bayes' rule.

    The mix of a test set is hardly ever the ward's, and PPV and NPV depend on it.

    Args:
        sensitivity, specificity: in 0..1, of any one shape.
        prevalence: share of the films that have the finding, in 0..1.

    Raises:
        ValueError: a prevalence outside 0..1.
    """
    prevalence = np.asarray(prevalence, np.float64)
    if not ((prevalence >= 0) & (prevalence <= 1)).all():
        raise ValueError("A prevalence is a share: give a number from 0 to 1.")
    found, missed = sensitivity * prevalence, (1 - sensitivity) * prevalence
    alarms, spared = (1 - specificity) * (1 - prevalence), specificity * (1 - prevalence)
    return ratio(found, found + alarms), ratio(spared, spared + missed)


def reason(counts: Counts, measure: str) -> str | None:
    """Why a measure is not defined for one set of counts, as a sentence; None where it is defined.

    Args:
        counts: of one label at one threshold (no shape).
        measure: a name among `MEASURES`.
    """
    if not np.isnan(getattr(counts, MEASURES[measure])):
        return None
    if not counts.films:
        why = "no film has a known truth"
    elif not counts.positives:
        why = "no film has the finding"
    elif not counts.negatives:
        why = "every film has the finding"
    elif not counts.called:
        why = "no film is called positive"
    elif counts.called == counts.films:
        why = "every film is called positive"
    else:
        why = "no negative film is called positive" if not counts.fp else "it divides by zero"
    return f"{measure} is not defined here: {why}."


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Above / below, NaN where there is nothing below."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    shape = np.broadcast_shapes(above.shape, below.shape)
    # differences of sums that should be zero may miss it by a rounding
    return np.divide(above, below, out=np.full(shape, np.nan), where=below > 1e-15)


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


def of_classes(predictions: Predictions) -> Matrix:
    """The most probable class of each film against its true one.

    Raises:
        ValueError: the labels do not exclude each other.
    """
    truth, called = predictions.truth_class(), predictions.most_probable()
    return Matrix(predictions.classes, metrics.confusion(truth, called, len(predictions.classes)))


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

"""Counts of true and false calls, and every measure that follows from them.

One place for the formulas: a threshold moved on a page, a resample of a bootstrap, a class of a
report and a study all end here. Names as in epidemiology; formulas as in Altman, Practical
Statistics for Medical Research (1991), ch. 14, but for kappa (Cohen 1960,
doi 10.1177/001316446002000104) and Youden's J (Youden 1950).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.sums import weighted_sums

__all__ = [
    "MEASURES",
    "Counts",
    "called_cells",
    "cohens_kappa",
    "predictive_values",
    "ratio",
    "reason",
    "weighted_counts",
]


@dataclass(frozen=True, eq=False)
class Counts:
    """Numbers of films by truth and call, in any shape: per label, per threshold, per resample.

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
        true = np.stack([self.positives, self.negatives], axis=-1)
        called = np.stack([self.called, self.films - self.called], axis=-1)
        return cohens_kappa(self.tp + self.tn, true, called)

    @property
    def lr_positive(self) -> np.ndarray:
        """Positive likelihood ratio: how much a positive call multiplies the odds; above 1."""
        return ratio(self.sensitivity, ratio(self.fp, self.negatives))

    @property
    def lr_negative(self) -> np.ndarray:
        """Negative likelihood ratio: how much a negative call multiplies the odds; below 1."""
        return ratio(ratio(self.fn, self.positives), self.specificity)

    def measures(self) -> dict[str, np.ndarray]:
        """Every measure, by the name it has in reports and on pages."""
        return {name: getattr(self, attribute) for name, attribute in MEASURES.items()}

    def no_skill(self) -> dict[str, np.ndarray]:
        """Measures of calls by chance, as often positive as these are, on average.

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


def weighted_counts(weights: np.ndarray, truth: np.ndarray, called: np.ndarray) -> Counts:
    """Counts of weighted films, as a bootstrap draws them.

    Args:
        weights: how often each film counts, shape (replicates, films).
        truth: 1 positive, 0 negative, NaN unknown (not counted); shape (films,).
        called: whether the film is called positive, bool of shape (films,).

    Returns:
        Counts of shape (replicates,).
    """
    return Counts(*weighted_sums(weights, called_cells(truth, called)).T)


def called_cells(truth: np.ndarray, called: np.ndarray) -> np.ndarray:
    """Which count of `Counts` each film belongs to: bool of shape (films, 4), in their order.

    Args:
        truth: 1 positive, 0 negative, NaN unknown (in none); shape (films,).
        called: whether the film is called positive, bool of shape (films,).
    """
    positive, negative = np.asarray(truth) == 1, np.asarray(truth) == 0
    called = np.asarray(called, bool)
    cells = [positive & called, negative & called, positive & ~called, negative & ~called]
    return np.stack(cells, axis=1)


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
    """Sentence on why a measure is not defined for one set of counts; None where it is defined.

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


def cohens_kappa(agreed: np.ndarray, true: np.ndarray, called: np.ndarray) -> np.ndarray:
    """Cohen's kappa: agreement beyond chance, 0 without skill, 1 at best.

    Args:
        agreed: films called right, shape (...).
        true: films of each class, shape (..., classes).
        called: films called each class, shape (..., classes).

    Returns:
        Shape (...); NaN where chance alone agrees on every film, or there is none.
    """
    films = np.asarray(true.sum(axis=-1), np.float64)
    by_chance = (true * (called / np.maximum(films, 1)[..., None])).sum(axis=-1)
    return ratio(agreed - by_chance, films - by_chance)


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotient of two arrays, NaN where there is nothing below."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    shape = np.broadcast_shapes(above.shape, below.shape)
    # differences of sums that should be zero may miss it by a rounding
    return np.divide(above, below, out=np.full(shape, np.nan), where=below > 1e-15)

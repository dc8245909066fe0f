"""Thresholds: counts at any of them from scores that are sorted once, and rules that choose one.

Moving one on 22,433 films and 14 labels costs two binary searches a label instead of a new pass
over all films.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.counts import Counts
from xray_models.number_text import spoken

__all__ = [
    "RULES",
    "Choice",
    "ThresholdIndex",
    "at_sensitivity",
    "at_specificity",
    "least_cost",
    "max_f1",
    "youden",
]


class ThresholdIndex:
    """Scores of positives and of negatives, sorted, for each label. Build once, ask often."""

    def __init__(self, labels: Sequence[str], truth: np.ndarray, scores: np.ndarray) -> None:
        """Sort the scores of the films whose truth is known.

        Args:
            labels: their names.
            truth: 1, 0 or NaN for unknown, shape (films, labels).
            scores: shape (films, labels).

        Raises:
            ValueError: a score of a film of known truth is not a finite number.
        """
        self.labels = tuple(labels)
        self._positives = []
        self._negatives = []
        for known, column in zip(np.transpose(truth), np.transpose(scores), strict=True):
            if not np.isfinite(column[~np.isnan(known)]).all():
                raise ValueError("A threshold needs one finite score for each film.")
            self._positives.append(np.sort(column[known == 1]))
            self._negatives.append(np.sort(column[known == 0]))

    def counts(self, thresholds: float | np.ndarray) -> Counts:
        """Counts of every label; a film is called positive when its score reaches the threshold.

        Args:
            thresholds: one for all labels, one each of shape (labels,), or several sets of shape
                (sets, labels).

        Returns:
            Counts of shape (labels,) or (sets, labels).

        Raises:
            ValueError: the last axis is not the labels, or a threshold is not a number.
        """
        cuts = np.asarray(thresholds, np.float64)
        if cuts.ndim == 0:
            cuts = np.full(len(self.labels), cuts)
        if cuts.shape[-1] != len(self.labels):
            raise ValueError(
                f"{len(self.labels)} labels need a threshold each, not {cuts.shape[-1]}."
            )
        columns = [self._of(index, cuts[..., index]) for index in range(len(self.labels))]
        return Counts(*(np.stack(cells, axis=-1) for cells in zip(*columns, strict=True)))

    def counts_of(self, label: str, thresholds: float | np.ndarray) -> Counts:
        """Counts of one label at thresholds of any shape.

        Raises:
            ValueError: no such label, or a threshold is not a number.
        """
        if label not in self.labels:
            raise ValueError(f"There is no label {label!r}. Labels: {', '.join(self.labels)}.")
        return Counts(*self._of(self.labels.index(label), np.asarray(thresholds, np.float64)))

    def cuts(self, label: str) -> np.ndarray:
        """All thresholds that call different films, ascending, float64.

        The lowest calls every film, the highest none; those between lie halfway between neighboring
        scores. Shape (distinct scores + 1,), or (0,) without films.

        Raises:
            ValueError: no such label.
        """
        if label not in self.labels:
            raise ValueError(f"There is no label {label!r}. Labels: {', '.join(self.labels)}.")
        index = self.labels.index(label)
        scores = np.unique(np.concatenate([self._positives[index], self._negatives[index]]))
        if not len(scores):
            return scores
        middle = (scores[1:] + scores[:-1]) / 2
        # halfway between two neighboring floats there may be none: then the upper is the cut
        middle = np.where(middle > scores[:-1], middle, scores[1:])
        return np.concatenate([scores[:1], middle, [np.nextafter(scores[-1], np.inf)]])

    def _of(self, index: int, cuts: np.ndarray) -> tuple[np.ndarray, ...]:
        if np.isnan(cuts).any():
            raise ValueError("A threshold must be a number.")
        positives, negatives = self._positives[index], self._negatives[index]
        fn = np.searchsorted(positives, cuts, side="left")
        tn = np.searchsorted(negatives, cuts, side="left")
        return len(positives) - fn, len(negatives) - tn, fn, tn


@dataclass(frozen=True)
class Choice:
    """Threshold that was chosen, and why.

    Attributes:
        threshold: a film is called positive when its score reaches it; None where there is none.
        why: what was chosen, or why nothing could be, as a sentence.
    """

    threshold: float | None
    why: str


def youden(index: ThresholdIndex, label: str) -> Choice:
    """Threshold with the highest sensitivity + specificity; of equals the most sensitive."""
    return _best(index, label, "youden", "the highest sensitivity plus specificity")


def max_f1(index: ThresholdIndex, label: str) -> Choice:
    """Threshold with the highest F1 score; of equals the most sensitive."""
    return _best(index, label, "f1", "the highest F1 score")


def at_sensitivity(index: ThresholdIndex, label: str, least: float) -> Choice:
    """Highest threshold that still finds at least this share of the positives.

    Raises:
        ValueError: no such label, or a share outside 0..1.
    """
    cuts, counts = _all(index, label, least)
    if not np.any(counts.positives):
        return Choice(None, f"No film has {label}, so no threshold has a sensitivity.")
    # sensitivity falls as the threshold rises
    enough = counts.tp >= _share_of(least, counts.positives)
    place = int(np.flatnonzero(enough)[-1])
    return Choice(
        float(cuts[place]),
        f"The highest threshold with a sensitivity of at least {least:.3g}: "
        f"{counts.sensitivity[place]:.3f}, at a specificity of "
        f"{spoken(counts.specificity[place])}.",
    )


def at_specificity(index: ThresholdIndex, label: str, least: float) -> Choice:
    """Lowest threshold that still spares at least this share of the negatives.

    Raises:
        ValueError: no such label, or a share outside 0..1.
    """
    cuts, counts = _all(index, label, least)
    if not np.any(counts.negatives):
        return Choice(None, f"Every film has {label}, so no threshold has a specificity.")
    enough = counts.tn >= _share_of(least, counts.negatives)
    place = int(np.flatnonzero(enough)[0])
    return Choice(
        float(cuts[place]),
        f"The lowest threshold with a specificity of at least {least:.3g}: "
        f"{counts.specificity[place]:.3f}, at a sensitivity of "
        f"{spoken(counts.sensitivity[place])}.",
    )


def least_cost(
    index: ThresholdIndex, label: str, miss: float, alarm: float, prevalence: float | None = None
) -> Choice:
    """Threshold with the least expected cost; of equals the most sensitive.

    Expected cost of a film = miss x prevalence x (1 - sensitivity)
    + alarm x (1 - prevalence) x (1 - specificity)  (Metz 1978, doi 10.1016/S0001-2998(78)80014-2).

    Args:
        index: of the films.
        label: one of its labels.
        miss: cost of a false negative, above 0.
        alarm: cost of a false positive, above 0.
        prevalence: where the model is to be used, in 0..1; by default that of the films.

    Raises:
        ValueError: no such label, a cost that is not above 0, or a prevalence outside 0..1.
    """
    if not (miss > 0 and alarm > 0):
        raise ValueError("Costs must be above 0; only their ratio counts.")
    cuts, counts = _all(index, label, prevalence)
    if not (np.any(counts.positives) and np.any(counts.negatives)):
        return Choice(
            None, f"{label}: weighing misses against alarms needs films with and without."
        )
    share = counts.prevalence if prevalence is None else prevalence
    cost = miss * share * (1 - counts.sensitivity) + alarm * (1 - share) * (1 - counts.specificity)
    place = int(np.argmin(np.round(cost / (miss + alarm), 12)))
    return Choice(
        float(cuts[place]),
        f"The least cost where a miss costs {miss / alarm:.3g} times a false alarm.",
    )


RULES: Mapping[str, str] = {
    "youden": "Youden: sensitivity + specificity",
    "max_f1": "highest F1",
    "at_sensitivity": "fixed sensitivity",
    "at_specificity": "fixed specificity",
    "least_cost": "cost of misses and false alarms",
}
"""Function of this module -> what a menu calls it."""


def _best(index: ThresholdIndex, label: str, measure: str, words: str) -> Choice:
    cuts, counts = _all(index, label)
    if not (np.any(counts.positives) and np.any(counts.negatives)):
        return Choice(None, f"{label}: {words} needs films with it and films without.")
    # a threshold that calls no film is no operating point
    values = getattr(counts, measure)[:-1]
    place = int(np.argmax(np.round(values, 12)))
    return Choice(float(cuts[place]), f"The threshold with {words} ({values[place]:.3f}).")


def _all(
    index: ThresholdIndex, label: str, share: float | None = None
) -> tuple[np.ndarray, Counts]:
    if share is not None and not 0 <= share <= 1:
        raise ValueError(f"A share lies between 0 and 1, not at {share}.")
    cuts = index.cuts(label)
    return cuts, index.counts_of(label, cuts)


def _share_of(least: float, films: np.ndarray) -> np.ndarray:
    # 0.95 x 20 must be 19, not the float above it
    return np.ceil(least * films - 1e-9)

"""Results of a reader: how right, how sure, how quick, and what the model changed.

Shares have Wilson intervals. An AUC has the interval of Newcombe 2006 (method 5, doi
10.1002/sim.2324), which stays within 0 and 1 and has a width even where no film was ranked wrong,
as after a session of ten films. Kappas have bootstrap intervals over films.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.bootstrap import LEVEL, Estimate, bootstrap
from xray_models.evaluate.metrics.calibration import Reliability, reliability, wilson
from xray_models.evaluate.metrics.counts import weighted_counts
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.teaching.records import Record
from xray_models.teaching.session import YES_FROM

__all__ = [
    "STATED",
    "Measures",
    "Places",
    "Results",
    "Switches",
    "auc",
    "auc_interval",
    "kappa",
    "measures",
    "results",
    "share",
]

STATED = {1: 0.1, 2: 0.3, 3: 0.5, 4: 0.7, 5: 0.9}
"""Confidence -> the probability that it is taken to state: the middle of its fifth."""
_NEAR = 1e-9


@dataclass(frozen=True)
class Measures:
    """Measures of one reading of the films, by a reader or a model; each with its 95 % interval.

    Attributes:
        films: how many.
        accuracy, sensitivity, specificity: shares.
        auc: area under the ROC curve.
        kappa: Cohen's kappa with the truth.
    """

    films: int
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    auc: Estimate
    kappa: Estimate


@dataclass(frozen=True)
class Switches:
    """Answers that changed from yes to no or back when the model was shown.

    Attributes:
        to_right: became right.
        to_wrong: became wrong.
        followed: wrong answers of the model that the reader, right before, went along with.
        shown_wrong: answers of the model that were shown and wrong.
    """

    to_right: int
    to_wrong: int
    followed: int
    shown_wrong: int


@dataclass(frozen=True)
class Places:
    """Places that a reader marked on films with true boxes.

    Attributes:
        films: with true boxes.
        marked: of these, where the reader marked a place.
        hits: share of the films whose place lies in a true box.
        iou: median over the boxes that the reader drew; NaN without any.
    """

    films: int
    marked: int
    hits: Estimate
    iou: float


@dataclass(frozen=True)
class Results:
    """Results of a reader.

    Attributes:
        unaided: without the model.
        aided: with it; None where it was never shown.
        model: on the films that it answered; None where it answered none.
        kappa_with_model: agreement of the unaided answers with the model's own.
        calibration: of the reader's confidence without the model; bins are the five answers.
        seconds: median for a film.
        places: what was marked.
        switches: what the model changed; None where it was never shown.
        again: films that were answered wrong at last, the surest first.
    """

    unaided: Measures
    aided: Measures | None
    model: Measures | None
    kappa_with_model: Estimate | None
    calibration: Reliability
    seconds: float
    places: Places
    switches: Switches | None
    again: tuple[Record, ...]


def results(records: Sequence[Record]) -> Results:
    """Results of records, of one session or of several.

    Args:
        records: at least one.

    Raises:
        ValueError: there is none.
    """
    if not records:
        raise ValueError("No film was answered yet, so there are no results.")
    truth = np.array([one.truth for one in records])
    unaided = np.array([one.unaided for one in records])
    aided = [one for one in records if one.aided is not None]
    judged = [one for one in records if one.model is not None]
    wrong = [one for one in records if not one.right]
    return Results(
        unaided=measures(truth, unaided, YES_FROM),
        aided=_measures(aided, [one.final for one in aided], YES_FROM),
        model=_measures(judged, [one.model or 0.0 for one in judged], 0.5),
        kappa_with_model=_kappa_with_model(judged),
        calibration=reliability(truth, np.array([STATED[one] for one in unaided]), bins=5),
        seconds=float(np.median([one.seconds for one in records])),
        places=_places(records),
        switches=_switches(aided) if aided else None,
        again=tuple(sorted(wrong, key=lambda one: -abs(one.final - YES_FROM + 0.5))),
    )


def measures(truth: np.ndarray, scores: np.ndarray, yes_from: float) -> Measures:
    """Measures of answers against the truth.

    Args:
        truth: bool of shape (films,).
        scores: confidences or probabilities, shape (films,).
        yes_from: score from which on an answer counts as yes.
    """
    yes = np.asarray(scores) >= yes_from
    return Measures(
        len(truth),
        share(int((yes == truth).sum()), len(truth)),
        share(int(yes[truth].sum()), int(truth.sum())),
        share(int((~yes[~truth]).sum()), int((~truth).sum())),
        auc(truth, scores),
        kappa(truth, yes),
    )


def share(count: int, films: int) -> Estimate:
    """Share with its Wilson interval; NaN of no film."""
    low, high = wilson(np.array(count), np.array(films))
    return Estimate(count / films if films else math.nan, float(low), float(high))


def auc(truth: np.ndarray, scores: np.ndarray) -> Estimate:
    """AUC with its interval; NaN without films of both kinds."""
    truth = np.asarray(truth, bool)
    value = float(Ranking(truth, np.asarray(scores)).auc(np.ones((1, len(truth)), int))[0])
    low, high = auc_interval(value, int(truth.sum()), int((~truth).sum()))
    return Estimate(value, low, high)


def auc_interval(
    value: float, positives: int, negatives: int, level: float = LEVEL
) -> tuple[float, float]:
    """Interval of an AUC (Newcombe 2006, method 5, doi 10.1002/sim.2324).

    The bounds are the areas from which the value lies as far as their own standard error allows.

    Args:
        value: the AUC, 0..1.
        positives, negatives: films of each kind.
        level: of the interval.

    Returns:
        NaN twice where the AUC is not defined.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    if math.isnan(value):
        return math.nan, math.nan
    z = float(norm.ppf((1 + level) / 2))
    pairs, effective = positives * negatives, (positives + negatives) / 2 - 1

    def error(area: float) -> float:
        spread = 1 + effective * (1 - area) / (2 - area) + effective * area / (1 + area)
        return z * math.sqrt(max(0.0, area * (1 - area) * spread / pairs))

    # the value itself solves both where it is 0 or 1: look just beside it
    low = brentq(lambda one: value - one - error(one), 0, value - _NEAR) if value > 0 else 0.0
    high = brentq(lambda one: one - value - error(one), value + _NEAR, 1) if value < 1 else 1.0
    return float(low), float(high)


def kappa(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Cohen's kappa of two readings by yes and no, with its bootstrap interval over films."""
    first, second = np.asarray(first, float), np.asarray(second, bool)
    found = bootstrap(
        lambda weights: weighted_counts(weights, first, second).kappa, np.arange(len(first))
    )
    if found.low == found.high:  # every resample is alike, which says nothing of other films
        return Estimate(found.value, math.nan, math.nan)
    return found


def _measures(
    records: Sequence[Record], scores: Sequence[float], yes_from: float
) -> Measures | None:
    if not records:
        return None
    return measures(np.array([one.truth for one in records]), np.array(scores), yes_from)


def _kappa_with_model(records: Sequence[Record]) -> Estimate | None:
    if not records:
        return None
    reader = np.array([one.unaided >= YES_FROM for one in records])
    return kappa(reader, np.array([(one.model or 0.0) >= 0.5 for one in records]))


def _places(records: Sequence[Record]) -> Places:
    boxed = [one for one in records if one.truth and one.boxed]
    found = [one.place for one in boxed if one.place is not None]
    drawn = [one.iou for one in found if not math.isnan(one.iou)]
    return Places(
        len(boxed),
        len(found),
        share(sum(one.hit for one in found), len(boxed)),
        float(np.median(drawn)) if drawn else math.nan,
    )


def _switches(records: Sequence[Record]) -> Switches:
    before = [(one.unaided >= YES_FROM) == one.truth for one in records]
    after = [one.right for one in records]
    wrong = [one.shown is not None and (one.shown >= 0.5) != one.truth for one in records]
    pairs = list(zip(before, after, wrong, strict=True))
    return Switches(
        sum(then and not first for first, then, _ in pairs),
        sum(first and not then for first, then, _ in pairs),
        sum(first and not then and erred for first, then, erred in pairs),
        sum(wrong),
    )

"""Table of all labels of a model: AUC and average precision with intervals, means, and no skill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.bootstrap import REPLICATES, SEED, Estimate, bootstraps
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.predictions.predictions import FEW, Predictions

__all__ = ["MACRO", "MICRO", "NO_SKILL", "LabelRow", "label_table"]

MACRO, MICRO, NO_SKILL = "macro mean", "micro (all pairs of film and label)", "no skill"


@dataclass(frozen=True)
class LabelRow:
    """Row of the table.

    Attributes:
        name: a label, or `MACRO`, `MICRO`, `NO_SKILL`.
        films, positives: of known truth, in all labels together for the means.
        auc, average_precision: with 95 % intervals; NaN where not defined.
        note: a sentence to show beside it; empty if there is nothing to say.
    """

    name: str
    films: int
    positives: int
    auc: Estimate
    average_precision: Estimate
    note: str = ""


def label_table(
    predictions: Predictions, replicates: int = REPLICATES, seed: int = SEED
) -> list[LabelRow]:
    """Rows of all labels; with several labels their macro and micro means; and what no skill gives.

    The macro mean is over labels that have films with and without them, and its note names the
    others. Intervals are percentiles of a bootstrap over groups, on the same resamples for all.

    Args:
        predictions: films, truth and scores.
        replicates: resamples of the groups.
        seed: of the resampling.

    Returns:
        Rows in the order of the labels, then the means, then `NO_SKILL`, whose average precision is
        the share of positives among all pairs of film and label.

    Raises:
        ValueError: there is no film.
    """
    ones = [predictions.of(label) for label in predictions.labels]
    columns = zip(predictions.truth.T, predictions.scores.T, strict=True)
    rankings = [Ranking(truth, scores) for truth, scores in columns]
    both = [k for k, one in enumerate(rankings) if one.defined]
    some = [k for k, one in enumerate(rankings) if one.positives]
    pooled = Ranking(predictions.truth, predictions.scores)

    def measures(weights: np.ndarray) -> dict[str, np.ndarray]:
        found = {f"auc {k}": one.auc(weights) for k, one in enumerate(rankings)}
        found |= {f"ap {k}": one.average_precision(weights) for k, one in enumerate(rankings)}
        for kind, chosen in (("auc", both), ("ap", some)):
            of_labels = [found[f"{kind} {k}"] for k in chosen]
            found[f"{kind} macro"] = np.mean(of_labels, axis=0) if chosen else _nan(weights)
        if len(rankings) > 1:
            found["auc micro"] = pooled.auc(weights)
            found["ap micro"] = pooled.average_precision(weights)
        return found

    found = bootstraps(measures, predictions.groups, replicates, seed)
    rows = [
        LabelRow(
            one.label,
            len(one.truth),
            one.positives,
            found[f"auc {k}"],
            found[f"ap {k}"],
            one.problem or _few(one.positives, one.negatives),
        )
        for k, one in enumerate(ones)
    ]
    films, positives = sum(len(one.truth) for one in ones), sum(one.positives for one in ones)
    if len(rows) > 1:
        left_out = [one.label for one in ones if one.problem]
        note = f"Without {', '.join(left_out)}: all films alike." if left_out else ""
        macro, micro = ((found[f"auc {kind}"], found[f"ap {kind}"]) for kind in ("macro", "micro"))
        rows.append(LabelRow(MACRO, films, positives, *macro, note))
        rows.append(LabelRow(MICRO, films, positives, *micro))
    share = positives / films if films else float("nan")
    rows.append(LabelRow(NO_SKILL, films, positives, _exactly(0.5), _exactly(share)))
    return rows


def _few(positives: int, negatives: int) -> str:
    if min(positives, negatives) >= FEW:
        return ""
    which, count = ("without", negatives) if negatives < positives else ("with", positives)
    films = "film" if count == 1 else "films"
    return f"Only {count} {films} {which} it: read its figures with care."


def _nan(weights: np.ndarray) -> np.ndarray:
    return np.full(len(weights), np.nan)


def _exactly(value: float) -> Estimate:
    return Estimate(value, value, value)

"""Studies of MURA, joined from their views: one to several films of one visit.

A study's probability is the mean over its views, as in the MURA paper (Rajpurkar et al. 2018,
arXiv:1712.06957, section 3): a view that shows nothing does not outvote one that shows much, and
one bad film does not decide alone. With "min" every view has to look abnormal: fewer false alarms,
and findings missed that only one projection shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from xray_models.evaluate import card_thresholds
from xray_models.evaluate.metrics.bootstrap import REPLICATES, SEED, Estimate, bootstraps
from xray_models.evaluate.metrics.confusion import (
    Matrix,
    ReportRow,
    accuracy,
    classification_report,
    count_matrix,
    kappa,
    macro_f1,
    weighted_matrix,
)
from xray_models.evaluate.metrics.counts import weighted_counts
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.predictions.held_out_table import NONE, probabilities, probability_columns

__all__ = ["RULES", "StudyResult", "by_part", "by_study", "evaluate", "measure"]

RULES = ("mean", "min")


@dataclass(frozen=True, eq=False)
class StudyResult:
    """Figures of studies, or of views.

    Attributes:
        unit: "study" or "view".
        count: how many there are.
        groups: patients they come from.
        threshold: a probability from which a unit is called abnormal; None where the most probable
            of several labels is called.
        figures: by name, with 95 % intervals from resampling patients.
        matrix: confusion matrix.
        parts: the figures of each part, where there are several and one label.
    """

    unit: str
    count: int
    groups: int
    threshold: float | None
    figures: dict[str, Estimate]
    matrix: Matrix
    parts: pd.DataFrame | None = None

    @property
    def report(self) -> list[ReportRow]:
        """Precision, recall and F1 of each class, and their means."""
        return classification_report(self.matrix)

    def as_dict(self) -> dict[str, Any]:
        """Figures ready for JSON; those that are not defined are None."""
        figures = {
            name: {key: None if value != value else value for key, value in asdict(one).items()}
            for name, one in self.figures.items()
        }
        return {
            "unit": self.unit,
            "count": self.count,
            "patients": self.groups,
            "threshold": self.threshold,
            "figures": figures,
            "classes": list(self.matrix.names),
            "confusion_matrix": self.matrix.counts.tolist(),
            "parts": [] if self.parts is None else json.loads(self.parts.to_json(orient="records")),
        }

    def __str__(self) -> str:
        figures = pd.DataFrame(
            {
                "value": [one.value for one in self.figures.values()],
                "low": [one.low for one in self.figures.values()],
                "high": [one.high for one in self.figures.values()],
            },
            index=pd.Index(self.figures),
        )
        called = (
            "the most probable label is called"
            if self.threshold is None
            else f"{self.matrix.names[1]} from a probability of {self.threshold:.4f}"
        )
        plural = "studies" if self.unit == "study" else "views"
        names = list(self.matrix.names)
        report = pd.DataFrame(
            [(one.precision, one.recall, one.f1, one.films) for one in self.report],
            index=[one.name for one in self.report],
            columns=["precision", "recall", "F1", plural],
        )
        parts = []
        if self.parts is not None:
            table = self.parts.to_string(index=False, float_format="{:.3f}".format, na_rep="–")
            parts = ["", f"By part, {plural}", table]
        return "\n".join(
            [
                f"Per {self.unit}: {self.count:,} {plural} of {self.groups:,} patients; {called}",
                "",
                figures.to_string(float_format="{:.3f}".format, na_rep="–"),
                "",
                "Confusion matrix (rows: truth, columns: called)",
                pd.DataFrame(self.matrix.counts, names, names).to_string(),
                "",
                report.to_string(float_format="{:.3f}".format, na_rep="–"),
                *parts,
            ]
        )


def by_study(views: pd.DataFrame, labels: Sequence[str], rule: str = "mean") -> pd.DataFrame:
    """Table of studies, from a table of views.

    Args:
        views: columns study, group, part, split, truth and `p:<label>` for each label.
        labels: of the model.
        rule: "mean" or "min" of the views' probabilities.

    Returns:
        The same columns and `views`, the number of films, in the order of the studies' names.

    Raises:
        ValueError: an unknown rule, or a study whose views differ in truth, patient, part or split.
    """
    if rule not in RULES:
        raise ValueError(f"There is no rule {rule!r} for studies. Rules: {', '.join(RULES)}.")
    studies = views.groupby("study")
    shared = ["group", "part", "split", "truth"]
    differing = (studies[shared].nunique() > 1).any(axis="columns")
    if differing.any():
        raise ValueError(
            f"The views of study {differing.idxmax()} differ in {', '.join(shared[:-1])} or truth."
        )
    scores = studies[probability_columns(labels)].agg(rule)
    joined = studies[shared].first().join(scores).join(studies.size().rename("views"))
    return joined.reset_index()


def evaluate(
    rows: pd.DataFrame, labels: Sequence[str], unit: str, threshold: float | None = None
) -> StudyResult:
    """Figures of the test rows; a threshold that is not given is chosen on the validation rows.

    Args:
        rows: views, or studies as `by_study` gives them.
        labels: of the model.
        unit: "study" or "view": what a row is.
        threshold: with one label; None for Youden's on the validation rows.

    Raises:
        ValueError: a threshold must be chosen, and the validation rows are all of one class.
    """
    test = rows[rows["split"] == "test"]
    if len(labels) > 1:
        return measure(test, labels, unit)
    if threshold is None:
        chosen_on = rows[rows["split"] == "validation"]
        threshold = card_thresholds.choose(chosen_on, labels, {}, "bone")[labels[0]]
    result = measure(test, labels, unit, threshold)
    if test["part"].nunique() < 2:
        return result
    return replace(result, parts=by_part(test, labels, unit, threshold))


def measure(
    rows: pd.DataFrame,
    labels: Sequence[str],
    unit: str,
    threshold: float | None = None,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> StudyResult:
    """Figures of studies or views.

    Args:
        rows: columns group, truth and `p:<label>` for each label.
        labels: of the model; with one, truth is it or "none".
        unit: "study" or "view": what a row is.
        threshold: with one label: call it from this probability on, in 0..1.
        replicates: resamples of the patients.
        seed: of the resampling.

    Returns:
        With one label AUC, Cohen's kappa, sensitivity, specificity and accuracy; with several the
        mean AUC of each against the rest, kappa, accuracy and macro-F1. Kappa is Cohen 1960,
        doi 10.1177/001316446002000104.

    Raises:
        ValueError: there are no rows, or one label and no threshold.
    """
    if len(labels) == 1 and threshold is None:
        raise ValueError("A model with one label needs a threshold to be judged at.")
    names = (NONE, labels[0]) if len(labels) == 1 else tuple(labels)
    values = probabilities(rows, labels)
    truth = rows["truth"].map({name: index for index, name in enumerate(names)}).to_numpy()
    groups = rows["group"].to_numpy()
    if threshold is not None and len(labels) == 1:
        called = (values[:, 0] >= threshold).astype(np.int64)
    else:
        threshold, called = None, values.argmax(axis=1)

    classes = len(names)
    # with one label, class 0 is "none" and the scores are of class 1
    positive = [1] if len(labels) == 1 else range(classes)
    rankings = [Ranking(truth == k, column) for k, column in zip(positive, values.T, strict=True)]

    def measured(weights: np.ndarray) -> Mapping[str, np.ndarray]:
        if len(labels) == 1:
            counts = weighted_counts(weights, truth, called == 1)
            return {
                "AUC": rankings[0].auc(weights),
                "Cohen's kappa": counts.kappa,
                "sensitivity": counts.sensitivity,
                "specificity": counts.specificity,
                "accuracy": counts.accuracy,
            }
        matrices = weighted_matrix(weights, truth, called, classes)
        return {
            "mean AUC": np.mean([one.auc(weights) for one in rankings], axis=0),
            "Cohen's kappa": kappa(matrices),
            "accuracy": accuracy(matrices),
            "macro-F1": macro_f1(matrices),
        }

    return StudyResult(
        unit=unit,
        count=len(rows),
        groups=len(np.unique(groups)),
        threshold=threshold,
        figures=bootstraps(measured, groups, replicates, seed),
        matrix=Matrix(names, count_matrix(truth, called, classes)),
    )


def by_part(
    rows: pd.DataFrame,
    labels: Sequence[str],
    unit: str,
    threshold: float,
    replicates: int = REPLICATES,
) -> pd.DataFrame:
    """Figures of a model with one label for each part, as the MURA paper's table 2 has them.

    Returns:
        Columns part, count, then each figure with the bounds of its interval.
    """
    found = []
    for part, some in rows.groupby("part"):
        result = measure(some, labels, unit, threshold, replicates)
        line: dict[str, object] = {"part": part, "count": result.count}
        for name, one in result.figures.items():
            line |= {name: one.value, f"{name}, low": one.low, f"{name}, high": one.high}
        found.append(line)
    return pd.DataFrame(found)

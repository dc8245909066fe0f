"""Figures that a model card quotes and a report reprints, from the held-out table."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from xray_models import NONE_OF_THESE, PARTS
from xray_models.catalogue import Asked, Card, Figure
from xray_models.evaluate import card_thresholds
from xray_models.evaluate.metrics import weighted
from xray_models.evaluate.metrics.bootstrap import (
    REPLICATES,
    SEED,
    Estimate,
    Measure,
    bootstrap,
    bootstraps,
)
from xray_models.evaluate.metrics.confusion import (
    Matrix,
    count_matrix,
    macro_f1,
    weighted_matrix,
)
from xray_models.evaluate.metrics.counts import weighted_counts
from xray_models.evaluate.metrics.ranking import Ranking, Rankings
from xray_models.evaluate.predictions.held_out_table import NONE, TableError, load, out_of_fold
from xray_models.evaluate.predictions.predictions import Predictions, films_of_test, from_table
from xray_models.evaluate.predictions.routing import route

__all__ = ["called", "confusion_matrix", "cutoffs", "estimates", "figures", "films_of_test"]

MEAN_AUC = "mean AUC"
"""Mean of the AUCs of all labels that have positive and negative films (macro)."""
MICRO_AUC = "micro AUC"
"""AUC over all pairs of film and label, pooled."""


def figures(card: Card) -> dict[str, Figure]:
    """Figures of a card's held-out films, for the card itself; those not defined are left out.

    Raises:
        TableError: the held-out table cannot be used.
    """
    return {
        name: Figure(one.value, one.low, one.high)
        for name, one in estimates(films_of_test(card), card).items()
        if not np.isnan(one.value)
    }


def estimates(
    rows: pd.DataFrame,
    card: Card,
    replicates: int = REPLICATES,
    seed: int = SEED,
    cuts: pd.DataFrame | None = None,
    only: Collection[str] | None = None,
) -> dict[str, Estimate]:
    """Every figure of a model on some films, each with a 95 % bootstrap interval over groups.

    - One label: AUC, average precision, Brier score; accuracy, sensitivity and specificity at the
      threshold. Where the card says which films it is asked about, first AUC, accuracy,
      sensitivity and specificity on these.
    - Several labels that exclude each other: macro-F1 and accuracy of the most probable label; AUC
      of each label and each combined finding; for those with a threshold also accuracy,
      sensitivity and specificity there.
    - Several labels of a multi-label model: the mean of their AUCs, the AUC of all labels pooled;
      AUC and average precision of each, and for those with a threshold sensitivity and specificity
      there.
    - Body parts: macro-F1 and accuracy of the most probable label, AUC of chest against the rest,
      and the shares of films that are read or refused at the threshold.

    Args:
        rows: of the model's held-out table.
        card: gives task, labels, thresholds and combined findings.
        replicates: resamples of the groups.
        seed: of the resampling.
        cuts: rows of `cutoffs` for these films; by default computed from `rows`, which must then
            be all films that the thresholds of other folds are to be chosen on.
        only: names of the figures that are wanted; all by default.

    Returns:
        Figures by name, in the order to print them.

    Raises:
        ValueError: there are no films.
    """
    cuts = cutoffs(rows, card) if cuts is None else cuts
    if card.task == "body-part":
        measures = _body_part(rows, card, cuts)
    elif card.multi_label:
        measures = _multi_label(rows, card, cuts)
    elif len(card.labels) == 1:
        measures = _one_label(rows, card, cuts)
    else:
        measures = _several_labels(rows, card, cuts)
    if only is not None:
        measures = {name: measure for name, measure in measures.items() if name in only}
    return bootstraps(
        lambda weights: {name: measure(weights) for name, measure in measures.items()},
        rows["group"].to_numpy(),
        replicates,
        seed,
    )


def cutoffs(rows: pd.DataFrame, card: Card) -> pd.DataFrame:
    """Threshold by which each film is called, for each finding that has one.

    Films of a test split are called by the card's thresholds. In an out-of-fold table the card's
    thresholds were chosen on these very films, so those of each fold are called by thresholds
    chosen, in the same way, on the other folds (cross-fitting).

    Args:
        rows: of the model's held-out table; of an out-of-fold table all of them.
        card: gives the thresholds, or how they were chosen.

    Returns:
        A column per finding with a threshold on the card, in the index of `rows`; NaN where the
        other folds have too few films to choose one.
    """
    found = pd.DataFrame(dict(card.thresholds), index=rows.index, dtype=np.float64)
    if not out_of_fold(rows):
        return found
    for fold, films in rows.groupby("split"):
        others = rows[rows["split"] != fold]
        try:
            chosen = card_thresholds.choose(
                others, card.labels, card.combined, card.task, multi_label=card.multi_label
            )
        except ValueError:  # one class only, or one fold only
            chosen = {}
        for finding in found.columns:
            found.loc[films.index, finding] = chosen.get(finding, np.nan)
    return found


def confusion_matrix(rows: pd.DataFrame, card: Card, cuts: pd.DataFrame | None = None) -> Matrix:
    """Confusion matrix of a model on some films.

    Args:
        rows: of the model's held-out table.
        card: the model.
        cuts: as in `estimates`.

    Returns:
        Of several labels, called by the most probable; of one label and "none", at its threshold.

    Raises:
        ValueError: a multi-label model: each of its labels has a matrix of its own.
    """
    if card.multi_label:
        raise ValueError(f"{card.id}: a film may have several labels, so one matrix cannot count.")
    predictions = from_table(rows, card)
    if predictions.classes:
        names, truth, calls = (
            predictions.classes,
            predictions.truth_class(),
            predictions.most_probable(),
        )
    else:
        names = (card.labels[0], NONE)
        cuts = cutoffs(rows, card) if cuts is None else cuts
        truth = np.where(predictions.truth[:, 0] == 1, 0, 1)
        calls = np.where(predictions.scores[:, 0] >= cuts[card.labels[0]], 0, 1)
    return Matrix(names, count_matrix(truth, calls, len(names)))


def called(predictions: Predictions, card: Card, cuts: pd.DataFrame) -> dict[str, np.ndarray]:
    """Calls of a model on each film: 1 positive, 0 negative, NaN where it has no threshold.

    A body-part model says one part, or "none of these" where it routes nowhere.

    Args:
        predictions: of `from_table(rows, card)`.
        card: the model.
        cuts: of `cutoffs` for the same rows.

    Returns:
        Finding -> float64 of shape (films,), for findings with a threshold.
    """
    if card.task == "body-part":
        sent = route(
            predictions.scores, card.labels, {name: cuts[name].to_numpy() for name in cuts}
        )
        none = card.labels.index(NONE_OF_THESE)
        first = np.where(sent.read, sent.part, none)
        return {label: (first == k).astype(np.float64) for k, label in enumerate(card.labels)}
    return {
        finding: _above(predictions, cuts, finding)
        for finding in predictions.labels
        if finding in cuts
    }


def _above(predictions: Predictions, cuts: pd.DataFrame, finding: str) -> np.ndarray:
    cut = cuts[finding].to_numpy()
    above = (predictions.scores[:, predictions.index(finding)] >= cut).astype(np.float64)
    return np.where(np.isnan(cut), np.nan, above)


def _one_label(rows: pd.DataFrame, card: Card, cuts: pd.DataFrame) -> dict[str, Measure]:
    predictions = from_table(rows, card)
    truth, scores = predictions.truth[:, 0] == 1, predictions.scores[:, 0]
    ranking = Ranking(truth, scores)
    return {
        **(_asked(predictions, card, cuts, card.asked, rows) if card.asked else {}),
        "AUC": ranking.auc,
        "average precision": ranking.average_precision,
        "Brier score": partial(weighted.mean, values=(scores - truth) ** 2),
        **_at_threshold(predictions, cuts, card.labels[0]),
    }


def _asked(
    predictions: Predictions, card: Card, cuts: pd.DataFrame, asked: Asked, rows: pd.DataFrame
) -> dict[str, Measure]:
    if asked.column not in rows.columns:
        raise TableError(f"{card.held_out.table}: there is no column {asked.column!r}.")
    # films outside get no truth, so that they are left out
    inside = rows[asked.column].isin(asked.values).to_numpy()
    only = replace(predictions, truth=np.where(inside[:, None], predictions.truth, np.nan))
    measures = {
        "AUC": Ranking(only.truth[:, 0], only.scores[:, 0]).auc,
        **_at_threshold(only, cuts, card.labels[0]),
    }
    return {f"{name}, {asked.name}": measure for name, measure in measures.items()}


def _several_labels(rows: pd.DataFrame, card: Card, cuts: pd.DataFrame) -> dict[str, Measure]:
    predictions = from_table(rows, card)
    measures = _most_probable(predictions)
    for column, finding in enumerate(predictions.labels):
        members = card.members(finding)
        others = [label for label in card.labels if label not in members]
        ending = f", {finding} vs {others[0] if len(others) == 1 else 'the rest'}"
        measures[f"AUC{ending}"] = Ranking(
            predictions.truth[:, column], predictions.scores[:, column]
        ).auc
        measures |= {
            name + ending: measure
            for name, measure in _at_threshold(predictions, cuts, finding).items()
        }
    return measures


def _multi_label(rows: pd.DataFrame, card: Card, cuts: pd.DataFrame) -> dict[str, Measure]:
    predictions = from_table(rows, card)
    rankings = Rankings(predictions.truth, predictions.scores)
    aucs, precisions = _shared(rankings.auc), _shared(rankings.average_precision)
    both = np.flatnonzero(rankings.defined) if rankings.defined.any() else slice(None)
    measures: dict[str, Measure] = {
        MEAN_AUC: lambda weights: np.mean(aucs(weights)[both], axis=0),
        MICRO_AUC: Ranking(predictions.truth, predictions.scores).auc,
    }
    for row, finding in enumerate(predictions.labels):
        measures[f"AUC, {finding}"] = partial(_row, aucs, row)
        measures[f"average precision, {finding}"] = partial(_row, precisions, row)
        at_threshold = _at_threshold(predictions, cuts, finding)
        measures |= {
            f"{name}, {finding}": at_threshold[name]
            for name in ("sensitivity", "specificity")
            if name in at_threshold
        }
    return measures


def _shared(measure: Measure) -> Measure:
    """A measure that two figures ask for, made once in a thread for the same weights."""
    last = threading.local()

    def asked(weights: np.ndarray) -> np.ndarray:
        if getattr(last, "weights", None) is not weights:
            last.weights, last.values = weights, measure(weights)
        values: np.ndarray = last.values
        return values

    return asked


def _row(measures: Measure, row: int, weights: np.ndarray) -> np.ndarray:
    found: np.ndarray = measures(weights)[row]
    return found


def _body_part(rows: pd.DataFrame, card: Card, cuts: pd.DataFrame) -> dict[str, Measure]:
    predictions = from_table(rows, card)
    truth = rows["truth"].to_numpy()
    sent = route(predictions.scores, card.labels, {name: cuts[name].to_numpy() for name in cuts})
    supported = np.isin(truth, PARTS)
    right = sent.names(predictions.truth_class())
    chest = predictions.index("chest")
    found: dict[str, Measure] = {
        **_most_probable(predictions),
        "AUC, chest vs the rest": Ranking(
            predictions.truth[:, chest], predictions.scores[:, chest]
        ).auc,
        "supported films read": partial(weighted.share, of=sent.read, among=supported),
    }
    if "framing" in rows:
        whole = supported & (rows["framing"] == "whole film").to_numpy() & (truth != "chest")
        found["whole films of arms read"] = partial(weighted.share, of=sent.read, among=whole)
    return found | {
        "part right, of films read": partial(weighted.share, of=right, among=sent.read & supported),
        "other films refused": partial(weighted.share, of=~sent.read, among=truth == NONE_OF_THESE),
    }


def _most_probable(predictions: Predictions) -> dict[str, Measure]:
    truth, calls = predictions.truth_class(), predictions.most_probable()
    return {
        "macro-F1": lambda weights: macro_f1(
            weighted_matrix(weights, truth, calls, len(predictions.classes))
        ),
        "accuracy": partial(weighted.share, of=truth == calls),
    }


def _at_threshold(
    predictions: Predictions, cuts: pd.DataFrame, finding: str
) -> Mapping[str, Measure]:
    """Measures of one finding's calls, on films whose truth is known and that are called."""
    if finding not in cuts:
        return {}
    calls = _above(predictions, cuts, finding)
    truth = predictions.truth[:, predictions.index(finding)]
    known = np.where(np.isnan(calls), np.nan, truth)
    return _of_calls(known, calls == 1, "accuracy", "sensitivity", "specificity")


def external_estimates(
    path: Path, finding: str, threshold: float, replicates: int = REPLICATES
) -> dict[str, Estimate]:
    """AUC, sensitivity and specificity on films from elsewhere, at the model's own threshold.

    Args:
        path: table like a held-out one, with one label.
        finding: the label.
        threshold: of the model, chosen on its own validation films.
        replicates: resamples of the groups.

    Returns:
        Figures by name; with a column "view", the AUC of each view as well.

    Raises:
        TableError: the table cannot be used.
    """
    rows = load(path, [finding])
    found = _of_external(rows, finding, threshold, replicates)
    if "view" in rows:
        for view, some in rows.groupby("view"):
            if some["truth"].nunique() == 2:
                found[f"AUC, view {view}"] = _of_external(some, finding, threshold, replicates)[
                    "AUC"
                ]
    return found


def _of_external(
    rows: pd.DataFrame, finding: str, threshold: float, replicates: int
) -> dict[str, Estimate]:
    truth = (rows["truth"] != NONE).to_numpy()
    scores = rows[f"p:{finding}"].to_numpy()
    called, groups = scores >= threshold, rows["group"].to_numpy()
    measures: dict[str, Measure] = {
        "AUC": Ranking(truth, scores).auc,
        **_of_calls(truth, called, "sensitivity", "specificity"),
    }
    return {name: bootstrap(one, groups, replicates) for name, one in measures.items()}


def _of_calls(truth: np.ndarray, called: np.ndarray, *names: str) -> dict[str, Measure]:
    """Measures of calls by name; films of unknown truth (NaN) are left out."""

    def measure(weights: np.ndarray, name: str) -> np.ndarray:
        found: np.ndarray = getattr(weighted_counts(weights, truth, called), name)
        return found

    return {name: partial(measure, name=name) for name in names}

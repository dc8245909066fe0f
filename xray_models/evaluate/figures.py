"""The figures that a model card quotes and a report reprints, from the held-out table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from xray_models import NONE_OF_THESE, PARTS
from xray_models.catalogue import Card, Figure
from xray_models.evaluate import metrics
from xray_models.evaluate.intervals import REPLICATES, SEED, Estimate, Measure, bootstrap
from xray_models.evaluate.routing import ABSTAINS, route
from xray_models.evaluate.table import NONE, TableError, load, probabilities


def figures(card: Card) -> dict[str, Figure]:
    """The figures of a card's test films, for the card itself; those not defined are left out.

    Raises:
        TableError: the held-out table cannot be used.
    """
    return {
        name: Figure(one.value, one.low, one.high)
        for name, one in estimates(films_of_test(card), card).items()
        if not np.isnan(one.value)
    }


def films_of_test(card: Card) -> pd.DataFrame:
    """The rows of a model's held-out table that no choice was made on.

    Raises:
        TableError: the table cannot be used, or has no such rows.
    """
    table = load(card.table_path, card.labels)
    rows = table[table["split"] == "test"]
    if rows.empty:
        raise TableError(f"{card.table_path}: has no films of the test split to measure on.")
    return rows


def estimates(
    rows: pd.DataFrame, card: Card, replicates: int = REPLICATES, seed: int = SEED
) -> dict[str, Estimate]:
    """Every figure of a model on some films, each with a 95 % bootstrap interval over groups.

    - One label: AUC, average precision, Brier score; accuracy, sensitivity and specificity at the
      threshold.
    - Several labels: macro-F1 and accuracy of the most probable label; AUC of each label and each
      combined finding; for those with a threshold also accuracy, sensitivity and specificity there.
    - Body parts: macro-F1 and accuracy of the most probable label, AUC of chest against the rest,
      and the shares of films that are routed or not at the thresholds.

    Args:
        rows: of the model's held-out table.
        card: gives task, labels, thresholds and combined findings.
        replicates: resamples of the groups.
        seed: of the resampling.

    Returns:
        Figures by name, in the order to print them.

    Raises:
        ValueError: there are no films.
    """
    if card.task == "body-part":
        measures = _body_part(rows, card)
    elif len(card.labels) == 1:
        measures = _one_label(rows, card)
    else:
        measures = _several_labels(rows, card)
    groups = rows["group"].to_numpy()
    return {
        name: bootstrap(measure, groups, replicates, seed) for name, measure in measures.items()
    }


def confusion(rows: pd.DataFrame, card: Card) -> tuple[tuple[str, ...], np.ndarray]:
    """Class names, and counts of films: rows are truth, columns what the model calls.

    Returns:
        With several labels, those, by the most probable; with one, that label and "none", at its
        threshold. Counts are int of shape (classes, classes).
    """
    values = probabilities(rows, card.labels)
    if len(card.labels) > 1:
        names, called = card.labels, values.argmax(axis=1)
    else:
        names = (card.labels[0], NONE)
        called = np.where(values[:, 0] >= card.thresholds[card.labels[0]], 0, 1)
    return names, metrics.confusion(_indices(rows, names), called, len(names))


def _one_label(rows: pd.DataFrame, card: Card) -> dict[str, Measure]:
    label = card.labels[0]
    truth = rows["truth"].to_numpy() == label
    scores = probabilities(rows, card.labels)[:, 0]
    return {
        "AUC": partial(metrics.auc, truth=truth, scores=scores),
        "average precision": partial(metrics.average_precision, truth=truth, scores=scores),
        "Brier score": partial(metrics.mean, values=(scores - truth) ** 2),
        **_at_threshold(truth, scores >= card.thresholds[label]),
    }


def _several_labels(rows: pd.DataFrame, card: Card) -> dict[str, Measure]:
    measures = _most_probable(rows, card)
    values = probabilities(rows, card.labels)
    for finding in (*card.labels, *card.combined):
        members = card.members(finding)
        truth = np.isin(rows["truth"].to_numpy(), members)
        scores = values[:, np.isin(card.labels, members)].sum(axis=1)
        others = [label for label in card.labels if label not in members]
        ending = f", {finding} vs {others[0] if len(others) == 1 else 'the rest'}"
        measures[f"AUC{ending}"] = partial(metrics.auc, truth=truth, scores=scores)
        if finding in card.thresholds:
            at_threshold = _at_threshold(truth, scores >= card.thresholds[finding])
            measures |= {name + ending: measure for name, measure in at_threshold.items()}
    return measures


def _body_part(rows: pd.DataFrame, card: Card) -> dict[str, Measure]:
    values, truth = probabilities(rows, card.labels), rows["truth"].to_numpy()
    sent = route(values, card.labels, card.thresholds)
    routed, supported = sent != ABSTAINS, np.isin(truth, PARTS)
    right = sent == _indices(rows, card.labels)
    chest = values[:, card.labels.index("chest")]
    return {
        **_most_probable(rows, card),
        "AUC, chest vs the rest": partial(metrics.auc, truth=truth == "chest", scores=chest),
        "supported films routed": partial(metrics.share, of=routed, among=supported),
        "routed films sent to the right part": partial(
            metrics.share, of=right, among=routed & supported
        ),
        "other films not routed": partial(metrics.share, of=~routed, among=truth == NONE_OF_THESE),
    }


def _most_probable(rows: pd.DataFrame, card: Card) -> dict[str, Measure]:
    truth, called = _indices(rows, card.labels), probabilities(rows, card.labels).argmax(axis=1)
    return {
        "macro-F1": partial(
            metrics.macro_f1, truth=truth, predicted=called, classes=len(card.labels)
        ),
        "accuracy": partial(metrics.share, of=truth == called),
    }


def _at_threshold(truth: np.ndarray, called: np.ndarray) -> Mapping[str, Measure]:
    return {
        "accuracy": partial(metrics.share, of=called == truth),
        "sensitivity": partial(metrics.share, of=called, among=truth),
        "specificity": partial(metrics.share, of=~called, among=~truth),
    }


def _indices(rows: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    index = {name: position for position, name in enumerate(names)}
    return rows["truth"].map(index).to_numpy(np.int64)

"""Numbers of the live figures of lessons, from the held-out tables and the sanity checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from xray_models.catalogue import Card, assets
from xray_models.evaluate.explanations import sanity_table
from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.evaluate.metrics.counts import Counts, weighted_counts
from xray_models.evaluate.metrics.histogram import Distribution, distribution
from xray_models.evaluate.predictions.predictions import LabelPredictions
from xray_models.teaching.results import auc

__all__ = [
    "Collection",
    "cascade",
    "collections",
    "counts_at",
    "people",
    "spread",
    "with_and_without",
]


@dataclass(frozen=True)
class Collection:
    """Films from one place, and how a model does on them.

    Attributes:
        name: in words.
        films: how many.
        ill: of these, with the finding.
        auc: with its 95 % interval.
        called_healthy: share of those without the finding that the model calls.
    """

    name: str
    films: int
    ill: int
    auc: Estimate
    called_healthy: float


def counts_at(films: LabelPredictions, threshold: float) -> Counts:
    """Counts of true and false calls at a threshold, of no shape."""
    weights = np.ones((1, len(films.truth)))
    found = weighted_counts(weights, films.truth, films.scores >= threshold)
    return Counts(*(np.round(one[0]) for one in (found.tp, found.fp, found.fn, found.tn)))


def spread(films: LabelPredictions) -> Distribution:
    """Histogram of the probabilities of films with the finding and without."""
    return distribution(films.truth, films.scores)


def people(sensitivity: float, specificity: float, prevalence: float, of: int = 1000) -> Counts:
    """Counts among people of whom a share has the finding; whole numbers of no shape.

    Args:
        sensitivity, specificity, prevalence: shares.
        of: how many people.
    """
    ill = round(of * prevalence)
    found, alarms = round(ill * sensitivity), round((of - ill) * (1 - specificity))
    return Counts(*map(np.array, (found, alarms, ill - found, of - ill - alarms)))


def cascade(model: str, method: str) -> list[tuple[str, float]]:
    """Stages of the sanity check with the correlation of the map with that of the trained network.

    Args:
        model: id of the model.
        method: of the map, with its layer, as the card names it.

    Raises:
        ValueError: the table cannot be read, or has no check of this method.
    """
    table = sanity_table.load(model)
    rows = table[(table.method == method) & (table.check == "weights")].sort_values("stage")
    if not len(rows):
        raise ValueError(f"No sanity check of {method} is stored for {model}.")
    return [(f"{row.stage}. {row.layer}", float(row.correlation)) for row in rows.itertuples()]


def with_and_without(
    films: LabelPredictions, column: np.ndarray, threshold: float
) -> dict[str, Counts]:
    """Counts of films by a fact such as metal: "with", "without".

    Args:
        films: of known truth.
        column: the fact of all films of the table, "1" or "0", as text.
        threshold: of the model.
    """
    has = np.char.strip(column[films.rows].astype(str)) == "1"
    found = {}
    for name, chosen in (("with", has), ("without", ~has)):
        kept = LabelPredictions(
            films.label,
            films.truth[chosen],
            films.scores[chosen],
            films.groups[chosen],
            films.rows[chosen],
        )
        found[name] = counts_at(kept, threshold)
    return found


def collections(card: Card, films: LabelPredictions) -> list[Collection]:
    """Children, on whom the pneumonia model was judged, and adults from another hospital.

    Args:
        card: of the pneumonia model.
        films: held-out ones of children.

    Raises:
        ValueError: the table of adults cannot be read.
    """
    threshold = card.thresholds[films.label]
    path = assets() / "held_out" / f"{card.id}.adults.csv"
    try:
        table = pd.read_csv(path, keep_default_na=False)
        truth = (table["truth"] == films.label).to_numpy()
        scores = table[f"p:{films.label}"].to_numpy(float)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"The table of adults cannot be read: {path.name}.") from error
    return [
        _collection("children, the hospital it learned from", films.truth, films.scores, threshold),
        _collection("adults, another hospital", truth, scores, threshold),
    ]


def _collection(name: str, truth: np.ndarray, scores: np.ndarray, threshold: float) -> Collection:
    called = float((scores[~truth] >= threshold).mean())
    return Collection(name, len(truth), int(truth.sum()), auc(truth, scores), called)

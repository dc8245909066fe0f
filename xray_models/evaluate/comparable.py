"""Comparison of models on the same films: which can be compared, and on which films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from xray_models import catalogue
from xray_models.catalogue import Card, Figure, Rival
from xray_models.evaluate.metrics.bootstrap import REPLICATES, Estimate, bootstrap
from xray_models.evaluate.metrics.paired import DeLong, Pair, bootstrap_difference, delong
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.predictions.predictions import (
    FEW,
    Predictions,
    films_of_test,
    from_table,
    same_label,
)

__all__ = [
    "Comparison",
    "NotComparable",
    "candidates",
    "compare",
    "comparisons",
    "doubt",
    "of_table",
    "pair",
]


def of_table(card: Card) -> dict[str, Predictions]:
    """Models whose probabilities stand in the held-out table of another, by id.

    Publishing a model with a rival writes the rival's probabilities beside its own, for the films
    that neither was trained on.

    Args:
        card: a model with one label.

    Raises:
        TableError: the held-out table cannot be used.
    """
    if len(card.labels) != 1:
        return {}
    rows = films_of_test(card)
    found = {}
    for other in catalogue.catalogue().values():
        if other.id == card.id or other.id not in rows.columns:
            continue
        both = rows[rows[other.id] != ""]
        if both.empty:
            continue
        scores = both[other.id].to_numpy(np.float64)[:, None]
        predictions = replace(
            from_table(both, card), name=other.name, scores=scores, model=other.id
        )
        threshold = other.thresholds.get(card.labels[0])
        found[other.id] = replace(
            predictions, thresholds={} if threshold is None else {card.labels[0]: threshold}
        )
    return found


def candidates(model: str | None, label: str) -> list[str]:
    """Ids of the other measured models of the catalogue that have a label of the same name.

    Args:
        model: id of the model to compare, or None for a file.
        label: one of its labels.
    """
    return [
        other.id
        for other in catalogue.catalogue().values()
        if other.measured
        and other.id != model
        and any(same_label(label, one) for one in other.findings)
    ]


class NotComparable(ValueError):
    """Two models cannot be compared; the message says why."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Comparison of one model with another, on the films that all models of a comparison share.

    Attributes:
        films: the films, with the scores of the first and the other.
        delong: DeLong's test, groups taken as clusters.
        bootstrap: difference of the AUCs, first minus other, on the same resamples of groups.
    """

    films: Pair
    delong: DeLong
    bootstrap: Estimate


def comparisons(first: Predictions, others: Sequence[Predictions], label: str) -> list[Comparison]:
    """Compare one model with each of several, all on the films that every one of them knows.

    Args:
        first: the model to compare.
        others: at least one; each must have a label of the same name.
        label: of the first.

    Raises:
        NotComparable: a table has no such label, no film of all is the same, or truths differ.
    """
    pairs = [pair(first, other, label) for other in others]
    shared = set(pairs[0].images).intersection(*(one.images for one in pairs[1:]))
    if not shared:
        raise NotComparable("No film is in the tables of all these models. Compare fewer of them.")
    found = []
    for one in pairs:
        kept = np.isin(one.images, sorted(shared))
        films = Pair(
            one.names,
            one.truth[kept],
            one.scores[:, kept],
            one.groups[kept],
            one.images[kept],
        )
        found.append(
            Comparison(
                films,
                delong(films.truth, films.scores, films.groups),
                bootstrap_difference(films),
            )
        )
    return found


def pair(
    first: Predictions, second: Predictions, label: str, other_label: str | None = None
) -> Pair:
    """Bring two models together on the films that both know, matched by the films' names.

    Where no whole name is in both tables, names without folder and ending are matched.

    Args:
        first, second: the models.
        label: a label of the first.
        other_label: what the second calls it; by default the label of the same name there, whatever
            its spelling.

    Raises:
        NotComparable: the second has no such label, a film is listed twice, the two share no film,
            or their truths differ.
        ValueError: no such label.
    """
    other = other_label or second.like(label)
    if other is None:
        raise NotComparable(f"{second.name} does not judge {label}.")
    tables = [_films(first, label), _films(second, other)]
    if tables[0].index.intersection(tables[1].index).empty:
        tables = [table.set_axis(table.index.map(_stem)) for table in tables]
    for predictions, table in zip((first, second), tables, strict=True):
        twice = table.index[table.index.duplicated()]
        if len(twice):
            raise NotComparable(
                f"{predictions.name} lists the film {twice[0]!r} twice, so films cannot be matched "
                "by name."
            )
    both = tables[0].join(tables[1].add_suffix(" other"), how="inner")
    if both.empty:
        raise NotComparable(
            f"{first.name} and {second.name} were judged on different films: no name of a film is "
            "in both tables."
        )
    contradictory = int((both["truth"] != both["truth other"]).sum())
    if contradictory:
        raise NotComparable(
            f"{first.name} and {second.name} state different truths for {contradictory:,} of the "
            f"{len(both):,} films in both tables. Compare them on one truth."
        )
    return Pair(
        (first.name, second.name),
        both["truth"].to_numpy(bool),
        both[["score", "score other"]].to_numpy(np.float64).T,
        both["group"].to_numpy(str),
        both.index.to_numpy(str),
    )


def _films(predictions: Predictions, label: str) -> pd.DataFrame:
    one = predictions.of(label)
    columns = {"truth": one.truth, "score": one.scores, "group": one.groups}
    return pd.DataFrame(columns, index=predictions.images[one.rows])


def _stem(image: str) -> str:
    return PurePosixPath(image).stem


def doubt(rival: Rival) -> str:
    """Sentence where chance may have decided a comparison; empty where films were enough."""
    if rival.positives >= FEW:
        return ""
    return (
        f"With fewer than {FEW} such films chance may have decided, and the interval, which "
        "resamples them, is too narrow."
    )


def compare(model: str, table: pd.DataFrame, label: str, replicates: int = REPLICATES) -> Rival:
    """Compare two models' AUC on the films of a held-out table that the rival has not seen.

    Args:
        model: id of the rival; the table holds its probabilities in a column of that name.
        table: held-out table of the model with one label.
        label: the label.
        replicates: resamples of the groups.
    """
    both = table[table[model] != ""]
    truth = (both["truth"] == label).to_numpy(float)
    own = Ranking(truth, both[f"p:{label}"].to_numpy(float))
    other = Ranking(truth, both[model].to_numpy(float))
    difference = bootstrap(
        lambda drawn: own.auc(drawn) - other.auc(drawn), both["group"].to_numpy(), replicates
    )
    once = np.ones((1, len(both)))
    return Rival(
        model=model,
        films=len(both),
        groups=both["group"].nunique(),
        positives=int(truth.sum()),
        own=float(own.auc(once)[0]),
        other=float(other.auc(once)[0]),
        difference=Figure(difference.value, difference.low, difference.high),
    )

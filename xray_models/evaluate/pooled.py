"""Pooled figures of the bone models of one part: each film read by the model of its part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xray_models.catalogue import Card
from xray_models.evaluate.metrics.bootstrap import REPLICATES, Estimate, bootstrap
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.predictions.predictions import films_of_test

__all__ = ["PooledEstimate", "pooled_estimate"]


@dataclass(frozen=True)
class PooledEstimate:
    """Pooled figures of several models of one part each.

    Attributes:
        models: how many.
        films, groups: held out; a group may have films of several parts.
        auc: over all films, by calibrated probability, with its interval over groups. A fractured
            film of one part is also compared with a whole one of another, so to know how often each
            part is fractured counts too.
        within: over pairs of films of one part only.
    """

    models: int
    films: int
    groups: int
    auc: Estimate
    within: Estimate


def pooled_estimate(cards: Iterable[Card], replicates: int = REPLICATES) -> PooledEstimate | None:
    """Pool the held-out films of the bone models that read one part.

    Args:
        cards: any models; others than those are left out.
        replicates: resamples of the groups.

    Returns:
        Their pooled figure; None where there are fewer than two such models.

    Raises:
        TableError: a held-out table cannot be used.
    """
    chosen = [
        card
        for card in cards
        if card.measured and card.task == "bone" and len(card.parts) == len(card.labels) == 1
    ]
    if len(chosen) < 2:
        return None
    every = pd.concat(
        [
            pd.DataFrame(
                {
                    "model": card.id,
                    "group": rows["group"],
                    "truth": rows["truth"] == card.labels[0],
                    "probability": rows[f"p:{card.labels[0]}"],
                }
            )
            for card, rows in ((card, films_of_test(card)) for card in chosen)
        ]
    )
    truth = every["truth"].to_numpy(float)
    scores = every["probability"].to_numpy(float)
    groups = every["group"].to_numpy(str)
    of_model = every["model"].to_numpy(str)
    within = [
        (films, truth[films], Ranking(truth[films], scores[films]))
        for films in (np.flatnonzero(of_model == card.id) for card in chosen)
    ]

    def among_pairs_of_one_part(weights: np.ndarray) -> np.ndarray:
        aucs, pairs = [], []
        for films, true, ranking in within:
            drawn = weights[:, films]
            pairs.append((drawn @ true) * (drawn @ (1 - true)))
            aucs.append(ranking.auc(drawn))
        return np.nansum(np.multiply(aucs, pairs), axis=0) / np.sum(pairs, axis=0)

    return PooledEstimate(
        len(chosen),
        len(every),
        len(np.unique(groups)),
        bootstrap(Ranking(truth, scores).auc, groups, replicates),
        bootstrap(among_pairs_of_one_part, groups, replicates),
    )

"""How well the bone models of a part do as one: each film read by the model of its part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xray_models.catalogue import Card
from xray_models.evaluate.intervals import REPLICATES, Estimate, bootstrap
from xray_models.evaluate.judged import films_of_test
from xray_models.evaluate.ranking import Ranking


@dataclass(frozen=True)
class Together:
    """What several models of one part each reach on all their films.

    Attributes:
        models: how many.
        films, groups: held out; a group may have films of several parts.
        auc: over all films, by calibrated probability, with its interval over groups.
    """

    models: int
    films: int
    groups: int
    auc: Estimate


def together(cards: Iterable[Card], replicates: int = REPLICATES) -> Together | None:
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
                    "group": rows["group"],
                    "truth": rows["truth"] == card.labels[0],
                    "probability": rows[f"p:{card.labels[0]}"],
                }
            )
            for card, rows in ((card, films_of_test(card)) for card in chosen)
        ]
    )
    ranking = Ranking(every["truth"].to_numpy(float), every["probability"].to_numpy(float))
    groups = every["group"].to_numpy(str)
    auc = bootstrap(ranking.auc, groups, replicates)
    return Together(len(chosen), len(every), len(np.unique(groups)), auc)

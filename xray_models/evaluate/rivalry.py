"""Is a model for one part worth having beside one for all? Compared on films new to both."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xray_models.catalogue import Figure, Rival
from xray_models.evaluate.intervals import REPLICATES, bootstrap
from xray_models.evaluate.judged import FEW
from xray_models.evaluate.ranking import Ranking


def doubt(rival: Rival) -> str:
    """A sentence where chance may have decided a comparison; empty where films were enough."""
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

"""Is a model for one part worth having beside one for all? Compared on films new to both."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xray_models import catalogue, predicting, weights
from xray_models.catalogue import Figure, Rival
from xray_models.datasets import Film
from xray_models.evaluate import intervals
from xray_models.evaluate.ranking import Ranking
from xray_models.preparing import resize, scale

_BATCH = 32


def probabilities(model: str, films: list[Film]) -> list[float | None]:
    """A two-class model's probabilities of the films that it was not trained on, None of others.

    Its held-out table tells: a film whose group stands in it had no part in its training.

    Args:
        model: id of a model with one label.
        films: any films.
    """
    card = catalogue.get(model)
    unseen_groups = set(pd.read_csv(card.table_path, usecols=["group"], dtype=str)["group"])
    network = weights.network(card)
    found: list[float | None] = [None] * len(films)
    unseen = [index for index, film in enumerate(films) if film.group in unseen_groups]
    for first in range(0, len(unseen), _BATCH):
        chosen = unseen[first : first + _BATCH]
        inputs = [
            scale(resize(films[index].pixels(), card.input_size, card.geometry)[0], card.scaling)
            for index in chosen
        ]
        logits = network.predict_on_batch(np.stack(inputs))
        values = predicting.calibrated(logits, card.calibration, card.activation)[:, 0]
        for index, value in zip(chosen, values, strict=True):
            found[index] = float(value)
    return found


def compare(model: str, table: pd.DataFrame, label: str) -> Rival:
    """Compare two models' AUC on the films of a held-out table that the rival has not seen.

    Args:
        model: id of the rival; the table holds its probabilities in a column of that name.
        table: held-out table of the model with one label.
        label: the label.
    """
    both = table[table[model] != ""]
    truth = (both["truth"] == label).to_numpy(float)
    own = Ranking(truth, both[f"p:{label}"].to_numpy(float))
    other = Ranking(truth, both[model].to_numpy(float))
    difference = intervals.bootstrap(
        lambda drawn: own.auc(drawn) - other.auc(drawn), both["group"].to_numpy()
    )
    once = np.ones((1, len(both)))
    return Rival(
        model=model,
        films=len(both),
        groups=both["group"].nunique(),
        own=float(own.auc(once)[0]),
        other=float(other.auc(once)[0]),
        difference=Figure(difference.value, difference.low, difference.high),
    )

"""Probabilities of a rival model, for several parts, on films that it was not trained on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xray_models import catalogue
from xray_models.datasets import Film
from xray_models.inference import predict, weights
from xray_models.radiograph.preprocess import resize, scale

__all__ = ["probabilities"]

_BATCH = 32


def probabilities(model: str, films: list[Film]) -> list[float | None]:
    """Probabilities of a two-class model for the films that are new to it; None for others.

    Its held-out table tells: a film whose group stands in it had no part in its training, and
    unless it is a validation film none in what was chosen either.

    Args:
        model: id of a model with one label.
        films: any films.
    """
    # not through the catalogue: the card of the model that is being published is not whole yet
    card = catalogue.read_card(catalogue.assets() / "models" / f"{model}.json")
    table = pd.read_csv(catalogue.table_path(card), usecols=["group", "split"], dtype=str)
    unseen_groups = set(table.loc[table["split"] != "validation", "group"])
    network = weights.network(card)
    found: list[float | None] = [None] * len(films)
    unseen = [index for index, film in enumerate(films) if film.group in unseen_groups]
    for first in range(0, len(unseen), _BATCH):
        chosen = unseen[first : first + _BATCH]
        inputs = [
            scale(
                resize(films[index].pixels(), card.input_size, card.geometry)[0],
                card.scaling,
                card.mean_std,
            )
            for index in chosen
        ]
        logits = network.predict_on_batch(np.stack(inputs))
        values = predict.calibrated(logits, card.calibration, card.activation)[:, 0]
        for index, value in zip(chosen, values, strict=True):
            found[index] = float(value)
    return found

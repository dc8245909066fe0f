"""What half-size arithmetic changes in a model's answers, over its held-out films."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from xray_models import catalogue
from xray_models.catalogue import Bfloat16, Card
from xray_models.evaluate.explanations.held_out_films import HeldOutFilm
from xray_models.evaluate.metrics import weighted
from xray_models.evaluate.predictions import held_out_table
from xray_models.explain.metrics.faithfulness import silent
from xray_models.explain.progress import Progress
from xray_models.inference import functions, weights
from xray_models.inference.predict import calibrated
from xray_models.radiograph.preprocess import resize, scale

__all__ = ["measure", "save"]

_BATCH = 16


def measure(card: Card, films: Sequence[HeldOutFilm], progress: Progress = silent) -> Bfloat16:
    """Read held-out films in float32 and in bfloat16, and compare.

    Args:
        card: the model.
        films: of its held-out table, at least one with each label and one without.
        progress: told in films.

    Returns:
        The comparison, of the weights that ship.

    Raises:
        DataSetError, TableError, WeightsError: a film, the table or the weights cannot be used.
        ValueError: no label is there in some films and missing in others.
    """
    network = weights.network(card)
    ways = [functions.Traced(network, frozen=True, bfloat16=half) for half in (False, True)]
    found: list[list[np.ndarray]] = [[], []]
    for first in range(0, len(films), _BATCH):
        inputs = np.stack(
            [
                scale(
                    resize(one.film.pixels(), card.input_size, card.geometry)[0],
                    card.scaling,
                    card.mean_std,
                )
                for one in films[first : first + _BATCH]
            ]
        )
        for way, logits in zip(ways, found, strict=True):
            logits.append(way.forward(inputs)[1])
        progress(min(first + _BATCH, len(films)), len(films))
    single, half = (
        calibrated(np.concatenate(logits), card.calibration, card.activation) for logits in found
    )
    rows = held_out_table.load(catalogue.table_path(card), card.labels, card.multi_label).set_index(
        "image"
    )
    truth = held_out_table.truths(rows.loc[[one.film.image for one in films]], card.labels)
    return Bfloat16(
        films=len(films),
        auc_change=_mean_auc(truth, half) - _mean_auc(truth, single),
        largest_change=float(np.abs(half - single).max()),
    )


def save(card: Card, found: Bfloat16) -> None:
    """Write a comparison to the model's card."""
    path = catalogue.folder(card) / "models" / f"{card.id}.json"
    raw = json.loads(path.read_text(encoding="utf-8")) | {"bfloat16": asdict(found)}
    path.write_text(json.dumps(raw, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    catalogue.refresh()


def _mean_auc(truth: np.ndarray, probability: np.ndarray) -> float:
    values = []
    for column, scores in zip(truth.T, probability.T, strict=True):
        known = np.isfinite(column)
        present = column[known] > 0
        if present.any() and not present.all():
            ones = np.ones((1, int(known.sum())))
            values.append(weighted.auc(ones, present, scores[known])[0])
    if not values:
        raise ValueError("The held-out films have no label that some of them lack.")
    return float(np.mean(values))

"""Comparison of two networks of one recipe on the same held-out films."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xray_models.catalogue import Card
from xray_models.evaluate.card_figures import films_of_test
from xray_models.evaluate.metrics.bootstrap import REPLICATES, Estimate, bootstraps
from xray_models.evaluate.metrics.ranking import Rankings
from xray_models.evaluate.predictions.held_out_table import TableError, load
from xray_models.evaluate.predictions.predictions import Predictions, from_table

__all__ = ["DIFFERENCE", "OTHER", "OWN", "estimates"]

OWN, OTHER, DIFFERENCE = "own", "other", "difference"


def estimates(card: Card, path: Path, replicates: int = REPLICATES) -> dict[str, Estimate]:
    """Mean AUC of a model, of an alternative to it, and their paired difference.

    Of cross-validations it is the mean over folds of the AUC within each: pooled, a fold whose
    network is less sure would count against both differently.

    Args:
        card: the model; its held-out table is read.
        path: table of the alternative, of the same films in the same folds.
        replicates: resamples of the groups.

    Returns:
        `OWN`, `OTHER` and `DIFFERENCE` (own minus other), with 95 % intervals.

    Raises:
        TableError: a table cannot be used, or they are not of the same films in the same folds.
    """
    own = films_of_test(card).sort_values("image")
    other = load(path, card.labels, card.multi_label).sort_values("image")
    other = other[other["split"] != "validation"]
    same = ["image", "group", "split", "truth"]
    if own[same].to_numpy().tolist() != other[same].to_numpy().tolist():
        raise TableError(
            f"{path.name}: not the films of {card.held_out.table} in the same splits, so the two "
            "cannot be compared. Train and publish both on the same data."
        )
    within = [_within_folds(from_table(rows, card)) for rows in (own, other)]

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        ours, theirs = (
            np.nanmean(rankings.auc(weights)[rankings.defined], axis=0) for rankings in within
        )
        return {OWN: ours, OTHER: theirs, DIFFERENCE: ours - theirs}

    return bootstraps(measure, own["group"].to_numpy(), replicates)


def _within_folds(predictions: Predictions) -> Rankings:
    """Rankings of each label within each fold: the films of other folds get no truth."""
    folds = np.zeros(predictions.films) if predictions.folds is None else predictions.folds
    outside = folds[:, None] != np.unique(folds)
    truth = np.where(outside[:, None], np.nan, predictions.truth[:, :, None])
    scores = np.broadcast_to(predictions.scores[:, :, None], truth.shape)
    return Rankings(truth.reshape(len(folds), -1), scores.reshape(len(folds), -1))

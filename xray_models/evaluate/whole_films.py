"""Fractures on whole films of arms, as the app reads them: a film it refuses counts as missed.

The figures of a bone model are of films that reach it. Here the detector comes first, on films
that it never saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from xray_models import NONE_OF_THESE, catalogue
from xray_models.catalogue import Card
from xray_models.evaluate.card_figures import cutoffs
from xray_models.evaluate.metrics import weighted
from xray_models.evaluate.metrics.bootstrap import REPLICATES, SEED, Estimate, Measure, bootstraps
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.predictions.held_out_table import probabilities
from xray_models.evaluate.predictions.predictions import films_of_test
from xray_models.evaluate.predictions.routing import ABSTAINS, route

__all__ = ["WholeFilms", "whole_films"]


@dataclass(frozen=True)
class WholeFilms:
    """What the app calls on whole films of arms and shoulders.

    Attributes:
        films, groups, fractured: of the detector's test films, those that are counted.
        refused: how many of them no model reads.
        left_out: further films, read by models that have no held-out answer for them.
        figures: AUC, sensitivity and specificity with 95 % intervals over groups. A film that is
            refused is not called, and has a probability of 0.
    """

    films: int
    groups: int
    fractured: int
    refused: int
    left_out: int
    figures: dict[str, Estimate]


def whole_films(
    detector: Card, replicates: int = REPLICATES, seed: int = SEED
) -> WholeFilms | None:
    """Detector and bone models together, from their stored predictions.

    Args:
        detector: of body parts.
        replicates: resamples of the groups.
        seed: of the resampling.

    Returns:
        The figures; None where the tables have no such films in common.

    Raises:
        TableError: a held-out table cannot be used.
    """
    test = films_of_test(detector) if detector.measured else pd.DataFrame()
    if "framing" not in test:
        return None
    test = test[(test["framing"] == "whole film") & ~test["truth"].isin(("chest", NONE_OF_THESE))]
    films = [PurePosixPath(image).name for image in test["image"]]
    answers = {card.id: _answers(card) for card in catalogue.catalogue().values() if _asked(card)}
    truth = pd.concat([one["truth"] for one in answers.values()]) if answers else pd.Series()
    truth = truth[~truth.index.duplicated()]
    sent = route(probabilities(test, detector.labels), detector.labels, detector.thresholds)
    found, left_out = [], 0
    for film, part, also, group in zip(films, sent.part, sent.also, test["group"], strict=True):
        parts = [detector.labels[index] for index in (part, also) if index != ABSTAINS]
        asked = [card.id for card in catalogue.for_parts(parts) if card.id in answers]
        known = [answers[model].loc[film] for model in asked if film in answers[model].index]
        if film not in truth.index or (asked and not known):
            left_out += 1
            continue
        called = any(bool(one["called"]) for one in known)
        score = max((float(one["probability"]) for one in known), default=0.0)
        found.append((str(group), bool(truth[film]), called, score, not asked))
    if not found:
        return None
    groups, fractured, called_so, scores, refused = (
        np.array(column) for column in zip(*found, strict=True)
    )
    measures: dict[str, Measure] = {
        "AUC": Ranking(fractured, scores).auc,
        "sensitivity": partial(weighted.share, of=called_so, among=fractured),
        "specificity": partial(weighted.share, of=~called_so, among=~fractured),
    }
    figures = bootstraps(
        lambda weights: {name: measure(weights) for name, measure in measures.items()},
        groups,
        replicates,
        seed,
    )
    return WholeFilms(
        len(found),
        len(np.unique(groups)),
        int(fractured.sum()),
        int(refused.sum()),
        left_out,
        figures,
    )


def _asked(card: Card) -> bool:
    return card.task == "bone" and card.measured and len(card.labels) == 1


def _answers(card: Card) -> pd.DataFrame:
    """Truth, probability and call of each whole film that a model was held out from, by name."""
    rows = films_of_test(card)
    label = card.labels[0]
    found = pd.DataFrame(
        {
            "truth": rows["truth"] == label,
            "probability": rows[f"p:{label}"],
            "called": rows[f"p:{label}"] >= cutoffs(rows, card)[label],
        }
    ).set_index(rows["image"])
    return found[~found.index.str.contains("#")]

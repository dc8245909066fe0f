"""Fractures on whole films of arms, as the app reads them: a film it refuses counts as missed.

The figures of a bone model are of films that reach it. Here the detector comes first, on films
that it never saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath

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

__all__ = ["PartCounts", "WholeFilms", "of_catalogue", "whole_films"]


@dataclass(frozen=True)
class PartCounts:
    """Counts of the whole films of one part.

    Attributes:
        films, fractured, refused: how many are counted, show a fracture, are read by no model.
        found: of the fractured ones, how many are called.
        false_alarms: of the others, how many are called.
    """

    films: int
    fractured: int
    refused: int
    found: int
    false_alarms: int


@dataclass(frozen=True)
class WholeFilms:
    """What the app calls on whole films of arms and shoulders.

    Attributes:
        films, groups, fractured: of the detector's test films, those that are counted.
        refused: how many of them no model reads.
        left_out: further films, read by models that have no held-out answer for them.
        figures: AUC, sensitivity and specificity with 95 % intervals over groups. A film that is
            refused is not called, and has a probability of 0.
        parts: counts by the part that a film shows.
    """

    films: int
    groups: int
    fractured: int
    refused: int
    left_out: int
    figures: dict[str, Estimate]
    parts: dict[str, PartCounts]


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
    rows = zip(films, test["truth"], sent.part, sent.also, test["group"], strict=True)
    for film, true_part, part, also, group in rows:
        seen = [detector.labels[index] for index in (part, also) if index != ABSTAINS]
        asked = [card.id for card in catalogue.for_parts(seen) if card.id in answers]
        known = [answers[model].loc[film] for model in asked if film in answers[model].index]
        if film not in truth.index or (asked and not known):
            left_out += 1
            continue
        called = any(bool(one["called"]) for one in known)
        score = max((float(one["probability"]) for one in known), default=0.0)
        found.append((str(group), true_part, bool(truth[film]), called, score, not asked))
    if not found:
        return None
    groups, parts, fractured, called_so, scores, refused = (
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
    by_part = {
        part: PartCounts(
            films=int(here.sum()),
            fractured=int((here & fractured).sum()),
            refused=int((here & refused).sum()),
            found=int((here & fractured & called_so).sum()),
            false_alarms=int((here & ~fractured & called_so).sum()),
        )
        for part, here in ((part, parts == part) for part in np.unique(parts).tolist())
    }
    return WholeFilms(
        len(found),
        len(np.unique(groups)),
        int(fractured.sum()),
        int(refused.sum()),
        left_out,
        figures,
        by_part,
    )


def of_catalogue() -> WholeFilms | None:
    """`whole_films` of the models at hand, made once for the tables as they are.

    Raises:
        TableError: a held-out table cannot be used.
    """
    cards = [card for card in catalogue.catalogue().values() if card.measured]
    paths = [catalogue.table_path(card) for card in cards if card.task != "chest"]
    detector = next((card.id for card in cards if card.task == "body-part"), None)
    states = tuple((path, path.stat().st_mtime_ns if path.is_file() else 0) for path in paths)
    return _found(detector, states) if detector else None


@lru_cache(maxsize=2)
def _found(detector: str, _tables: tuple[tuple[Path, int], ...]) -> WholeFilms | None:
    return whole_films(catalogue.get(detector))


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

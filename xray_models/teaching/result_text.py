"""Results of a reader in words and rows: for the page, and for the page that is saved."""

from __future__ import annotations

import math

import numpy as np

from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.evaluate.metrics.curves import Curve, roc
from xray_models.number_text import spoken
from xray_models.teaching.records import Record
from xray_models.teaching.results import Measures, Results
from xray_models.teaching.session import CONFIDENCES

__all__ = ["curves", "estimate", "measure_rows", "sentences"]

_NAMES = {
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "auc": "AUC",
    "kappa": "kappa with the truth",
}


def estimate(value: Estimate) -> str:
    """Estimate with its interval, such as "0.80 (0.49 to 0.94)"; a dash where not defined."""
    if math.isnan(value.value):
        return "–"
    if math.isnan(value.low):
        return spoken(value.value, 2)
    return f"{spoken(value.value, 2)} ({spoken(value.low, 2)} to {spoken(value.high, 2)})"


def measure_rows(found: Results) -> list[tuple[str, ...]]:
    """Rows of the table of measures; the first names the columns."""
    readings: dict[str, Measures | None] = {
        "you alone": found.unaided,
        "you with the model": found.aided,
        "the model": found.model,
    }
    shown = {name: one for name, one in readings.items() if one is not None}
    rows: list[tuple[str, ...]] = [("", *shown)]
    rows.append(("answers", *(str(one.films) for one in shown.values())))
    for field, words in _NAMES.items():
        rows.append((words, *(estimate(getattr(one, field)) for one in shown.values())))
    return rows


def sentences(found: Results) -> list[str]:
    """Sentences on time, places, the model and confidence."""
    told = [f"Half of your first answers took less than {found.seconds:.0f} seconds."]
    if found.kappa_with_model is not None and not math.isnan(found.kappa_with_model.value):
        told.append(f"Your agreement with the model: kappa {estimate(found.kappa_with_model)}.")
    if found.places.films:
        hits = round(found.places.hits.value * found.places.films)
        told.append(f"Your place lay in a true box on {hits} of {found.places.films} films.")
    if found.switches is not None:
        one = found.switches
        changed = f"{_count(one.to_right, 'answer')} became right, {one.to_wrong} became wrong"
        told.append(f"With the model, {changed}.")
        if one.shown_wrong:
            told.append(
                f"The model was shown wrong {_count(one.shown_wrong, 'time')}. You had been right "
                f"and followed it {_count(one.followed, 'time')}."
            )
    told += _confidence(found)
    return told


def curves(records: list[Record]) -> dict[str, Curve]:
    """ROC curves by reading: alone, with the model, the model's own."""
    aided = [one for one in records if one.aided is not None]
    judged = [one for one in records if one.model is not None]
    return {
        "you alone": _curve(records, [one.unaided for one in records]),
        **({"you with the model": _curve(aided, [one.final for one in aided])} if aided else {}),
        **({"the model": _curve(judged, [one.model or 0.0 for one in judged])} if judged else {}),
    }


def _curve(records: list[Record], scores: list[float] | list[int]) -> Curve:
    return roc(np.array([one.truth for one in records]), np.array(scores, float))


def _confidence(found: Results) -> list[str]:
    """Sentences on the answers that were sure: how often the finding was there."""
    told = []
    for place, level in ((4, 5), (0, 1)):
        films, share = int(found.calibration.films[place]), found.calibration.share[place]
        if films:
            told.append(
                f"You said “{CONFIDENCES[level]}” {_count(films, 'time')}; the finding was there "
                f"{_count(round(films * share), 'time')}."
            )
    return told


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

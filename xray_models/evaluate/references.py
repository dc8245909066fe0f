"""Figures from the literature, to set beside ours: always of other data, so never a fair match."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from xray_models.catalogue import CatalogueError, assets
from xray_models.evaluate.metrics.counts import Counts
from xray_models.evaluate.predictions.predictions import same_label

__all__ = ["BOX_IOU", "FILE", "METRICS", "Reference", "references"]

FILE = "references.json"
BOX_IOU = "mean IoU of boxes"
METRICS = (
    "AUC",
    "mean AUC",
    "accuracy",
    "sensitivity",
    "specificity",
    "PPV",
    "NPV",
    "Cohen's kappa",
    BOX_IOU,
)
_OF_A_MATRIX = ("accuracy", "sensitivity", "specificity", "PPV", "NPV", "Cohen's kappa")


@dataclass(frozen=True)
class Reference:
    """A published figure.

    Attributes:
        models: ids of the catalogue models that it may stand beside.
        label: the finding; empty where it is of all labels together.
        metric: one of `METRICS`.
        value: as published, or computed from the matrix that was; in 0..1 (-1..1 for kappa).
        source: paper or project, and where in it.
        url: of the source; empty where it is no paper or page.
        other_data: what was measured on, and how it differs from our films; show it.
        matrix: counts that were published, ((true negative, false positive), (false negative, true
            positive)): rows are the truth. None where figures were.
    """

    models: tuple[str, ...]
    label: str
    metric: str
    value: float
    source: str
    url: str
    other_data: str
    matrix: tuple[tuple[int, int], tuple[int, int]] | None = None


def references(
    model: str | None = None, label: str | None = None, metric: str | None = None
) -> list[Reference]:
    """Published figures, all or those that fit; names of labels match whatever their spelling.

    Raises:
        CatalogueError: the file is missing or malformed.
    """
    return [
        one
        for one in _load(assets() / FILE)
        if (model is None or model in one.models)
        and (label is None or same_label(label, one.label))
        and (metric is None or metric == one.metric)
    ]


@functools.lru_cache(maxsize=4)
def _load(path: Path) -> tuple[Reference, ...]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path.name}: cannot be read as JSON ({error}).") from error
    if not isinstance(entries, list):
        raise CatalogueError(f"{path.name}: must be a list of figures.")
    return tuple(
        one
        for place, entry in enumerate(entries, 1)
        for one in _read(entry, f"{path.name}, figure {place}")
    )


def _read(entry: Any, where: str) -> list[Reference]:
    if not isinstance(entry, dict) or "matrix" not in entry:
        return [_checked(entry, where)]
    matrix = entry["matrix"]
    rest = {name: value for name, value in entry.items() if name != "matrix"}
    try:
        (tn, fp), (fn, tp) = ((int(one) for one in row) for row in matrix)
    except (TypeError, ValueError):
        raise CatalogueError(f"{where}: matrix must be two rows of two counts.") from None
    found = Counts(*(np.array(float(count)) for count in (tp, fp, fn, tn))).measures()
    return [
        replace(
            _checked(rest | {"metric": name, "value": float(found[name])}, where),
            matrix=((tn, fp), (fn, tp)),
        )
        for name in _OF_A_MATRIX
    ]


def _checked(entry: Any, where: str) -> Reference:
    names = [one.name for one in fields(Reference) if one.name != "matrix"]
    if not isinstance(entry, dict) or sorted(entry) != sorted(names):
        raise CatalogueError(f"{where}: must have exactly the fields {', '.join(names)}.")
    for name in ("label", "metric", "source", "url", "other_data"):
        if not isinstance(entry[name], str) or (name not in ("label", "url") and not entry[name]):
            raise CatalogueError(f"{where}: {name} must be text.")
    models = entry["models"]
    if not isinstance(models, list) or not all(isinstance(model, str) for model in models):
        raise CatalogueError(f"{where}: models must be a list of ids.")
    if entry["metric"] not in METRICS:
        raise CatalogueError(f"{where}: metric must be one of {', '.join(METRICS)}.")
    value = entry["value"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
        raise CatalogueError(f"{where}: value must be a number from 0 to 1 (kappa from -1).")
    if value < 0 and entry["metric"] != "Cohen's kappa":
        raise CatalogueError(f"{where}: value must not be negative.")
    return Reference(**{**entry, "models": tuple(models), "value": float(value)})

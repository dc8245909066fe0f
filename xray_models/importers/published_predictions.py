"""Predictions that a project published, as the held-out table of an imported model.

reproduce-chexnet keeps its probabilities (`preds.csv`: "Image Index", "prob_Mass"...) and labels
(`nih_labels.csv`: "Image Index", "Patient ID", "Mass"..., "fold") in two tables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xray_models.evaluate.predictions.held_out_table import JOINT, NONE, probability_columns
from xray_models.importers.refusal import ImportRefused
from xray_models.radiograph.ages import band_of

__all__ = ["held_out"]

_IMAGE, _PATIENT, _FOLD = "Image Index", "Patient ID", "fold"
_SUBGROUPS = {"Patient Gender": "sex", "View Position": "view"}
_AGE = "Patient Age"


def held_out(predictions: Path, truth: Path, labels: Sequence[str]) -> pd.DataFrame:
    """Held-out table of published predictions: the films of the test fold, grouped by patient.

    Args:
        predictions: CSV with a probability for each label.
        truth: CSV with patient, fold and 0 or 1 for each label.
        labels: of the model.

    Returns:
        Table as `held_out_table` describes it.

    Raises:
        ImportRefused: a table cannot be read, or lacks something.
    """
    given = [f"prob_{label}" for label in labels]
    seen = _read(predictions, (_IMAGE, *given)).set_index(_IMAGE)
    known = _read(truth, (_IMAGE, _PATIENT, _FOLD, *labels)).set_index(_IMAGE)
    known = known[known[_FOLD] == "test"]
    films = [name for name in seen.index if name in known.index]
    if not films or seen.index.has_duplicates or known.index.has_duplicates:
        raise ImportRefused(f"{predictions.name} and {truth.name} do not tell of the same films.")
    seen, known = seen.loc[films], known.loc[films]
    probability = _numbers(seen[given], predictions)
    present = _numbers(known[list(labels)], truth) == 1
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ImportRefused(f"{predictions.name} holds what is no probability.")
    names = np.array(labels)
    table = pd.DataFrame(
        {
            "image": films,
            "group": "nih-" + known[_PATIENT].astype(str).to_numpy(),
            "split": "test",
            "truth": [JOINT.join(names[row]) or NONE for row in present],
        }
    )
    for column, values in zip(probability_columns(labels), probability.T, strict=True):
        table[column] = values
    return table.assign(**_subgroups(known))


def _subgroups(known: pd.DataFrame) -> dict[str, np.ndarray]:
    found = {}
    if _AGE in known:
        years = pd.to_numeric(known[_AGE].astype(str).str.extract(r"(\d+)")[0], errors="coerce")
        found["age_band"] = np.array(
            ["" if math.isnan(year) else band_of(year) or "" for year in years], dtype=object
        )
    for theirs, ours in _SUBGROUPS.items():
        if theirs in known:
            found[ours] = known[theirs].fillna("").astype(str).to_numpy()
    return found


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ImportRefused(f"{path.name} cannot be read as CSV ({error}).") from error
    if missing := [name for name in columns if name not in table]:
        raise ImportRefused(f"{path.name} has no column {missing[0]!r}.")
    return table


def _numbers(cells: pd.DataFrame, path: Path) -> np.ndarray:
    values = cells.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    if np.isnan(values).any():
        raise ImportRefused(f"{path.name} has cells that are no numbers.")
    return values

"""Figures of a segmentation, recomputed from its table: a row per film, with its overlap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from xray_models.evaluate.metrics.bootstrap import Estimate, bootstraps
from xray_models.evaluate.predictions.held_out_table import TableError

__all__ = ["COLUMNS", "estimates", "load"]

COLUMNS = ("image", "group", "split", "source", "dice", "dice_right", "dice_left", "area", "found")
"""Of a table. Dice is that of both lungs together, and of each where the drawing tells them apart;
area and found are shares of the film that were drawn and called lung."""


def load(path: Path) -> pd.DataFrame:
    """Table of films with how well their lungs were found.

    Raises:
        TableError: it is missing or malformed.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise TableError(f"{path.name}: cannot be read ({error}).") from error
    if missing := [name for name in COLUMNS if name not in table]:
        raise TableError(f"{path.name}: missing column(s) {', '.join(missing)}.")
    return table


def estimates(table: pd.DataFrame, split: str = "test") -> dict[str, Estimate]:
    """Mean Dice of the films of each source, with its interval over patients.

    Args:
        table: as `load` gives it.
        split: whose films.

    Returns:
        Figures by name, such as "Dice, adults" and "Dice of each lung, adults".
    """
    found: dict[str, Estimate] = {}
    held_out = table[table["split"] == split]
    for source in sorted(held_out["source"].unique()):
        rows = held_out[held_out["source"] == source]
        found[f"Dice, {source}"] = _mean(rows["dice"], rows["group"])
        lungs = rows[["dice_right", "dice_left"]].mean(axis=1, skipna=False)
        known = lungs.notna()
        if known.any():
            found[f"Dice of each lung, {source}"] = _mean(lungs[known], rows["group"][known])
    return found


def _mean(values: pd.Series, groups: pd.Series) -> Estimate:
    numbers = values.to_numpy(float)

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        return {"": weights @ numbers / weights.sum(axis=1)}

    return bootstraps(measure, groups.to_numpy(str))[""]

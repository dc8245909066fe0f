"""Figures of one finding on films from elsewhere, where a model was never meant to work."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from xray_models.evaluate import metrics
from xray_models.evaluate.intervals import REPLICATES, Estimate, bootstrap
from xray_models.evaluate.table import NONE, load


def estimates(
    path: Path, finding: str, threshold: float, replicates: int = REPLICATES
) -> dict[str, Estimate]:
    """AUC, and sensitivity and specificity at the model's own threshold, with 95 % intervals.

    Args:
        path: table like a held-out one, with one label.
        finding: the label.
        threshold: of the model, chosen on its own validation films.
        replicates: resamples of the groups.

    Returns:
        Figures by name; with a column "view", the AUC of each view as well.

    Raises:
        TableError: the table cannot be used.
    """
    rows = load(path, [finding])
    found = _of(rows, finding, threshold, replicates)
    if "view" in rows:
        for view, some in rows.groupby("view"):
            if some["truth"].nunique() == 2:
                found[f"AUC, view {view}"] = _of(some, finding, threshold, replicates)["AUC"]
    return found


def _of(rows: pd.DataFrame, finding: str, threshold: float, replicates: int) -> dict[str, Estimate]:
    truth = (rows["truth"] != NONE).to_numpy()
    scores = rows[f"p:{finding}"].to_numpy()
    called, groups = scores >= threshold, rows["group"].to_numpy()
    measures = {
        "AUC": lambda drawn: metrics.auc(drawn, truth, scores),
        "sensitivity": lambda drawn: metrics.share(drawn, called, truth),
        "specificity": lambda drawn: metrics.share(drawn, ~called, ~truth),
    }
    return {name: bootstrap(one, groups, replicates) for name, one in measures.items()}

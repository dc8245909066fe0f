"""What the stored figures say about one map, ready to be put into words."""

from __future__ import annotations

import pandas as pd

from xray_models.evaluate import method_table
from xray_models.evaluate.faithfulness_study import GAP
from xray_models.evaluate.localisation_study import ARMS, EVERY
from xray_models.explain.words import Evidence, Measured


def evidence(
    model: str, finding: str, method: str, positive: bool, layer: str | None = None
) -> Evidence:
    """The figures of a method for a finding of a model, as far as they were measured.

    Localization is the share of heat inside people's boxes against the usual place: of the finding
    itself where it has films enough, else over every finding; of arms where they stand alone,
    because bone models are asked about arms. Faithfulness is insertion area minus deletion area
    against a random map, over all findings.

    Args:
        model: its id.
        finding: a label or combined finding.
        method: id of the method.
        positive: whether the finding's probability reaches its threshold on the film.
        layer: another layer than the method's own.

    Raises:
        MethodTableError: a stored table cannot be used.
    """
    method = f"{method}@{layer}" if layer else method
    places = _of(method_table.load(model, "localisation"), method, "energy in box")
    places = places[places["label"].isin((finding, EVERY))].assign(
        own=lambda rows: rows["label"] == finding,
        arms=lambda rows: rows["data"].str.endswith(ARMS),
    )
    uses = _of(method_table.load(model, "faithfulness"), method, GAP)
    return Evidence(
        _measured(places.sort_values(["own", "arms", "films"])),
        _measured(uses.sort_values("films")),
        positive,
    )


def _of(table: pd.DataFrame, method: str, measure: str) -> pd.DataFrame:
    return table[(table["method"] == method) & (table["measure"] == measure)]


def _measured(rows: pd.DataFrame) -> Measured | None:
    """The last row."""
    if rows.empty:
        return None
    best = rows.iloc[-1]
    return Measured(
        value=float(best["value"]),
        baseline=float(best["value"] - best["gain"]),
        gain_low=float(best["gain_low"]),
        gain_high=float(best["gain_high"]),
        films=int(best["films"]),
        seen=bool(best["seen"]),
    )

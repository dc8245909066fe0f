"""Table of the films of a kind, with what is known of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from pages.shared import tables
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate import errors
from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.spreadsheet import safe_csv

__all__ = ["outcome", "show"]


def show(analysis: LabelAnalysis, cut: float, kind: str, rows: np.ndarray) -> None:
    """Table, and a button to save it.

    Args:
        analysis: of the label.
        cut: the threshold.
        kind: of films, one of `errors.KINDS`.
        rows: of the films, the most telling first.
    """
    predictions, label = analysis.predictions, analysis.label
    column = predictions.index(label)
    table = pd.DataFrame(
        {
            "film": predictions.images[rows],
            "truth": np.where(predictions.truth[rows, column] == 1, label, "without"),
            "probability": predictions.scores[rows, column],
            "what became of it": [outcome(analysis, row, cut) for row in rows],
            "group": predictions.groups[rows],
            **{name: values[rows] for name, values in predictions.subgroups.items()},
        }
    )
    tables.show(
        table.replace({"truth": {label: display_name(label)}}),
        width="stretch",
        key="table of films",
        alt=f"{kind.capitalize()} of {predictions.name}, the most telling first.",
        column_config={"probability": st.column_config.NumberColumn(format="%.4f")},
    )
    st.download_button(
        "Table as CSV",
        data=lambda: safe_csv(table),
        file_name=f"radlens-{kind.replace(' ', '-')}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def outcome(analysis: LabelAnalysis, row: int, cut: float) -> str:
    """What became of a film at the threshold: "true positive", "false positive"..."""
    predictions = analysis.predictions
    column = predictions.index(analysis.label)
    return errors.outcome(
        bool(predictions.truth[row, column] == 1), float(predictions.scores[row, column]), cut
    )

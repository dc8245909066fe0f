"""Questions on cells of a truth that say neither yes nor no, asked only where there are such."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from xray_models.evaluate.predictions.truth_columns import (
    AS_NEGATIVE,
    AS_UNKNOWN,
    CellMeanings,
    has_blanks,
    minus_one_is_unclear,
)

__all__ = ["ask_meanings"]

_WORDS = {AS_UNKNOWN: "nobody knows", AS_NEGATIVE: "does not have it"}


def ask_meanings(table: pd.DataFrame, columns: Iterable[str], key: str) -> CellMeanings:
    """Meanings of empty cells and of -1 in columns of truth, as the visitor says.

    Args:
        table: str in every cell.
        columns: those of truth.
        key: changes with the table.
    """
    those = [table[column] for column in dict.fromkeys(columns)]
    blank, minus_one = AS_UNKNOWN, None
    if any(has_blanks(cells) for cells in those):
        blank = st.radio(
            "An empty cell of the truth means",
            [AS_UNKNOWN, AS_NEGATIVE],
            format_func=_WORDS.__getitem__,
            key=f"{key} blanks",
            horizontal=True,
            help="CheXpert's authors count a finding that no report mentions as absent.",
        )
    if any(minus_one_is_unclear(cells) for cells in those):
        minus_one = st.radio(
            "The truth says 1 and -1 but never 0. -1 means",
            [AS_UNKNOWN, AS_NEGATIVE],
            index=None,
            format_func=_WORDS.__getitem__,
            key=f"{key} minus one",
            horizontal=True,
        )
    return CellMeanings(blank, minus_one)

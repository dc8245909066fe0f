"""Tables on a page, safe to save and to copy into a spreadsheet.

The button above Streamlit's tables saves cells as the browser has them. So names of films, labels
and cells from outside go there as `xray_models.spreadsheet` writes them to a CSV file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from xray_models.spreadsheet import safe_table

__all__ = ["edit", "show"]


def show(rows: pd.DataFrame | Sequence[Mapping[str, object]], **options: Any) -> Any:
    """Table without its index.

    Args:
        rows: a table, or its rows by name of column.
        options: of `st.dataframe`.

    Returns:
        What was selected, where that was asked for.
    """
    return st.dataframe(safe_table(pd.DataFrame(rows)), hide_index=True, **options)


def edit(rows: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """Table without its index, as the visitor has changed it.

    Args:
        rows: the table to begin with.
        options: of `st.data_editor`.
    """
    edited: pd.DataFrame = st.data_editor(safe_table(rows), hide_index=True, **options)
    return edited

"""Cells of CSV files that spreadsheets open: text from outside never becomes a formula.

A spreadsheet takes a cell that begins with =, +, - or @ for a formula. Where it parts cells at
semicolons, as in much of Europe, a cell can begin within a name: "a;=1+1.png". After OWASP's "CSV
Injection": an apostrophe goes before such a beginning, and tabs and ends of lines become spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

__all__ = ["BEGINNINGS", "safe_cell", "safe_csv", "safe_names", "safe_table"]

BEGINNINGS = "=+-@＝＋－＠"
"""Characters that begin a formula; the wide ones do so in East Asian spreadsheets."""

_ENDS = re.compile(r"[\t\r\n\v\f\x00]+")
_FORMULA = re.compile(rf"(^|;)(\s*)(?=[{re.escape(BEGINNINGS)}])")
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*%?\s*")


def safe_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula; numbers stay as they are."""
    if _NUMBER.fullmatch(text):
        return text
    return _FORMULA.sub(r"\1\2'", _ENDS.sub(" ", text))


def safe_names(names: Iterable[object]) -> list[str]:
    """Names of columns as safe cells; those that differed still do."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        safe = safe_cell(str(name))
        while safe in taken:
            safe = f"'{safe}"
        taken.add(safe)
        found.append(safe)
    return found


def safe_table(table: pd.DataFrame) -> pd.DataFrame:
    """Copy of a table whose texts and names of columns no spreadsheet takes for formulas."""
    safe = table.copy()
    for place, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(place, table.iloc[:, place].map(_safe))
    return safe.set_axis(safe_names(table.columns), axis="columns")


def safe_csv(table: pd.DataFrame) -> str:
    """CSV of a table, a line each, whose text cells and names of columns are safe."""
    return safe_table(table).to_csv(index=False)


def _safe(cell: object) -> object:
    return safe_cell(cell) if isinstance(cell, str) else cell

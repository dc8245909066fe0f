"""Cells of CSV files that spreadsheets open: text from outside never becomes a formula.

A spreadsheet takes a cell that begins with =, +, - or @ for a formula. Where it parts cells at
semicolons, as in much of Europe, a cell can begin within a name: "a;=1+1.png". After OWASP's "CSV
Injection": an apostrophe goes before such a beginning, and tabs and ends of lines become spaces.
"""

from __future__ import annotations

import re

import pandas as pd

__all__ = ["BEGINNINGS", "safe_cell", "safe_csv"]

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


def safe_csv(table: pd.DataFrame) -> str:
    """CSV of a table, a line each, whose text cells and names of columns are safe."""
    safe = table.map(lambda cell: safe_cell(cell) if isinstance(cell, str) else cell)
    return safe.rename(columns=lambda name: safe_cell(str(name))).to_csv(index=False)

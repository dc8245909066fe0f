"""Stored sanity checks of a model's maps, method by method: assets/sanity/MODEL.csv.

Columns: method, check ("weights" or "labels"), stage, layer, correlation, similarity, films (of the
check "weights", those with any heat as trained; without one, nothing can be said and is NaN), empty
(of the check "weights", how many of these films' maps have become empty at this stage: each counts
as a correlation of 0). The check "weights" has a row for each stage of the cascade (stage 0 is the
network as trained); the check "labels" has one.

Tables written before `empty` was counted lack that column. They are read all the same: what was not
counted is missing, which is not 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from xray_models.catalogue import folder_of

__all__ = ["COLUMNS", "SanityFigure", "load", "path", "save"]


@dataclass(frozen=True)
class SanityFigure:
    """A row of the table; see the top of the file for the columns."""

    method: str
    check: str
    stage: int
    layer: str
    correlation: float
    similarity: float
    films: int
    empty: int | None = None


COLUMNS = tuple(field.name for field in fields(SanityFigure))


def path(model: str) -> Path:
    """Where a model's table lies."""
    return folder_of(model) / "sanity" / f"{model}.csv"


def load(model: str) -> pd.DataFrame:
    """A model's stored checks; no rows where none were made.

    Returns:
        A column for each of `COLUMNS`; `empty` is of whole numbers, missing where nobody counted.

    Raises:
        ValueError: the file cannot be read, or lacks another column.
    """
    if not path(model).is_file():
        return _table([])
    table = pd.read_csv(path(model), keep_default_na=True)
    if "empty" not in table.columns:
        table["empty"] = pd.NA
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise ValueError(f"{path(model)}: missing column(s) {', '.join(missing)}. Run it again.")
    return table[list(COLUMNS)].astype({"empty": "Int64"})


def save(model: str, figures: Sequence[SanityFigure]) -> Path:
    """Write checks to a model's table, in place of those of the same methods."""
    new = _table(figures)
    old = load(model)
    stays = old[~old["method"].isin(new["method"])]
    tables = [table for table in (stays, new) if len(table)]
    path(model).parent.mkdir(parents=True, exist_ok=True)
    pd.concat(tables or [new]).to_csv(
        path(model), index=False, float_format="%.4f", lineterminator="\n"
    )
    return path(model)


def _table(figures: Sequence[SanityFigure]) -> pd.DataFrame:
    rows = pd.DataFrame([asdict(figure) for figure in figures], columns=list(COLUMNS))
    return rows.astype({"empty": "Int64"})

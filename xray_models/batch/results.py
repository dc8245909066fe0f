"""Results of scored films: a row per file and finding, as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from xray_models.spreadsheet import safe_cell

if TYPE_CHECKING:  # the pipeline brings TensorFlow, which reading results does not need
    from xray_models.batch.score import Scored
    from xray_models.pipeline import Finding

__all__ = [
    "COLUMNS",
    "NEGATIVE",
    "POSITIVE",
    "SET_ASIDE",
    "ResultsError",
    "Row",
    "as_csv",
    "as_frame",
    "as_json",
    "as_parquet",
    "read_csv",
    "rows",
]

POSITIVE, NEGATIVE, SET_ASIDE = "positive", "negative", "set aside"


@dataclass(frozen=True)
class Row:
    """Row of results: a file with one finding; where there is none, the rest is empty.

    Attributes:
        file: its name.
        part: the body part; empty where the detector abstains.
        part_probability: of the most probable part, in 0..1.
        model: id of the model.
        label: of the finding.
        probability: calibrated, in 0..1.
        threshold: operating point, in 0..1.
        decision: "positive" where the probability reaches the threshold, else "negative"; "set
            aside" of a model that was made for patients of another age: its answer is no call.
        answer: "yes", "no" or "cannot tell"; empty where that was not measured.
        error: why the file could not be read; empty where it could.
        warnings: sentences on the file and its findings, as Read shows them, one after the other.
        also: a second part that is about as likely; usually empty.
        key: what tells the file from every other, whatever its name: see `sources.Source`.
    """

    file: str
    part: str = ""
    part_probability: float | None = None
    model: str = ""
    label: str = ""
    probability: float | None = None
    threshold: float | None = None
    decision: str = ""
    answer: str = ""
    error: str = ""
    warnings: str = ""
    also: str = ""
    key: str = ""

    @property
    def identity(self) -> str:
        """Key of the file; its name where it has none."""
        return self.key or self.file


COLUMNS = tuple(field.name for field in fields(Row))
_NUMBERS = ("part_probability", "probability", "threshold")


class ResultsError(ValueError):
    """A file of results cannot be used; the message says why and what to do."""


def rows(scored: Scored) -> list[Row]:
    """Rows of one file, at least one."""
    part, also = scored.part or "", scored.also or ""
    probability, warnings = _rounded(scored.part_probability), " ".join(scored.warnings)
    if not scored.findings:
        return [
            Row(
                scored.file,
                part,
                probability,
                error=scored.error,
                warnings=warnings,
                also=also,
                key=scored.key,
            )
        ]
    return [
        Row(
            scored.file,
            part,
            probability,
            finding.model,
            finding.label,
            _rounded(finding.probability),
            finding.threshold,
            _decision(scored, finding),
            finding.answer or "",
            warnings=warnings,
            also=also,
            key=scored.key,
        )
        for finding in scored.findings
    ]


def _decision(scored: Scored, finding: Finding) -> str:
    if finding.model in scored.set_aside:
        return SET_ASIDE
    return POSITIVE if finding.positive else NEGATIVE


def as_csv(many: Iterable[Row], header: bool = True) -> str:
    """CSV, quoted where needed, a line each, safe in spreadsheets; empty cells for what is not."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(COLUMNS)
    for row in many:
        writer.writerow([_cell(value) for value in astuple(row)])
    return text.getvalue()


def as_json(many: Iterable[Row]) -> str:
    """JSON list of objects; null for what there is not."""
    objects = [
        {name: value if value != "" else None for name, value in asdict(row).items()}
        for row in many
    ]
    return json.dumps(objects, ensure_ascii=False, indent=1)


def as_parquet(many: Iterable[Row]) -> bytes:
    """Parquet file: text columns, and float64 where there are numbers."""
    file = io.BytesIO()
    as_frame(many).to_parquet(file, index=False)
    return file.getvalue()


def as_frame(many: Iterable[Row]) -> pd.DataFrame:
    """Table with the columns of a row: text ("" for nothing) and float64 (NaN for nothing)."""
    table = pd.DataFrame([astuple(row) for row in many], columns=list(COLUMNS))
    kinds = {name: "float64" if name in _NUMBERS else "str" for name in COLUMNS}
    return table.astype(kinds)


def read_csv(path: Path) -> Iterator[Row]:
    """Rows of a file of results, one at a time.

    Raises:
        ResultsError: it has other columns, or a number is none.
        OSError: it cannot be read.
    """
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        if tuple(next(lines, ())) != COLUMNS:
            raise ResultsError(
                f"{path}: is no file of results, whose columns are {', '.join(COLUMNS)}. Name "
                "another file."
            )
        for number, cells in enumerate(lines, 2):
            try:
                known = dict(zip(COLUMNS, cells, strict=True))
                values = {name: float(known[name]) if known[name] else None for name in _NUMBERS}
            except ValueError:
                raise ResultsError(
                    f"{path}, line {number}: has been changed or cut short. Name another file."
                ) from None
            yield Row(**(known | values))  # type: ignore[arg-type]


def _cell(value: str | float | None) -> str | float:
    if isinstance(value, str):
        return safe_cell(value)
    return "" if value is None else value


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)

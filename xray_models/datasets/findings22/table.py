"""Table of films with the 22 findings: written row by row, joined, and read for training.

A cell is 1 (present), 0 (absent or not spoken of) or empty (nobody knows). The group is the
patient: films of one patient are never on both sides of a split.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xray_models.datasets.films import Film, rows, split_of
from xray_models.datasets.findings22 import FINDINGS, NORMAL
from xray_models.datasets.problems import DataSetError, tell

__all__ = ["FACTS", "NAME", "SHARES", "SPLITS", "FindingRow", "films", "join", "writing"]

NAME = "findings22.csv"
"""The table's name in a prepared folder."""

FACTS = ("source", "study", "projection", "labeled_by", "sex", "age_band", "pediatric")
"""Columns beside image, group and findings."""

SPLITS = ("train", "validation", "test")
SHARES = (0.8, 0.1)
"""Share of the patients in train and validation; the rest is test."""


@dataclass(frozen=True)
class FindingRow:
    """Row of the table.

    Attributes:
        image: file name of the film.
        group: the patient, marked by data set.
        values: finding -> 1, 0 or None for not known; findings left out are 0.
        facts: of `FACTS`; what is left out is empty.
    """

    image: str
    group: str
    values: Mapping[str, int | None]
    facts: Mapping[str, str]

    def cells(self) -> list[str]:
        """Cells of the row in the order of the header."""
        values = [self.values.get(finding, 0) for finding in FINDINGS]
        return [
            self.image,
            self.group,
            *(self.facts.get(name, "") for name in FACTS),
            *("" if value is None else str(value) for value in values),
        ]


@contextmanager
def writing(path: Path, extra: tuple[str, ...] = ()) -> Iterator[Any]:
    """CSV writer of such a table; the file gets its name when it is whole.

    Args:
        path: to write; its folder is made if absent.
        extra: columns after the others.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", "group", *FACTS, *FINDINGS, *extra])
        yield writer
    partial.replace(path)


def join(tables: Iterable[Path], out: Path, seed: int = 0) -> dict[str, dict[str, int]]:
    """Join tables of several data sets into one, with a split by patient.

    Args:
        tables: as `writing` makes them.
        out: the joined table; it has the column "split" and the column "folder", where the
            films of a row lie: images/ beside its table.
        seed: another seed gives another split.

    Returns:
        Source -> split -> number of films.

    Raises:
        DataSetError: a table is missing or malformed, or two rows name the same film.
    """
    counts: dict[str, dict[str, int]] = {}
    seen: set[tuple[str, str]] = set()
    names = ("image", "group", *FACTS, *FINDINGS)
    with writing(out, ("split", "folder")) as writer:
        for table in tables:
            folder = str((table.parent / "images").resolve())
            for line, row in rows(table, names):
                key = (row["source"], row["image"])
                if key in seen:
                    tell(table, line, f"{row['image']} of {row['source']} is listed twice.")
                    continue
                seen.add(key)
                split = split_of(row["group"], seed, SHARES)
                writer.writerow([*(row[name] for name in names), split, folder])
                of_source = counts.setdefault(row["source"], dict.fromkeys(SPLITS, 0))
                of_source[split] += 1
        if not counts:
            raise DataSetError("The tables list no film: there is nothing to join.")
    return counts


def films(data: Path) -> dict[str, list[Film]]:
    """Films of a prepared folder by split, with a target for each finding.

    Args:
        data: a table as `join` writes it, or one of a single data set; or the folder that holds
            it. Films lie in the folder that the table names, else in images/ beside the table.

    Returns:
        {"train", "validation", "test"} -> films; targets are 1, 0 or NaN (not known).

    Raises:
        DataSetError: the table is missing or malformed, or a split is empty.
    """
    table = data if data.is_file() else data / NAME
    found: dict[str, list[Film]] = {split: [] for split in SPLITS}
    for line, row in rows(table, ("image", "group", *FACTS, *FINDINGS)):
        targets = tuple(_target(row[finding]) for finding in FINDINGS)
        if any(value not in (0, 1) and not math.isnan(value) for value in targets):
            tell(table, line, f"{row['image']}: findings are 1, 0 or empty.")
            continue
        if not row["image"].strip() or not row["group"].strip():
            tell(table, line, "image and group must not be empty.")
            continue
        folder = Path(row["folder"]) if row.get("folder") else table.parent / "images"
        split = row.get("split") or split_of(row["group"], shares=SHARES)
        if split not in SPLITS:
            tell(table, line, f"the split {split!r} is none of {', '.join(SPLITS)}.")
            continue
        found[split].append(
            Film(
                path=folder / row["image"],
                image=row["image"],
                group=row["group"],
                truth=int(targets[FINDINGS.index(NORMAL)] == 0),
                targets=targets,
                facts={name: row[name] for name in FACTS},
                listed=(table, line),
            )
        )
    empty = [split for split, some in found.items() if not some]
    if empty:
        raise DataSetError(f"{table}: no film is left for {' and '.join(empty)}.")
    return found


def _target(cell: str) -> float:
    if not cell.strip():
        return math.nan
    try:
        return float(cell)
    except ValueError:
        return math.inf

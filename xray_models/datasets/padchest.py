"""PadChest (Bustos et al. 2020, arXiv:1901.07441): 160,861 chest films with labels from reports.

Labels of 39,053 films were given by physicians, the others by a network that read the reports. The
published table is read row by row, and its labels are taken to the 22 findings by the tree of
`findings22`. Nothing that could name a patient is carried on: no report, no date, no device.
"""

from __future__ import annotations

import ast
import csv
import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from xray_models.datasets.findings22 import (
    EXCLUDED,
    FINDINGS,
    NO_INFORMATION,
    NORMAL,
    OTHER,
    padchest_tree,
    table,
)
from xray_models.datasets.problems import DataSetError

__all__ = ["PROJECTIONS", "Counts", "Unusable", "prepare", "row_of"]

PROJECTIONS = ("PA", "L", "AP", "AP_horizontal", "COSTAL")
"""Projections that are kept, as the table writes them."""

_COLUMNS = (
    "ImageID",
    "StudyDate_DICOM",
    "StudyID",
    "PatientID",
    "PatientBirth",
    "PatientSex_DICOM",
    "Projection",
    "Pediatric",
    "MethodLabel",
    "Labels",
)
_LABELED_BY = {"Physician": "manual", "RNN_model": "automatic"}
_NAMED = 3  # films named for each reason of an exclusion


class Unusable(ValueError):
    """A row of the table that no film comes from; the message is the reason."""


@dataclass
class Counts:
    """Counts of a preparation.

    Attributes:
        rows: read.
        films: written.
        excluded: reason -> rows left out.
        examples: reason -> the first films left out for it.
        findings: finding -> films with it.
        labeled_by: "manual" or "automatic" -> films.
        projections: projection -> films.
        patients: number of patients of the films.
    """

    rows: int = 0
    films: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    findings: Counter[str] = field(default_factory=Counter)
    labeled_by: Counter[str] = field(default_factory=Counter)
    projections: Counter[str] = field(default_factory=Counter)
    patients: int = 0

    def exclude(self, reason: str, image: str) -> None:
        """Count a row that is left out."""
        self.excluded[reason] += 1
        named = self.examples.setdefault(reason, [])
        if len(named) < _NAMED:
            named.append(image)


def prepare(
    labels: Path,
    out: Path,
    images: Path | None = None,
    projections: tuple[str, ...] = PROJECTIONS,
    manual_only: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Counts:
    """Write the table of the 22 findings from PadChest's table of labels.

    Args:
        labels: the published CSV file, plain or gzipped.
        out: folder to write; the table is called `findings22.table.NAME`.
        images: folder of the films; those that are not in it are left out. None: not looked for.
        projections: those to keep.
        manual_only: keep what physicians labeled, and nothing else.
        progress: told the number of rows read.

    Raises:
        DataSetError: the table is missing or is not that of PadChest, or no film is left.
    """
    unknown = set(projections) - set(PROJECTIONS)
    if unknown:
        raise DataSetError(
            f"PadChest has no projection {', '.join(sorted(unknown))}. "
            f"Known: {', '.join(PROJECTIONS)}."
        )
    if images is not None and not images.is_dir():
        raise DataSetError(f"{images}: no such folder. Name the folder that holds the films.")
    counts = Counts()
    seen: set[str] = set()
    patients: set[str] = set()
    with table.writing(out / table.NAME) as writer:
        for row in _rows(labels):
            counts.rows += 1
            progress(counts.rows)
            image = row["ImageID"].strip()
            try:
                found = row_of(row)
                if image in seen:
                    raise Unusable("the film is listed twice")
                if found.facts["projection"] not in projections:
                    raise Unusable(f"its projection is {found.facts['projection'] or 'empty'}")
                if manual_only and found.facts["labeled_by"] != "manual":
                    raise Unusable("it was labeled automatically")
                if images is not None and not (images / image).is_file():
                    raise Unusable("the film is not in the folder")
            except Unusable as reason:
                counts.exclude(str(reason), image or f"row {counts.rows}")
                continue
            seen.add(image)
            patients.add(found.group)
            counts.films += 1
            counts.findings.update(name for name, value in found.values.items() if value)
            counts.labeled_by[found.facts["labeled_by"]] += 1
            counts.projections[found.facts["projection"]] += 1
            writer.writerow(found.cells())
        counts.patients = len(patients)
        if not counts.films:
            reasons = ", ".join(f"{reason} ({n:,})" for reason, n in counts.excluded.most_common(3))
            raise DataSetError(f"{labels}: no film is left of {counts.rows:,} rows. {reasons}.")
    return counts


def row_of(row: dict[str, str]) -> table.FindingRow:
    """Findings of a row of PadChest's table.

    Raises:
        Unusable: it names no film, no patient, or no label that says what the film shows.
    """
    if not row["ImageID"].strip() or not row["PatientID"].strip():
        raise Unusable("it names no film or no patient")
    tree = padchest_tree()
    labels = _labels(row["Labels"])
    unknown = sorted(label for label in labels if label.casefold() not in tree.sections)
    if unknown:
        raise Unusable(f"the label {unknown[0]!r} has no place in the tree")
    sections = tree.sections_of(labels)
    if EXCLUDED in sections:
        raise Unusable("labeled as excluded or suboptimal")
    sections.discard(NO_INFORMATION)
    if not sections:
        raise Unusable("labeled only as unchanged" if labels else "it has no label")
    if len(sections) > 1:
        sections.discard(NORMAL)  # normal beside a finding speaks of another sentence
    if sections - {OTHER, NORMAL}:
        sections.discard(OTHER)  # "other" means: none of the others, as in the earlier system
    return table.FindingRow(
        image=row["ImageID"].strip(),
        group=f"padchest-{row['PatientID'].strip()}",
        values={finding: int(finding in sections) for finding in FINDINGS},
        facts={
            "source": "padchest",
            "study": row["StudyID"],
            "projection": row["Projection"],
            "labeled_by": _LABELED_BY.get(row["MethodLabel"], ""),
            "sex": row["PatientSex_DICOM"] if row["PatientSex_DICOM"] in ("F", "M") else "",
            "age_band": _age_band(row["PatientBirth"], row["StudyDate_DICOM"]),
            "pediatric": "yes" if row["Pediatric"] == "PED" else "no",
        },
    )


def _labels(cell: str) -> list[str]:
    if cell in ("", "nan"):
        return []
    try:
        found = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise Unusable("its labels are not a list") from None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Unusable("its labels are not a list")
    return [one.strip() for one in found if one.strip()]


def _age_band(birth: str, study: str) -> str:
    try:
        years = int(study[:4]) - int(float(birth))
    except ValueError:
        return ""
    for low, high in ((0, 17), (18, 39), (40, 59), (60, 79), (80, 120)):
        if low <= years <= high:
            return f"{low}-{high}"
    return ""


def _rows(path: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(10_000_000)  # a long report is one cell
    with _opened(path) as file:
        reader = csv.DictReader(file)
        try:
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DataSetError(
                    f"{path}: not PadChest's table of labels, the column(s) {', '.join(missing)} "
                    "are missing. Name PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv."
                )
            for row in reader:
                yield {name: row[name] or "" for name in _COLUMNS}
        except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
            raise DataSetError(
                f"{path}: cannot be read to its end ({error}). Download it again."
            ) from error


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if not path.is_file():
        raise DataSetError(f"{path}: no such file. Name PadChest's table of labels.")
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    opener = gzip.open if zipped else open
    with opener(path, "rt", encoding="utf-8", newline="") as text:
        yield text

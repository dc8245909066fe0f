"""Open-i's chest collection of Indiana University: reports, their MeSH tags, and their films.

3,955 reports as XML with MeSH tags set by people, and the films that belong to them; each report is
of another patient (Demner-Fushman et al. 2016, doi 10.1093/jamia/ocv080). The archive is read file
by file, and nothing in it is unpacked to disk.
"""

from __future__ import annotations

import csv
import gzip
import json
import tarfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xray_models.datasets.findings22 import FINDINGS, NORMAL, OTHER, table
from xray_models.datasets.problems import DataSetError, tell
from xray_models.reports import Opinion

__all__ = [
    "NOT_INDEXED",
    "TAGGED",
    "Report",
    "prepare",
    "projections",
    "reports",
    "tagged",
    "values_of_opinions",
    "values_of_tags",
]

NOT_INDEXED = ("No Indexing", "Technical Quality of Image Unsatisfactory")
"""Tags that say nothing about what a film shows."""

_MESH = Path(__file__).parent / "findings22" / "openi_mesh.json"
_LARGEST = 2_000_000  # bytes of a report; the published ones have less than 20,000
_VIEWS = {"PA": "PA", "AP": "AP", "LL": "L", "RL": "L", "LATERAL": "L", "LLO": "L", "RLO": "L"}


@dataclass(frozen=True)
class Report:
    """Report of one visit.

    Attributes:
        id: of the report, such as "CXR1".
        sections: name in lower case, such as "findings" -> text.
        tags: MeSH tags set by people, heading and qualifiers joined by "/".
        automatic: tags set by a program.
        images: ids of the films, such as "CXR1_1_IM-0001-3001".
    """

    id: str
    sections: dict[str, str]
    tags: tuple[str, ...]
    automatic: tuple[str, ...]
    images: tuple[str, ...]

    @property
    def text(self) -> str:
        """Findings and impression: what the report says of the film."""
        return "\n".join(
            self.sections[name] for name in ("findings", "impression") if name in self.sections
        )

    @property
    def indexed(self) -> bool:
        """Whether people gave tags that say what the film shows."""
        return any(tag.split("/")[0] not in NOT_INDEXED for tag in self.tags)


def reports(source: Path) -> Iterator[Report]:
    """Reports of the published archive, or of a folder with its XML files, one by one.

    Args:
        source: NLMCXR_reports.tgz, or the folder it was unpacked to.

    Raises:
        DataSetError: there is no report, or one cannot be read (within `problems.collecting` it is
            left out).
    """
    count = 0
    for name, content in _files(source):
        report = _parsed(source, name, content)
        if report is not None:
            count += 1
            yield report
    if not count:
        raise DataSetError(
            f"{source}: holds no report. Name NLMCXR_reports.tgz or the folder of its XML files."
        )


@cache
def _rules() -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[str]] = json.loads(_MESH.read_text(encoding="utf-8"))
    return {
        finding: [tuple(part.casefold() for part in rule.split("/")) for rule in rules]
        for finding, rules in found.items()
    }


TAGGED = tuple(finding for finding in FINDINGS if finding in _rules())
"""Findings for which MeSH has a tag in this collection."""


def tagged(tags: Iterable[str]) -> set[str]:
    """The 22 findings that MeSH tags name, `OTHER` for any tag that names none of them."""
    found = set()
    for tag in tags:
        heading, *qualifiers = (part.strip().casefold() for part in tag.split("/"))
        if heading in {name.casefold() for name in NOT_INDEXED}:
            continue
        named = {
            finding
            for finding, rules in _rules().items()
            if any(rule[0] == heading and set(rule[1:]) <= set(qualifiers) for rule in rules)
        }
        found |= named or {OTHER}
    return found


def projections(metadata: Path) -> dict[str, str]:
    """Projection of each film from the table of DICOM headers: id -> PA, AP, L or empty.

    No other column is looked at.

    Raises:
        DataSetError: the table is missing or has no such columns.
    """
    if not metadata.is_file():
        raise DataSetError(f"{metadata}: no such file. Name the table of DICOM headers.")
    csv.field_size_limit(10_000_000)
    opener = gzip.open if metadata.suffix == ".gz" else open
    try:
        with opener(metadata, "rt", encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"imageid", "View Position"} - set(reader.fieldnames or ())
            if missing:
                raise DataSetError(
                    f"{metadata}: the column(s) {', '.join(sorted(missing))} are missing."
                )
            return {row["imageid"]: _VIEWS.get(row["View Position"] or "", "") for row in reader}
    except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
        raise DataSetError(f"{metadata}: cannot be read to its end ({error}).") from error


def prepare(
    found: Iterable[tuple[Report, Mapping[str, int | None]]],
    out: Path,
    views: Mapping[str, str] | None = None,
    suffix: str = ".png",
    labeled_by: str = "report",
) -> dict[str, int]:
    """Write the table of the 22 findings, a row for each film of the reports.

    Args:
        found: reports, each with finding -> 1, 0 or None for not known.
        out: folder to write.
        views: projection of a film by its id.
        suffix: ending of the films' files.
        labeled_by: where the findings come from, "report" or "mesh".

    Returns:
        Numbers of "reports", "films" and "reports without films".
    """
    counts = {"reports": 0, "films": 0, "reports without films": 0}
    with table.writing(out / table.NAME) as writer:
        for report, values in found:
            counts["reports"] += 1
            counts["reports without films"] += not report.images
            for image in report.images:
                counts["films"] += 1
                facts = {
                    "source": "openi",
                    "study": report.id,
                    "projection": (views or {}).get(image, ""),
                    "labeled_by": labeled_by,
                }
                row = table.FindingRow(image + suffix, f"openi-{report.id}", values, facts)
                writer.writerow(row.cells())
    return counts


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        for path in sorted(source.rglob("*.xml")):
            yield path.name, path.read_bytes()[: _LARGEST + 1]
        return
    if not source.is_file():
        raise DataSetError(f"{source}: no such file or folder. Name NLMCXR_reports.tgz.")
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.name.endswith(".xml") else None
                if file is not None:
                    yield member.name, file.read(_LARGEST + 1)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataSetError(f"{source}: cannot be read to its end ({error}).") from error


def _parsed(source: Path, name: str, content: bytes) -> Report | None:
    if len(content) > _LARGEST or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        tell(source, 0, f"{name} is no report: it is too long or declares entities.")
        return None
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - entities are refused above
    except ElementTree.ParseError as error:
        tell(source, 0, f"{name} is not XML ({error}).")
        return None
    identity = root.find("uId")
    key = "" if identity is None else identity.get("id", "")
    if not key:
        tell(source, 0, f"{name} is no report of Open-i: it has no uId.")
        return None
    sections = {
        (part.get("Label") or "").casefold(): part.text.strip()
        for part in root.iter("AbstractText")
        if part.text and part.text.strip()
    }
    return Report(
        id=key,
        sections=sections,
        tags=tuple(dict.fromkeys(_texts(root, "major"))),
        automatic=tuple(dict.fromkeys(_texts(root, "automatic"))),
        images=tuple(image.get("id", "") for image in root.iter("parentImage") if image.get("id")),
    )


def _texts(root: ElementTree.Element, name: str) -> list[str]:
    return [one.text.strip() for one in root.iter(name) if one.text and one.text.strip()]


def values_of_opinions(opinions: Mapping[str, Opinion]) -> dict[str, int | None]:
    """Values of the 22 findings by a labeler: 1 stated, None doubted, 0 denied or not mentioned.

    A film is normal where nothing is stated, not known where something is only doubted.
    """
    values: dict[str, int | None] = dict.fromkeys(FINDINGS, 0)
    stated = {finding for finding, one in opinions.items() if one is Opinion.POSITIVE}
    doubted = {finding for finding, one in opinions.items() if one is Opinion.UNCERTAIN}
    for finding in values.keys() & (stated | doubted):
        values[finding] = 1 if finding in stated else None
    if stated - {OTHER}:
        values[OTHER] = 0
    values[NORMAL] = 0 if stated else None if doubted else 1
    return values


def values_of_tags(report: Report) -> dict[str, int | None]:
    """Values of the 22 findings by the tags: 1 or 0, None for findings that MeSH cannot tell."""
    present = tagged(report.tags)
    if present - {OTHER, NORMAL}:
        present.discard(OTHER)
    return {
        finding: int(finding in present) if finding in (*TAGGED, OTHER) else None
        for finding in FINDINGS
    }

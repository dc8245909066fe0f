"""`prepare openi` and `measure reports`: Open-i's reports -> the 22 findings, and how well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from xray_models.commands import fail

if TYPE_CHECKING:
    from xray_models.datasets.openi import Report
    from xray_models.reports import Opinion
    from xray_models.reports.agreement import Agreement

__all__ = ["By", "measure_reports", "needs_report_packages", "prepare_openi"]

Reports = Annotated[
    Path, typer.Argument(metavar="REPORTS", help="NLMCXR_reports.tgz, or its folder of XML files.")
]
Phrases = Annotated[
    Path | None, typer.Option(help="Folder with phrase lists of yours; see docs/openi.md.")
]

_Command = TypeVar("_Command", bound=Callable[..., None])


class By(StrEnum):
    """Where the findings of a report come from."""

    REPORT = "report"
    MESH = "mesh"


def needs_report_packages(command: _Command) -> _Command:
    """Let a command end with a sentence where spaCy or negspacy is missing."""

    @wraps(command)
    def guarded(*given: object, **named: object) -> None:
        try:
            command(*given, **named)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("negspacy", "spacy"):
                raise
            fail(
                "Reading reports needs the packages spacy and negspacy, which are not installed. "
                'Run: python -m pip install "radlens[reports]"'
            )

    return guarded  # type: ignore[return-value] # typer sees the command's own parameters


@needs_report_packages
def prepare_openi(
    reports: Reports,
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    metadata: Annotated[
        Path | None, typer.Option(help="Table of DICOM headers, for the projections.")
    ] = None,
    by: Annotated[By, typer.Option(help="Read the text of the reports, or take MeSH tags.")] = (
        By.REPORT
    ),
    suffix: Annotated[str, typer.Option(help="Ending of the films' files.")] = ".png",
    phrases: Phrases = None,
) -> None:
    """Label Open-i's reports with the 22 findings, a row per film."""
    from xray_models.datasets import DataSetError, openi, problems
    from xray_models.reports import PhraseError

    try:
        with problems.collecting() as found:
            views = openi.projections(metadata) if metadata else {}
            rows: Iterator[tuple[Report, Mapping[str, int | None]]]
            if by is By.MESH:
                rows = ((one, openi.values_of_tags(one)) for one in openi.reports(reports))
            else:
                rows = (
                    (one, openi.values_of_opinions(said))
                    for one, said in _labeled(reports, phrases)
                    if one.text
                )
            counts = openi.prepare(rows, out, views, suffix, by.value)
    except (DataSetError, PhraseError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}. Check the path.")
    for problem in found:
        typer.echo(f"left out: {problem}", err=True)
    typer.echo(", ".join(f"{number:,} {what}" for what, number in counts.items()))
    typer.echo(f"written: {out}")


@needs_report_packages
def measure_reports(
    reports: Reports,
    part: Annotated[str, typer.Option(help="Half of the reports: test or tuning, or all.")] = (
        "test"
    ),
    phrases: Phrases = None,
) -> None:
    """Compare the report labeler with the MeSH tags that people gave the same reports.

    The phrase lists were made on the half "tuning" only.
    """
    from xray_models.datasets import DataSetError, openi
    from xray_models.datasets.findings22 import NORMAL, OTHER
    from xray_models.reports import PhraseError
    from xray_models.reports.agreement import agreement, half, micro

    if part not in ("test", "tuning", "all"):
        fail(f"There is no half {part!r} of the reports. Choose test, tuning or all.")
    began, read, pairs = time.perf_counter(), 0, []
    try:
        for report, said in _labeled(reports, phrases):
            read += 1
            if report.indexed and part in ("all", half(report.id)):
                values = openi.values_of_opinions(said)
                pairs.append(
                    ({name for name, one in values.items() if one}, openi.tagged(report.tags))
                )
    except (DataSetError, PhraseError) as error:
        fail(str(error))
    seconds = time.perf_counter() - began
    rows = agreement(pairs, openi.TAGGED)
    typer.echo(f"{len(pairs):,} indexed reports ({part}); {read:,} reports read in {seconds:.0f} s")
    typer.echo(f"{'finding':<28}{'tagged':>8}{'precision':>11}{'recall':>8}{'F1':>7}")
    for row in rows:
        _print(row)
    _print(micro(rows), "all (micro)")
    _print(micro(row for row in rows if row.finding != NORMAL), "all but normal (micro)")
    other = agreement([(a, b if b - {OTHER, NORMAL} == set() else b - {OTHER}) for a, b in pairs],
                      (OTHER,))  # fmt: skip
    typer.echo("Apart, as no single tag names it:")
    _print(other[0])


def _print(row: Agreement, name: str = "") -> None:
    figures = f"{row.precision:>11.3f}{row.recall:>8.3f}{row.f1:>7.3f}"
    typer.echo(f"{name or row.finding:<28}{row.both + row.truth_only:>8,}{figures}")


def _labeled(reports: Path, phrases: Path | None) -> Iterator[tuple[Report, dict[str, Opinion]]]:
    from itertools import tee

    from xray_models.datasets import openi
    from xray_models.reports import Labeler, Phrases

    labeler = Labeler(Phrases.read(phrases))
    one, other = tee(openi.reports(reports))
    return zip(one, labeler.label_many(report.text for report in other), strict=True)

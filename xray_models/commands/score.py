"""`python -m xray_models score`: a folder, list or ZIP archive of films, scored into a table."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xray_models.catalogue import CatalogueError
from xray_models.commands import fail

if TYPE_CHECKING:
    import pandas as pd

    from xray_models.batch.resumable_csv import GrowingFile
    from xray_models.batch.score import Plan
    from xray_models.batch.sources import Sources
    from xray_models.batch.tally import Tally
    from xray_models.batch.verdict import Verdict
    from xray_models.evaluate.predictions.predictions import Predictions
    from xray_models.evaluate.predictions.truth_columns import CellMeanings

__all__ = ["score"]

_MOST_NAMED = 100  # films that were not read, on the terminal


def score(
    films: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|LIST|ZIP",
            help="Folder, ZIP archive, or text file with a path a line (from its own folder).",
        ),
    ],
    out: Annotated[Path, typer.Option(help="CSV to write, or to go on with.")],
    model: Annotated[
        list[str] | None, typer.Option(help="Ask this model whatever the part; may be repeated.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="The body part of all films.")] = None,
    age: Annotated[
        str | None, typer.Option(help="child or adult, of all films; by default as each file says.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="CSV with the films' names and their label or labels.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="HTML report to write.")] = None,
    truth_column: Annotated[
        list[str] | None,
        typer.Option(
            help="LABEL=COLUMN of the truth, where it is not found or several could be meant; may "
            "be repeated."
        ),
    ] = None,
    blanks: Annotated[
        str, typer.Option(help="What empty cells of the truth mean: unknown or negative.")
    ] = "unknown",
    minus_one: Annotated[
        str | None, typer.Option(help="What -1 in the truth means: unknown or negative.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="That decode films; one per processor, at most 4.", min=1)
    ] = None,
) -> None:
    """Score many films: a row per file and finding. Ends with 1 if a file could not be read.

    What is in the output already is not done again, so that an interrupted run goes on when the
    same command is repeated. For teaching and research, not for diagnosis.
    """
    from xray_models.batch import resumable_csv, sources
    from xray_models.batch.results import ResultsError, read_csv
    from xray_models.batch.score import plan
    from xray_models.batch.sources import SourceError
    from xray_models.batch.tally import tally
    from xray_models.evaluate.predictions import csv_import
    from xray_models.inference.weights import WeightsError
    from xray_models.pipeline import CannotClassify

    if out.suffix.lower() != ".csv":
        fail(f"--out is {out}: results are written as CSV, so its name must end in .csv.")
    if report and not report.absolute().parent.is_dir():
        fail(f"--report is {report}: there is no such folder. Make it first.")
    meanings = _meanings(blanks, minus_one)
    try:
        table = csv_import.read(truth) if truth else None  # wrong paths are told before the work
        asked = plan(model or (), part, age)
        with sources.find(films) as found, resumable_csv.held(out):
            settings = {"films": str(films.resolve())} | asked.settings()
            file = resumable_csv.GrowingFile(out, settings)
            _score(found, asked, file, threads)
        counted = tally(read_csv(out))
        predictions: list[Predictions] = []
        notes: list[str] = []
        over_all: Verdict | None = None
        if table is not None:
            predictions, notes, over_all = _with_truth(out, table, truth_column or (), meanings)
        _tell(counted, out)
        _tell_performance(predictions, notes, over_all)
        if report:
            from xray_models.report import batch_html

            report.write_text(
                batch_html.report(counted, predictions, notes, over_all), encoding="utf-8"
            )
            typer.echo(f"{report}: written")
    except (
        CannotClassify,
        CatalogueError,
        WeightsError,
        SourceError,
        ResultsError,
        csv_import.PredictionsError,
    ) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or out}: {error.strerror or error}. Check path and free space.")
    if counted.failed:
        raise typer.Exit(1)


def _score(films: Sources, asked: Plan, file: GrowingFile, threads: int | None) -> None:
    """Score what is not in the file yet; what is finished is written even if it is interrupted."""
    from xray_models.batch import score as batch_scoring
    from xray_models.batch.score import WINDOW, Scored
    from xray_models.radiograph.pool import Pool

    rest = (film for film in films if film.key not in file.done)
    total = sum(1 for film in films if film.key not in file.done)
    if file.done:
        typer.echo(f"{len(file.done):,} files are done already, {total:,} are left.", err=True)
    began, finished = time.perf_counter(), 0
    waiting: list[Scored] = []
    with (
        Pool(threads) as decoders,  # a folder may hold a stranger's files
        contextlib.closing(
            batch_scoring.score(rest, asked, threads=threads, read=decoders.read)
        ) as results,
        typer.progressbar(length=total, label="Scoring") as progress,
    ):
        try:
            for scored in results:
                waiting.append(scored)
                if scored.error:
                    typer.echo(f"\n{scored.file}: {scored.error}", err=True)
                if len(waiting) == WINDOW:
                    file.write(waiting)
                    finished += len(waiting)
                    progress.update(len(waiting))
                    waiting = []
        finally:
            file.write(waiting)
            finished += len(waiting)
            progress.update(len(waiting))
    if finished:
        seconds = time.perf_counter() - began
        typer.echo(f"{finished:,} files in {seconds:.1f} s, {finished / seconds:.1f} a second.")


def _meanings(blanks: str, minus_one: str | None) -> CellMeanings:
    from xray_models.evaluate.predictions.truth_columns import AS_NEGATIVE, AS_UNKNOWN, CellMeanings

    for option, value in (("--blanks", blanks), ("--minus-one", minus_one)):
        if value not in (AS_UNKNOWN, AS_NEGATIVE, None):
            fail(f"{option} is {value}: say {AS_UNKNOWN} or {AS_NEGATIVE}.")
    return CellMeanings(blanks, minus_one)


def _where(table: pd.DataFrame, labels: Sequence[str], named: Sequence[str]) -> dict[str, Any]:
    """Columns of truth, those that were named and those that can only mean one thing."""
    from xray_models.batch import truth
    from xray_models.evaluate.predictions.truth_columns import TruthColumn, TruthColumns

    given: dict[str, TruthColumn] = {}
    for one in named:
        label, _, column = one.rpartition("=")
        if label not in labels or column not in table.columns:
            fail(
                f"--truth-column is {one}: say LABEL=COLUMN. Labels: {', '.join(labels)}. Columns: "
                f"{', '.join(map(str, table.columns))}."
            )
        given[label] = TruthColumn(column)
    truths = TruthColumns(table)
    if doubts := truth.doubts([label for label in labels if label not in given], truths):
        fail(f"{' '.join(doubts)} Say which with --truth-column LABEL=COLUMN.")
    return truth.proposal(labels, truths) | given


def _with_truth(
    out: Path, table: pd.DataFrame, named: Sequence[str], meanings: CellMeanings
) -> tuple[list[Predictions], list[str], Verdict | None]:
    """The models on the films whose truth the table gives, what to know of it, and all together."""
    from xray_models.batch import truth
    from xray_models.batch.results import read_csv
    from xray_models.batch.verdict import verdict

    rows = list(read_csv(out))
    files = list(dict.fromkeys(row.file for row in rows))
    labels = list(dict.fromkeys(row.label for row in rows if row.label))
    if not labels:
        return [], ["No model read any of the films, so there is nothing to compare."], None
    matched = truth.match(table, files)
    where = _where(table.drop(columns=matched.column), labels, named)
    notes = [f"Films are named by the column {matched.column}.", *matched.notes]
    notes += [f"Truth of {label}: {where[label]}." for label in labels if label in where]
    notes += [
        f"No column of the truth seems to hold {label}: name one so, with 1 where it is there and "
        "0 where not."
        for label in labels
        if label not in where
    ]
    predictions = truth.predictions_of(rows, table, matched, where, meanings)
    return predictions, notes, verdict(rows, table, matched, where, meanings)


def _tell(counted: Tally, out: Path) -> None:
    typer.echo(f"{out}: {counted.files:,} files, {counted.failed:,} of them could not be read")
    for part, films in counted.parts.most_common():
        typer.echo(f"  {part or 'not recognized':<24}{films:>8,}")
    for (model, label), one in counted.findings.items():
        name = f"{model}, {label}"
        told = [
            f"{one.positive:>8,} of {one.judged:,} positive",
            *([f"{one.unsure:,} cannot tell"] if one.unsure else ()),
            *([f"{one.aside:,} set aside: made for patients of another age"] if one.aside else ()),
        ]
        typer.echo(f"  {name:<44}{'; '.join(told)}")


def _tell_performance(
    several: list[Predictions], notes: list[str], over_all: Verdict | None
) -> None:
    from xray_models.evaluate.performance import performance
    from xray_models.number_text import percent

    for note in notes:
        typer.echo(note)
    if over_all is not None:
        typer.echo("\nAll films, whichever model read them")
        for label in over_all.labels:
            typer.echo(f"  {label.sentence}")
        for name, why in over_all.unread[:_MOST_NAMED]:
            typer.echo(f"  not read: {name}: {why}")
        if (more := len(over_all.unread) - _MOST_NAMED) > 0:
            typer.echo(f"  not read: {more:,} more; the table of results names them")
    for predictions in several:
        typer.echo(f"\n{predictions.name}")
        head = f"  {'':<24}{'films':>7}{'with it':>8}  {'AUC (95 % interval)':<46}"
        typer.echo(f"{head}{'threshold':>10}{'sensitivity':>12}{'specificity':>12}")
        for one in performance(predictions):
            typer.echo(
                f"  {one.label:<24}{one.films:>7,}{one.positives:>8,}  "
                f"{one.auc_in_words:<46}{one.threshold:>10.3f}"
                f"{percent(one.counts.sensitivity, 1):>12}{percent(one.counts.specificity, 1):>12}"
            )
            if one.note:
                typer.echo(f"    {one.note}")
        for note in predictions.notes:
            typer.echo(f"  {note}")

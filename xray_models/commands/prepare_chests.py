"""`prepare padchest` and `prepare join`: published label tables -> the 22 findings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.commands import fail

if TYPE_CHECKING:
    from xray_models.datasets.padchest import Counts

__all__ = ["join_tables", "prepare_padchest"]

Out = Annotated[Path, typer.Argument(help="Folder to write.")]
_TOLD_EVERY = 20_000


def prepare_padchest(
    labels: Annotated[
        Path, typer.Argument(help="PadChest's table of labels, plain or gzipped CSV.")
    ],
    out: Out,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of the films; those that are not there are left out."),
    ] = None,
    projection: Annotated[
        list[str] | None,
        typer.Option(
            help="Keep this projection: PA, L, AP, AP_horizontal, COSTAL. All by default."
        ),
    ] = None,
    manual_only: Annotated[
        bool, typer.Option("--manual-only", help="Keep only what physicians labeled.")
    ] = False,
) -> None:
    """Take PadChest's labels to the 22 findings, a row per film; nothing names a patient."""
    from xray_models.datasets import DataSetError, padchest

    def progress(rows: int) -> None:
        if rows % _TOLD_EVERY == 0:
            typer.echo(f"{rows:,} rows", err=True)

    chosen = tuple(projection) if projection else padchest.PROJECTIONS
    try:
        counts = padchest.prepare(labels, out, images, chosen, manual_only, progress)
    except DataSetError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}. Check the path.")
    _tell(counts)
    typer.echo(f"written: {out}")


def join_tables(
    tables: Annotated[list[Path], typer.Argument(help="Prepared folders or their tables.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    seed: Annotated[int, typer.Option(help="Another seed gives another split.")] = 0,
) -> None:
    """Join prepared tables into one, split by patient: 80 % train, 10 % validation, 10 % test."""
    from xray_models.datasets import DataSetError
    from xray_models.datasets.findings22 import table

    whole = [one if one.suffix == ".csv" else one / table.NAME for one in tables]
    try:
        counts = table.join(whole, out / table.NAME, seed)
    except DataSetError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}. Check the path.")
    for source, splits in counts.items():
        typer.echo(f"{source}: " + ", ".join(f"{n:,} {split}" for split, n in splits.items()))
    typer.echo(f"written: {out / table.NAME}")


def _tell(counts: Counts) -> None:
    from xray_models.datasets.findings22 import FINDINGS

    typer.echo(f"{counts.rows:,} rows, {counts.films:,} films of {counts.patients:,} patients")
    for reason, number in counts.excluded.most_common():
        typer.echo(f"left out, {reason}: {number:,} ({', '.join(counts.examples[reason])} ...)")
    _counted("labeled", counts.labeled_by)
    _counted("projections", counts.projections)
    _counted("findings", {one: counts.findings[one] for one in FINDINGS})


def _counted(what: str, numbers: Mapping[str, int]) -> None:
    typer.echo(f"{what}: " + ", ".join(f"{name} {number:,}" for name, number in numbers.items()))

"""`prepare dicom-to-png` and `prepare download`: folders and buckets of any size to films."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.commands import fail

if TYPE_CHECKING:
    from xray_models.datasets.collect.dicom_png import Conversion
    from xray_models.datasets.collect.storage import Downloads

__all__ = ["dicom_to_png", "download"]

Workers = Annotated[
    int | None, typer.Option(help="How many at the same time; one per processor by default.", min=1)
]
_NAMED = 10  # problems named one by one
_TOLD_EVERY = 10.0  # seconds


def dicom_to_png(
    folder: Annotated[Path, typer.Argument(help="Folder of DICOM files, with its subfolders.")],
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    bits: Annotated[int, typer.Option(help="8 or 16 bits of gray.")] = 8,
    workers: Workers = None,
    keep_names: Annotated[
        bool,
        typer.Option(
            "--keep-names", help="Keep names and subfolders, where they tell nothing of a patient."
        ),
    ] = False,
) -> None:
    """Write DICOM files as PNG with the grays that Read shows, and nothing of their headers.

    Run it again to go on. Which file became which PNG stands in OUT.files.csv, beside the folder:
    keep that to yourself. Ends with 1 if a file could not be written.
    """
    from xray_models.datasets import DataSetError
    from xray_models.datasets.collect import dicom_png

    told = _Clock()

    def progress(count: Conversion) -> None:
        if told.due():
            typer.echo(f"{count.written:,} written, {count.before:,} there", err=True)

    try:
        count = dicom_png.convert(folder, out, bits, workers, keep_names, progress)
    except DataSetError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}. Check the path.")
    typer.echo(
        f"{count.written:,} written, {count.before:,} were there, {count.same:,} the same as "
        f"another, {count.skipped:,} no DICOM"
    )
    typer.echo(f"which is which: {dicom_png.journal_of(out)} (it holds the files' names)")
    _end(count.problems)


def download(
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    bucket: Annotated[
        str | None, typer.Option(help="Address in object storage, such as gs://name/folder.")
    ] = None,
    listed: Annotated[
        Path | None, typer.Option("--list", help="Text file with an address a line.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Files at the same time.", min=1)] = 4,
    unzip: Annotated[
        bool, typer.Option("--unzip", help="Unpack ZIP archives, each into a folder beside it.")
    ] = False,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Ask without credentials, as for public buckets.")
    ] = False,
) -> None:
    """Fetch a bucket or a list of addresses: gs, s3, http and https.

    Run it again to go on. Ends with 1 if a file could not be fetched or unpacked.
    """
    from xray_models.datasets import DataSetError
    from xray_models.datasets.collect import storage

    if (bucket is None) == (listed is None):
        fail("Give either --bucket or --list.")
    told = _Clock()

    def progress(count: Downloads) -> None:
        if told.due():
            done = f"{count.fetched:,} fetched, {count.before:,} there"
            typer.echo(f"{done}, {count.bytes / 1e6:,.0f} MB", err=True)

    try:
        remotes = (
            storage.in_bucket(bucket, anonymous) if bucket else storage.in_list(Path(listed or ""))
        )
        count = storage.download(remotes, out, workers, unzip, anonymous, progress=progress)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "fsspec":
            raise
        fail('Downloads need the package fsspec. Run: python -m pip install "radlens[storage]"')
    except DataSetError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}. Check the path.")
    typer.echo(
        f"{count.fetched:,} fetched ({count.bytes / 1e6:,.1f} MB), {count.before:,} were there, "
        f"{count.unpacked:,} unpacked"
    )
    _end(count.problems)


class _Clock:
    """Clock that says when it is time for another line."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < _TOLD_EVERY:
            return False
        self._last = now
        return True


def _end(problems: dict[str, str]) -> None:
    for name, problem in list(problems.items())[:_NAMED]:
        typer.echo(f"{name}: {problem}", err=True)
    if len(problems) > _NAMED:
        typer.echo(f"and {len(problems) - _NAMED:,} more", err=True)
    if problems:
        raise typer.Exit(1)

"""`prepare`: from a data set as published to the folder that training reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xray_models.commands import fail

Published = Annotated[Path, typer.Argument(help="The data set's folder as downloaded.")]
Out = Annotated[Path, typer.Argument(help="Folder to write.")]


def prepare_fracatlas(published: Published, out: Out) -> None:
    """Scale the films of FracAtlas, and add the groups and landmarks made for RadLens."""
    from tqdm import tqdm

    from xray_models.datasets import DataSetError, prepare

    with tqdm(desc="films", unit="film") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        try:
            missing = prepare.fracatlas(published, out, progress)
        except DataSetError as error:
            fail(str(error))
    if missing:
        listed = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        typer.echo(f"{len(missing)} films were not in the download: {listed}", err=True)
    typer.echo(f"written: {out}")

"""`prepare`: from a data set as published to the folder that training reads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from xray_models.commands import fail
from xray_models.commands.training_packages import needs_training_packages

__all__ = ["Lenient", "Out", "Published", "prepare_fracatlas", "prepare_webfilms"]

Published = Annotated[Path, typer.Argument(help="The data set's folder as downloaded.")]
Out = Annotated[Path, typer.Argument(help="Folder to write.")]
Lenient = Annotated[
    bool, typer.Option("--lenient", help="Leave out films that cannot be read, and go on.")
]


@needs_training_packages
def prepare_fracatlas(published: Published, out: Out, lenient: Lenient = False) -> None:
    """Scale the films of FracAtlas, and add the groups and landmarks made for RadLens."""
    from xray_models.datasets import prepare

    _written(prepare.fracatlas, published, out, lenient)


@needs_training_packages
def prepare_webfilms(published: Published, out: Out, lenient: Lenient = False) -> None:
    """Choose and scale the teaching films of a Roboflow export, and add their landmarks."""
    from xray_models.datasets import prepare_webfilms

    _written(prepare_webfilms.webfilms, published, out, lenient)


def _written(
    prepare: Callable[[Path, Path, Callable[[int, int], None]], list[str]],
    published: Path,
    out: Path,
    lenient: bool,
) -> None:
    from tqdm import tqdm

    from xray_models.datasets import DataSetError, problems

    with ExitStack() as stack:
        found = stack.enter_context(problems.collecting()) if lenient else []
        bar = stack.enter_context(tqdm(desc="films", unit="film"))

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        try:
            missing = prepare(published, out, progress)
        except DataSetError as error:
            fail(str(error))
    for problem in found:
        typer.echo(f"left out: {problem}", err=True)
    if missing:
        listed = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        typer.echo(f"{len(missing)} films are not there: {listed}", err=True)
    typer.echo(f"written: {out}")

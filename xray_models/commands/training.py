"""`train MODEL` and `publish MODEL`: a command for each recipe."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.commands import fail

if TYPE_CHECKING:
    from xray_models.train.recipe import Recipe

Data = Annotated[Path, typer.Option(help="Folder with the data sets.", envvar="RADLENS_DATA")]
Run = Annotated[Path | None, typer.Option(help="Run folder; runs/MODEL by default.")]
Arch = Annotated[str | None, typer.Option(help="Another architecture than the recipe's.")]


def train(name: str) -> Callable[..., None]:
    """The command that trains a recipe."""

    def command(
        data: Data,
        run: Run = None,
        arch: Arch = None,
        start: Annotated[
            str | None,
            typer.Option(
                help="Another start: lite0, hed, imagenet, a model's id, run:NAME, or none."
            ),
        ] = None,
        epochs: Annotated[int | None, typer.Option(min=1, help="As many epochs.")] = None,
        resume: Annotated[bool, typer.Option(help="Go on after the last finished epoch.")] = False,
        fold: Annotated[
            int | None,
            typer.Option(help="Only this fold of a cross-validation: they may run side by side."),
        ] = None,
    ) -> None:
        from xray_models.datasets import DataSetError
        from xray_models.train import loop

        recipe, folder = _recipe(name, arch), run or Path("runs") / name
        if start:
            recipe = replace(recipe, start=None if start == "none" else start)
        if epochs:
            recipe = replace(recipe, epochs=epochs)
        folder.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(
            level=logging.INFO,
            format="%(asctime)s %(message)s",
            handlers=[logging.StreamHandler(), logging.FileHandler(folder / "train.log")],
        )
        try:
            typer.echo(f"kept weights: {loop.train(recipe, data, folder, resume, fold)}")
        except (DataSetError, ModuleNotFoundError, FileNotFoundError, ValueError) as error:
            fail(str(error))

    return command


def publish(name: str) -> Callable[..., None]:
    """The command that publishes a finished run of a recipe."""

    def command(
        data: Data,
        run: Run = None,
        arch: Arch = None,
        alternative: Annotated[
            bool,
            typer.Option(
                "--alternative", help="Compare with the weights that ship; do not replace them."
            ),
        ] = False,
    ) -> None:
        from xray_models.catalogue import get
        from xray_models.datasets import DataSetError
        from xray_models.evaluate import report
        from xray_models.train import publishing

        put = publishing.publish_alternative if alternative else publishing.publish
        try:
            put(_recipe(name, arch), data, run or Path("runs") / name)
        except (DataSetError, ValueError, OSError) as error:
            fail(str(error))
        typer.echo(report.report(get(name)))

    return command


def _recipe(name: str, architecture: str | None) -> Recipe:
    from xray_models.train import named

    found = named(name)
    return found.with_architecture(architecture) if architecture else found

"""`train MODEL` and `publish MODEL`: a command for each recipe."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.commands import fail
from xray_models.commands.training_packages import needs_training_packages

if TYPE_CHECKING:
    from xray_models.train.recipe import Recipe

__all__ = ["Arch", "Data", "Lenient", "Resume", "Run", "log_to", "publish", "train"]

Data = Annotated[Path, typer.Option(help="Folder with the data sets.", envvar="RADLENS_DATA")]
Run = Annotated[Path | None, typer.Option(help="Run folder; runs/MODEL by default.")]
Arch = Annotated[str | None, typer.Option(help="Another architecture than the recipe's.")]
Resume = Annotated[
    bool, typer.Option(help="Go on after the last finished epoch; else begin anew in the folder.")
]
Lenient = Annotated[
    bool, typer.Option("--lenient", help="Leave out what is missing or malformed, and go on.")
]


def train(name: str) -> Callable[..., None]:
    """The command that trains a recipe."""

    @needs_training_packages
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
        resume: Resume = False,
        fold: Annotated[
            int | None,
            typer.Option(help="Only this fold of a cross-validation: they may run side by side."),
        ] = None,
        lenient: Lenient = False,
    ) -> None:
        from xray_models.datasets import DataSetError
        from xray_models.datasets.checking import checked
        from xray_models.train import loop
        from xray_models.train.recipes.registry import named

        recipe, folder = named(name), run or Path("runs") / name
        asked = "" if start is None else None if start == "none" else start
        recipe = recipe.with_architecture(arch or recipe.architecture, asked)
        if epochs:
            recipe = replace(recipe, epochs=epochs)
        recipe = replace(recipe, films=checked(recipe.films, lenient))
        try:
            log_to(folder)
            typer.echo(f"kept weights: {loop.train(recipe, data, folder, resume, fold)}")
        except (DataSetError, ValueError, OSError) as error:
            fail(str(error))

    return command


def publish(name: str) -> Callable[..., None]:
    """The command that publishes a finished run of a recipe."""

    @needs_training_packages
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
        lenient: Annotated[
            bool, typer.Option("--lenient", help="As in a training that was lenient.")
        ] = False,
    ) -> None:
        from xray_models.catalogue import get
        from xray_models.datasets import DataSetError
        from xray_models.datasets.checking import checked
        from xray_models.report import model_text
        from xray_models.train import publishing
        from xray_models.train.recipes.registry import named

        put = publishing.publish_alternative if alternative else publishing.publish
        recipe, folder = named(name), run or Path("runs") / name
        recipe = recipe.with_architecture(arch or recipe.architecture)
        recipe = replace(recipe, films=checked(recipe.films, lenient))
        try:
            put(replace(recipe, scaling=_scaling(recipe, folder)), data, folder)
        except (DataSetError, ValueError, OSError) as error:
            fail(str(error))
        typer.echo(model_text.report(get(name)))

    return command


def log_to(folder: Path) -> None:
    """Log to the terminal and to train.log in the run folder, which is made if absent.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        handlers=[logging.StreamHandler(), logging.FileHandler(folder / "train.log")],
    )


def _scaling(recipe: Recipe, run: Path) -> str:
    """What a run's films were scaled by: a recipe's may be another today."""
    from xray_models.train.data import cross_validation
    from xray_models.train.run_folder.journal import CONFIG

    path = run / (cross_validation.SHIPPED if recipe.folds else "") / CONFIG
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file. Train first, or name the folder with --run."
        )
    found = json.loads(path.read_text(encoding="utf-8"))
    return str(found.get("scaling", recipe.scaling))

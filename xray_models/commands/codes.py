"""`codes FOLDER OUT`, `train codes CODES --out RUN` and `test codes RUN CODES`."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from xray_models.commands import fail
from xray_models.commands.training import Lenient, Resume
from xray_models.commands.training_packages import needs_training_packages

__all__ = [
    "Codes",
    "beside_xvision",
    "codes",
    "evaluate_codes",
    "train_chest_nodule",
    "train_codes",
]

Codes = Annotated[Path, typer.Argument(help="Folder that `codes` wrote.")]


@needs_training_packages
def codes(
    folder: Annotated[Path, typer.Argument(help="Images: a sub-folder per class, or see --csv.")],
    out: Annotated[Path, typer.Argument(help="Where the codes go; run again to go on.")],
    csv: Annotated[
        Path | None,
        typer.Option(help="Table with the columns file, label and, if known, group (patient)."),
    ] = None,
    start: Annotated[
        str,
        typer.Option(help="Weights of VGG16: hed, imagenet (a download), or a vgg16 model's id."),
    ] = "hed",
    size: Annotated[int, typer.Option(help="Height and width in pixels.", min=32)] = 224,
    versions: Annotated[
        int, typer.Option(help="Codes per image: itself, mirrored, then random crops.", min=1)
    ] = 1,
    stop: Annotated[
        bool, typer.Option(help="Stop at a file that cannot be used, rather than leave it out.")
    ] = False,
) -> None:
    """Compute the VGG16 codes of a folder of labeled images, once."""
    from xray_models.datasets import DataSetError
    from xray_models.datasets import folder as folders
    from xray_models.train.vgg_codes import encode, table
    from xray_models.train.vgg_codes.store import CodesError, Settings, Store

    try:
        listed = folders.read(folder, csv, stop)
        settings = Settings(start=start, input_size=(size, size), versions=versions)
        store = Store(out, settings)
        images = {film.facts["sha256"]: film.path for film in listed.films}
        known = sum(image in store for image in images)
        problems = encode.encode(images, store, stop)
        listed = folders.without(listed, problems)
        store.begin()
        table.write(out, listed.films, listed.labels)
    except (DataSetError, CodesError, ValueError, OSError) as error:
        fail(str(error))
    for problem in listed.problems:
        typer.echo(f"left out: {problem}", err=True)
    groups = len({film.group for film in listed.films})
    typer.echo(
        f"{len(listed.films)} images of {len(listed.labels)} labels in {groups} groups; "
        f"{known} codes were there already. {len(listed.problems)} left out."
    )


@needs_training_packages
def train_codes(
    codes: Codes,
    out: Annotated[Path, typer.Option(help="Run folder.")],
    pool: Annotated[str, typer.Option(help="mean of the grid of codes, or flatten.")] = "mean",
    epochs: Annotated[int, typer.Option(min=1)] = 20,
    batch: Annotated[int, typer.Option(min=2)] = 20,
    learning_rate: Annotated[float, typer.Option(min=0)] = 0.01,
    momentum: Annotated[float, typer.Option(help="0: plain SGD.", min=0, max=0.999)] = 0.0,
    dropout: Annotated[float, typer.Option(min=0, max=0.9)] = 0.5,
    balance: Annotated[
        float, typer.Option(help="1 draws every class equally often, 0 as they come.", min=0, max=1)
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Of split, start and order.")] = 7,
    resume: Resume = False,
) -> None:
    """Train the 512-512 network with batch normalization on codes, with a checkpoint per epoch."""
    from xray_models.train.vgg_codes.fit import Fit
    from xray_models.train.vgg_codes.run import train_run
    from xray_models.train.vgg_codes.store import CodesError

    how = Fit(
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        momentum=momentum,
        dropout=dropout,
        balance=balance,
        seed=seed,
    )
    try:
        train_run(codes, out, how, pool, progress=_say, resume=resume)
    except (CodesError, ValueError, OSError) as error:
        fail(str(error))
    typer.echo(f"checkpoints, history.csv, metrics.json and curves.png: {out}")


@needs_training_packages
def evaluate_codes(
    run: Annotated[Path, typer.Argument(help="Run folder of `train codes`.")],
    codes: Codes,
    epoch: Annotated[
        int | None, typer.Option(help="Whose checkpoint; the last by default.", min=1)
    ] = None,
) -> None:
    """Judge a run on images that it never saw: confusion matrix, precision and recall per class."""
    from xray_models.train.vgg_codes.run import evaluate_run
    from xray_models.train.vgg_codes.store import CodesError

    try:
        result = evaluate_run(run, codes, epoch)
    except (CodesError, ValueError, OSError) as error:
        fail(str(error))
    typer.echo(f"{result}\n\npredictions: {run / 'predictions.csv'}")


@needs_training_packages
def train_chest_nodule(
    data: Annotated[Path, typer.Option(help="Folder with the data sets.", envvar="RADLENS_DATA")],
    run: Annotated[Path, typer.Option(help="Run folder; its codes are used again.")] = Path(
        "runs/chest-nodule"
    ),
    resume: Resume = False,
    lenient: Lenient = False,
) -> None:
    """Train chest-nodule: codes once, then a network per fold; `publish` puts it into the app."""
    from xray_models.datasets import DataSetError
    from xray_models.datasets.checking import checked
    from xray_models.train.recipes import chest_nodule
    from xray_models.train.vgg_codes.store import CodesError

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = replace(chest_nodule.RECIPE, films=checked(chest_nodule.RECIPE.films, lenient))
    try:
        typer.echo(f"kept weights: {chest_nodule.train(data, run, recipe, resume)}")
    except (DataSetError, CodesError, ValueError, OSError) as error:
        fail(str(error))


def beside_xvision() -> None:
    """Print chest-nodule's figures at a balanced mix, beside those that Xvision reported."""
    from xray_models.catalogue import CatalogueError, get
    from xray_models.report import xvision_text

    try:
        typer.echo("\n".join(xvision_text.lines(get(xvision_text.MODEL))))
    except (CatalogueError, ValueError) as error:
        fail(str(error))


def _say(line: dict[str, float]) -> None:
    figures = "  ".join(f"{name} {value:.3f}" for name, value in line.items() if name != "epoch")
    typer.echo(f"epoch {int(line['epoch'])}  {figures}")

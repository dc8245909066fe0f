"""`train padchest` and `evaluate padchest`: the 22 findings, from a joined table to figures."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.commands import fail
from xray_models.commands.training import Lenient, Resume, log_to
from xray_models.commands.training_packages import needs_training_packages

if TYPE_CHECKING:
    from xray_models.evaluate.label_table import LabelRow
    from xray_models.evaluate.predictions.predictions import Predictions

__all__ = ["evaluate_padchest", "train_padchest"]

Data = Annotated[Path, typer.Option(help="Folder that `prepare join` or `prepare padchest` wrote.")]


@needs_training_packages
def train_padchest(
    data: Data,
    arch: Annotated[str, typer.Option(help="chexnet or unified.")] = "chexnet",
    backbone: Annotated[str, typer.Option(help="densenet121 or efficientnetb0.")] = "densenet121",
    pooling: Annotated[
        str, typer.Option(help="Of the unified network: lse (log-sum-exp), average or max.")
    ] = "lse",
    r: Annotated[
        float, typer.Option(help="Of log-sum-exp: near 0 the mean, large the maximum.")
    ] = (10.0),
    learn_r: Annotated[bool, typer.Option("--learn-r", help="Let training change r.")] = False,
    run: Annotated[
        Path | None, typer.Option(help="Run folder; runs/padchest-ARCH by default.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Another start: imagenet, lite0, a model's id, or none.")
    ] = None,
    size: Annotated[int, typer.Option(help="Input height and width in pixels.", min=32)] = 224,
    epochs: Annotated[int, typer.Option(help="At most; stops early.", min=1)] = 20,
    batch: Annotated[int, typer.Option(help="Films per step.", min=1)] = 16,
    learning_rate: Annotated[float, typer.Option(help="To begin with.", min=0)] = 1e-4,
    resume: Resume = False,
    lenient: Lenient = False,
) -> None:
    """Train a network for the 22 findings; the test split is kept for `evaluate padchest`."""
    from xray_models.datasets import DataSetError
    from xray_models.datasets.checking import checked
    from xray_models.train import loop
    from xray_models.train.recipes import padchest

    folder = run or Path("runs") / f"padchest-{arch}"
    try:
        recipe = padchest.recipe(
            arch,
            backbone,
            pooling=pooling,
            r=r,
            learned_r=learn_r,
            start={None: "", "none": None}.get(start, start),
            input_size=size,
            epochs=epochs,
            batch=batch,
            learning_rate=learning_rate,
        )
        log_to(folder)
        kept = loop.train(
            replace(recipe, films=checked(recipe.films, lenient)), data, folder, resume
        )
    except (DataSetError, ValueError, OSError) as error:
        fail(str(error))
    typer.echo(f"kept weights: {kept}")


@needs_training_packages
def evaluate_padchest(
    run: Annotated[Path, typer.Option(help="Run folder of `train padchest`.")],
    data: Data,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    heatmaps: Annotated[
        int, typer.Option(help="Draw class activations of as many films for each finding.", min=0)
    ] = 0,
    replicates: Annotated[int, typer.Option(help="Resamples for the intervals.", min=1)] = 1000,
    to: Annotated[
        Path | None, typer.Option(help="Folder of your models: put the network there, for the app.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--replace", help="Overwrite chest-22 in that folder.")
    ] = False,
) -> None:
    """Judge a run: AUC per finding with intervals by patient, and maps; kept in its folder."""
    from xray_models.datasets import DataSetError
    from xray_models.importers.user_models import UserModelError
    from xray_models.train import judging22
    from xray_models.train.recipes import padchest

    try:
        recipe = padchest.of_run(run)
        films = recipe.films(data)
        if split not in films:
            fail(f"There is no split {split!r}. Choose {', '.join(films)}.")
        network = judging22.network_of(recipe, run)
        found = judging22.predictions(network, films[split], recipe, run.name)
        rows = judging22.rows(found, replicates)
        _keep(found, rows, run)
        for line in _lines(rows):
            typer.echo(line)
        if heatmaps:
            number = judging22.write_maps(
                network, recipe, films[split], found, run / "heatmaps", heatmaps
            )
            typer.echo(f"{number} maps: {run / 'heatmaps'}")
        if to:
            validation = judging22.predictions(network, films["validation"], recipe, run.name)
            card = judging22.into_folder(network, recipe, validation, to, overwrite)
            typer.echo(f"{card.id}: {to}. Set RADLENS_MODELS to that folder, and start the app.")
    except (DataSetError, UserModelError, ValueError, OSError) as error:
        fail(str(error))
    typer.echo(f"Kept in {run}: predictions.csv, auc.csv")
    typer.echo("For teaching and research, not for diagnosis.")


def _lines(rows: list[LabelRow]) -> list[str]:
    lines = [f"{'finding':<36}{'films':>8}{'with it':>9}  AUC (95 % interval)"]
    for row in rows:
        one = row.auc
        figure = (
            "-" if one.value != one.value else f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"
        )
        lines.append(
            f"{row.name:<36}{row.films:>8,}{row.positives:>9,}  {figure}  {row.note}".rstrip()
        )
    return lines


def _keep(found: Predictions, rows: list[LabelRow], run: Path) -> None:
    with (run / "auc.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["finding", "films", "positives", "auc", "low", "high", "average_precision"]
        )
        for row in rows:
            numbers = (row.auc.value, row.auc.low, row.auc.high, row.average_precision.value)
            writer.writerow(
                [row.name, row.films, row.positives, *(f"{one:.4f}" for one in numbers)]
            )
    with (run / "predictions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        facts = list(found.subgroups)
        truth = [f"truth:{one}" for one in found.labels]
        writer.writerow(["image", "group", *facts, *truth, *(f"p:{one}" for one in found.labels)])
        for place in range(found.films):
            known = ["" if one != one else int(one) for one in found.truth[place]]
            scores = [f"{one:.5f}" for one in found.scores[place]]
            of = [found.subgroups[name][place] for name in facts]
            writer.writerow([found.images[place], found.groups[place], *of, *known, *scores])

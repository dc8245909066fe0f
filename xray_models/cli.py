"""The command lines: `python -m xray_models` and `python classify.py`."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xray_models.catalogue import CatalogueError, catalogue, get
from xray_models.commands import fail
from xray_models.train import RECIPES

if TYPE_CHECKING:
    from xray_models.train.recipe import Recipe

app = typer.Typer(
    help="RadLens: X-ray models, seen and judged. For teaching and research, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
)
training = typer.Typer(
    help="Train a model from its recipe; `publish` puts the result into the catalogue.",
    no_args_is_help=True,
)
publication = typer.Typer(
    help="Predict a finished run's held-out films and write weights, table and card to assets/.",
    no_args_is_help=True,
)
app.add_typer(training, name="train")
app.add_typer(publication, name="publish")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Data = Annotated[Path, typer.Option(help="Folder with the data sets.", envvar="RADLENS_DATA")]
Run = Annotated[Path | None, typer.Option(help="Run folder; runs/MODEL by default.")]
Arch = Annotated[str | None, typer.Option(help="Another architecture than the recipe's.")]
Model = Annotated[str, typer.Argument(help="Id of a model, as `list` prints it.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models of the catalogue."""
    try:
        cards = catalogue().values()
    except CatalogueError as error:
        fail(str(error))
    for card in cards:
        if as_json:
            typer.echo(json.dumps(asdict(card), ensure_ascii=False))
        else:
            parts = ", ".join(card.parts) or "any film"
            typer.echo(f"{card.id:<18}{card.architecture:<16}{card.name} ({parts})")


@app.command()
def report(
    model: Annotated[str | None, typer.Argument(help="Id of a model.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every model.")] = False,
    readme: Annotated[
        bool, typer.Option(help="With --all: also refresh the table in README.md.")
    ] = False,
) -> None:
    """Recompute a model's held-out figures from its stored predictions."""
    from xray_models.evaluate import report as reports

    if (model is None) == (not every):
        fail("Name one model, or give --all.")
    try:
        cards = list(catalogue().values()) if every else [get(str(model))]
        for card in cards:
            typer.echo(reports.report(card))
        if readme:
            readme_path = Path(__file__).resolve().parent.parent / "README.md"
            reports.refresh_readme(readme_path, cards)
    except (CatalogueError, ValueError) as error:
        fail(str(error))


def _train(name: str) -> Callable[..., None]:
    def command(
        data: Data,
        run: Run = None,
        arch: Arch = None,
        start: Annotated[
            str | None,
            typer.Option(help="Another start: lite0, hed, imagenet, a model's id, or none."),
        ] = None,
        resume: Annotated[bool, typer.Option(help="Go on after the last finished epoch.")] = False,
    ) -> None:
        from xray_models.datasets import DataSetError
        from xray_models.train import loop

        recipe, folder = _recipe(name, arch), run or Path("runs") / name
        if start:
            recipe = replace(recipe, start=None if start == "none" else start)
        folder.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(
            level=logging.INFO,
            format="%(asctime)s %(message)s",
            handlers=[logging.StreamHandler(), logging.FileHandler(folder / "train.log")],
        )
        try:
            typer.echo(f"kept weights: {loop.train(recipe, data, folder, resume)}")
        except (DataSetError, ModuleNotFoundError, FileNotFoundError, ValueError) as error:
            fail(str(error))

    return command


def _publish(name: str) -> Callable[..., None]:
    def command(data: Data, run: Run = None, arch: Arch = None) -> None:
        from xray_models.datasets import DataSetError
        from xray_models.train import publishing

        try:
            publishing.publish(_recipe(name, arch), data, run or Path("runs") / name)
        except (DataSetError, CatalogueError, OSError) as error:
            fail(str(error))
        report(name)

    return command


def _recipe(name: str, architecture: str | None) -> Recipe:
    from xray_models.train import named

    found = named(name)
    return found.with_architecture(architecture) if architecture else found


for _name in RECIPES:
    training.command(_name, help=f"Train {_name} from its recipe.")(_train(_name))
    publication.command(_name, help=f"Publish a finished run of {_name}.")(_publish(_name))


def classify_command() -> None:
    """`python classify.py FILE...`."""
    typer.run(_classify)


def _classify(
    files: Annotated[list[Path], typer.Argument(help="Radiographs: PNG, JPEG, DICOM...")],
    as_json: AsJson = False,
    part: Annotated[str | None, typer.Option(help="The body part, if you know better.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Ask this model whatever the part.")
    ] = None,
) -> None:
    """Read radiographs. For teaching and research, not for diagnosis."""
    import classify
    from xray_models.radiograph import UnreadableRadiograph
    from xray_models.weights import WeightsError

    failed = False
    for file in files:
        try:
            reading = classify.read(file, part=part, models=model)
        except UnreadableRadiograph as error:
            failed = True
            if as_json:
                typer.echo(json.dumps({"file": str(file), "error": str(error)}, ensure_ascii=False))
            else:
                typer.echo(f"{file}: {error}", err=True)
        except (classify.CannotClassify, CatalogueError, WeightsError) as error:
            fail(str(error))  # the same for every file: not worth repeating
        else:
            if as_json:
                line = {"file": str(file)} | reading.as_dict()
                typer.echo(json.dumps(line, ensure_ascii=False))
            else:
                typer.echo(_in_words(file, reading))
        sys.stdout.flush()
    if failed:
        raise typer.Exit(1)


def _in_words(file: Path, reading: Any) -> str:
    other, other_probability = reading.runner_up
    part = reading.part or "not recognized"
    lines = [
        f"{file}: {part} (probability {reading.part_probability:.3f}, "
        f"runner-up {other} {other_probability:.3f})"
    ]
    for one in reading.chosen:
        lines.append(f"  {one.model}: {one.why}")
        for finding in reading.findings:
            if finding.model == one.model:
                sign = "+" if finding.positive else "-"
                lines.append(
                    f"    {sign} {finding.label:<24}{finding.probability:.3f}"
                    f"  (threshold {finding.threshold:.3f})"
                )
    lines += [f"  ! {warning}" for warning in reading.warnings]
    lines.append("  " + ", ".join(f"{k} {v * 1000:.0f} ms" for k, v in reading.seconds.items()))
    return "\n".join(lines)

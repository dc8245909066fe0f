"""The command lines: `python -m xray_models` and `python classify.py`."""

from __future__ import annotations

import importlib
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from xray_models.catalogue import CatalogueError, catalogue, get

app = typer.Typer(
    help="RadLens: X-ray models, seen and judged. For teaching and research, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Model = Annotated[str, typer.Argument(help="Id of a model, as `list` prints it.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models of the catalogue."""
    try:
        cards = catalogue().values()
    except CatalogueError as error:
        _fail(str(error))
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
        _fail("Name one model, or give --all.")
    try:
        cards = list(catalogue().values()) if every else [get(str(model))]
        for card in cards:
            typer.echo(reports.report(card))
        if readme:
            readme_path = Path(__file__).resolve().parent.parent / "README.md"
            reports.refresh_readme(readme_path, cards)
    except (CatalogueError, ValueError) as error:
        _fail(str(error))


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="Which recipe: body-part, bone-general, ...")],
    data: Annotated[Path, typer.Option(help="Folder with the data sets.", envvar="RADLENS_DATA")],
    run: Annotated[Path | None, typer.Option(help="Run folder; runs/MODEL by default.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on after the last finished epoch.")] = False,
) -> None:
    """Train a model from its recipe; `publish` puts the result into the catalogue."""
    from xray_models.datasets import DataSetError
    from xray_models.train import loop

    folder = run or Path("runs") / model
    folder.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        handlers=[logging.StreamHandler(), logging.FileHandler(folder / "train.log")],
    )
    try:
        typer.echo(f"best weights: {loop.train(_recipe(model), data, folder, resume)}")
    except (DataSetError, ModuleNotFoundError) as error:
        _fail(str(error))


@app.command()
def publish(
    model: Annotated[str, typer.Argument(help="Which recipe was trained.")],
    data: Annotated[Path, typer.Option(help="Folder with the data sets.", envvar="RADLENS_DATA")],
    run: Annotated[Path | None, typer.Option(help="Run folder; runs/MODEL by default.")] = None,
) -> None:
    """Predict the held-out films of a finished run and write weights, table and card to assets/."""
    from xray_models.datasets import DataSetError
    from xray_models.train import publishing

    try:
        publishing.publish(_recipe(model), data, run or Path("runs") / model)
    except (DataSetError, CatalogueError, OSError) as error:
        _fail(str(error))
    report(model)


def _recipe(model: str) -> Any:
    from xray_models.train import RECIPES

    if model not in RECIPES:
        _fail(f"There is no recipe for {model!r}. Recipes: {', '.join(RECIPES)}.")
    return importlib.import_module(f"xray_models.train.{RECIPES[model]}").RECIPE


def _fail(message: str) -> Any:
    typer.echo(message, err=True)
    raise typer.Exit(2)


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
            _fail(str(error))  # the same for every file: not worth repeating
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

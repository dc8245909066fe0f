"""`train mura`, `evaluate mura`, `explore mura`: MURA-v1.1 from its folder to figures per study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from xray_models.commands import fail
from xray_models.commands.training import Resume, log_to
from xray_models.commands.training_packages import needs_training_packages

__all__ = ["Data", "Lenient", "evaluate_mura", "explore_mura", "train_mura"]

Data = Annotated[Path, typer.Option(help="The folder MURA-v1.1, or the one that holds it.")]
Lenient = Annotated[
    bool, typer.Option("--lenient", help="Leave out what is missing or malformed, and go on.")
]


@needs_training_packages
def train_mura(
    part: Annotated[str, typer.Option(help="elbow ... wrist, body (detector) or all (general).")],
    data: Data,
    arch: Annotated[str, typer.Option(help="densenet169 or efficientnetb0.")] = "densenet169",
    run: Annotated[Path | None, typer.Option(help="Run folder; runs/mura-PART by default.")] = None,
    start: Annotated[
        str | None, typer.Option(help="Another start: imagenet, lite0, a model's id, or none.")
    ] = None,
    size: Annotated[int, typer.Option(help="Input height and width in pixels.")] = 320,
    epochs: Annotated[int, typer.Option(help="At most; stops early without progress.")] = 20,
    batch: Annotated[int, typer.Option(help="Films per step.")] = 8,
    resume: Resume = False,
    lenient: Lenient = False,
) -> None:
    """Train a MURA model; the published valid split is kept for `evaluate mura`."""
    from xray_models.datasets import DataSetError
    from xray_models.train import loop
    from xray_models.train.recipes import mura

    folder = run or Path("runs") / f"mura-{part}"
    try:
        recipe = mura.recipe(
            part,
            arch,
            start={None: "", "none": None}.get(start, start),
            input_size=size,
            epochs=epochs,
            batch=batch,
            strict=not lenient,
        )
    except ValueError as error:
        fail(str(error))
    try:
        log_to(folder)
        kept = loop.train(recipe, data, folder, resume)
    except (DataSetError, ValueError, OSError) as error:
        fail(str(error))
    typer.echo(f"kept weights: {kept}")


@needs_training_packages
def evaluate_mura(
    run: Annotated[Path, typer.Option(help="Run folder of `train mura`.")],
    data: Data,
    rule: Annotated[
        str, typer.Option(help="A study's probability from its views': mean or min.")
    ] = "mean",
    threshold: Annotated[
        float | None,
        typer.Option(help="Operating point; by default chosen on validation (Youden)."),
    ] = None,
    lenient: Lenient = False,
) -> None:
    """Judge a run on the published valid split, per study and per view; kept in its folder."""
    from xray_models.datasets import DataSetError
    from xray_models.evaluate import mura_studies
    from xray_models.train.recipes import mura

    if rule not in mura_studies.RULES:
        fail(f"There is no rule {rule!r} for studies. Rules: {', '.join(mura_studies.RULES)}.")
    if threshold is not None and not 0 < threshold < 1:
        fail(f"A threshold lies between 0 and 1; {threshold} does not.")
    try:
        recipe = mura.of_run(run, strict=not lenient)
        views = mura.predict(recipe, data, run)
    except (DataSetError, ValueError, OSError) as error:
        fail(str(error))
    units = {"study": mura_studies.by_study(views, recipe.labels, rule), "view": views}
    try:
        results = {
            unit: mura_studies.evaluate(rows, recipe.labels, unit, threshold)
            for unit, rows in units.items()
        }
    except ValueError as error:
        fail(f"{error} Give --threshold.")
    units["study"].to_csv(run / "studies.csv", index=False)
    views.to_csv(run / "views.csv", index=False)

    typer.echo(f"{recipe.model} on the published valid split; studies by the {rule} of their views")
    for one in results.values():
        typer.echo(f"\n{one}")
    record = {"model": recipe.model, "rule": rule} | {
        unit: one.as_dict() for unit, one in results.items()
    }
    path = run / "evaluation.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    typer.echo(f"\nKept in {path}, studies.csv and views.csv.")
    typer.echo("For teaching and research, not for diagnosis.")


@needs_training_packages
def explore_mura(
    data: Data,
    to: Annotated[Path, typer.Option(help="Folder for the figures and tables.")] = Path(
        "exploration"
    ),
) -> None:
    """Count films, studies and patients by part and label, views per study, sizes; draw them."""
    from xray_models.datasets import DataSetError, exploration, mura

    try:
        published = {split: mura.read(data, split) for split in mura.SPLITS}
    except DataSetError as error:
        fail(str(error))
    films = exploration.describe({split: found.films for split, found in published.items()})
    tables = {
        "counts": exploration.counts(films),
        "views-per-study": exploration.views_per_study(films).reset_index(),
        "sizes": exploration.sizes(films),
    }
    to.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(to / f"{name}.csv", index=False)
        typer.echo(f"{name.replace('-', ' ').capitalize()}\n")
        typer.echo(table.to_string(index=False, float_format="{:.3f}".format) + "\n")
    for path in exploration.draw(films, to):
        typer.echo(f"drawn: {path}")
    problems = [problem for found in published.values() for problem in found.problems]
    for problem in problems:
        typer.echo(f"left out: {problem}", err=True)

"""The command line: `radlens`, or `python -m xray_models`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from xray_models import __version__
from xray_models.catalogue import (
    Card,
    CatalogueError,
    app_folder,
    catalogue,
    get,
    is_own,
    shipped,
)
from xray_models.catalogue.segmenters import segmenters
from xray_models.catalogue.wanted import wanted
from xray_models.commands import (
    codes,
    dashboard,
    download,
    explain,
    export,
    fail,
    import_keras,
    import_torch,
    localize,
    lungs,
    measure,
    mura,
    padchest,
    prepare,
    prepare_chests,
    prepare_files,
    prepare_openi,
    score,
    serve,
    teach,
    training,
    warm,
)
from xray_models.commands.options import AsJson
from xray_models.commands.quiet import quiet
from xray_models.train.recipes.registry import RECIPES

app = typer.Typer(
    help="RadLens: X-ray models, seen and judged. For teaching and research, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"RadLens {__version__}")
        raise typer.Exit


@app.callback()
def _whole(
    version: Annotated[  # noqa: ARG001 - its callback reads it
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    quiet()


def _group(name: str, about: str) -> typer.Typer:
    group = typer.Typer(help=about, no_args_is_help=True)
    group.callback()(lambda: None)  # a group stays one, also with a single command
    app.add_typer(group, name=name)
    return group


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models of the catalogue."""
    try:
        cards = list(catalogue().values())
    except CatalogueError as error:
        fail(str(error))
    if as_json:
        for card in cards:
            typer.echo(json.dumps(asdict(card), ensure_ascii=False))
        return
    wide = [max(map(len, column), default=0) for column in _columns(cards)]
    for card in cards:
        parts = ", ".join(card.parts) or "any film"
        first, second = card.id.ljust(wide[0]), card.architecture.ljust(wide[1])
        typer.echo(f"{first}  {second}  {card.name} ({parts}){_origin(card)}")
    for missing in wanted():
        typer.echo(missing.sentence, err=True)  # the table itself is of what can be asked


def _columns(cards: Sequence[Card]) -> tuple[list[str], list[str]]:
    return [card.id for card in cards], [card.architecture for card in cards]


def _origin(card: Card) -> str:
    """Whose model it is, where it does not ship with RadLens."""
    if not is_own(card):
        return ""
    return ", yours, in place of the shipped one" if card.id in shipped() else ", yours"


@app.command()
def report(
    model: Annotated[str | None, typer.Argument(help="Id of a model.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every model.")] = False,
    readme: Annotated[
        bool, typer.Option(help="With --all: also refresh README.md and docs/models.md.")
    ] = False,
) -> None:
    """Recompute a model's held-out figures from its stored predictions."""
    from xray_models.report import model_text, segmenter_text
    from xray_models.report import readme as readme_table

    if (model is None) == (not every):
        fail("Name one model, or give --all.")
    if readme and not every:
        fail("--readme writes the whole table of models: give --all with it.")
    try:
        finders = [card for card in segmenters().values() if every or card.id == model]
        alone = bool(finders) and not every
        known = shipped() if readme else catalogue()  # the README tells of what ships
        cards = list(known.values()) if every else [] if alone else [get(str(model))]
        if readme:  # first: without a README nobody waits for the rest
            readme_path = app_folder() / "README.md"
            readme_table.refresh_readme(readme_path, cards)
        for card in cards:
            typer.echo(model_text.report(card))
        for finder in finders:
            typer.echo(segmenter_text.report(finder))
        if every:
            typer.echo(readme_table.pooled_line(cards))
            typer.echo(readme_table.whole_films_line(cards))
    except (CatalogueError, ValueError) as error:
        fail(str(error))


_train = _group("train", "Train a model from its recipe, on MURA, or on codes.")
_publish = _group("publish", "Judge a finished run on its held-out films and write it to assets/.")
for _name in RECIPES:
    # on codes of its own, so its training is its own
    _trainer = codes.train_chest_nodule if _name == "chest-nodule" else training.train(_name)
    _train.command(_name, help=f"Train {_name} from its recipe.")(_trainer)
    _publish.command(_name, help=f"Publish a finished run of {_name}.")(training.publish(_name))
_train.command("chest-lungs")(lungs.train_lungs)
_publish.command("chest-lungs")(lungs.publish_lungs)
_train.command("mura")(mura.train_mura)
_train.command("padchest")(padchest.train_padchest)
_train.command("codes")(codes.train_codes)

app.command("codes")(codes.codes)
_test = _group("test", "Judge what `train` made.")
_test.command("codes")(codes.evaluate_codes)
_test.command("xvision")(codes.beside_xvision)
_prepare = _group("prepare", "Turn a data set as published into what training reads.")
_prepare.command("fracatlas")(prepare.prepare_fracatlas)
_prepare.command("webfilms")(prepare.prepare_webfilms)
_prepare.command("padchest")(prepare_chests.prepare_padchest)
_prepare.command("openi")(prepare_openi.prepare_openi)
_prepare.command("dicom-to-png")(prepare_files.dicom_to_png)
_prepare.command("download")(prepare_files.download)
_prepare.command("join")(prepare_chests.join_tables)
_group("explore", "Draw what a data set holds.").command("mura")(mura.explore_mura)
_evaluate = _group("evaluate", "Judge a run on films that it never saw.")
_evaluate.command("mura")(mura.evaluate_mura)
_evaluate.command("padchest")(padchest.evaluate_padchest)
_import = _group("import", "Bring weights of other projects.")
_import.command("keras")(import_keras.import_keras)
_import.command("torch")(import_torch.import_torch)

app.command("app", context_settings=dashboard.SETTINGS)(dashboard.dashboard)
app.command("download")(download.download)
app.command("explain")(explain.explain)
app.command("export")(export.export)
app.command("localize")(localize.localize)
app.command("score")(score.score)
app.command("serve")(serve.serve)
app.command("warm")(warm.warm)
_group("teach", "Make sets for the teaching page.").command("make-set")(teach.make_set)
_measure = _group("measure", "Measure heatmaps on held-out films, and the labeler of reports.")
_measure.command("localization")(measure.localization)
_measure.command("faithfulness")(measure.faithfulness)
_measure.command("sanity")(measure.sanity)
_measure.command("bfloat16")(measure.bfloat16)
_measure.command("reports")(prepare_openi.measure_reports)
_measure.command("conformal")(measure.conformal)

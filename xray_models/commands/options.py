"""Options that several commands take, and what they say of a model of the user's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from xray_models.catalogue import USER_FOLDER, Card, own_models, shipped
from xray_models.commands import fail

__all__ = ["AsJson", "OwnFolder", "Replace", "own_folder", "tell_imported"]

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
OwnFolder = Annotated[
    Path | None,
    typer.Option("--to", help="Folder of your own models.", envvar=USER_FOLDER, show_envvar=True),
]
Replace = Annotated[bool, typer.Option("--replace", help="Overwrite an earlier import.")]


def own_folder(named: Path | None) -> Path:
    """The folder that was named for the user's own models; ends the command where none was."""
    if named is None:
        fail(f"Name a folder for your own models: --to FOLDER, or set {USER_FOLDER}.")
    return named


def tell_imported(card: Card, folder: Path) -> None:
    """Say what was imported, whose place it takes, and where RadLens finds it."""
    height, width = card.input_size
    typer.echo(
        f"{card.id}: {card.architecture}, {height} x {width} pixels, {card.scaling}, "
        f"labels {', '.join(card.labels)}. {card.limits[0]}"
    )
    if card.id in shipped():
        typer.echo(
            f"It stands in place of the {card.id} that ships with RadLens wherever {USER_FOLDER} "
            f"names {folder}. To undo that, delete {folder / 'models' / f'{card.id}.json'}, or "
            f"unset {USER_FOLDER}."
        )
    if os.environ.get(USER_FOLDER) != str(folder) and folder != own_models():
        typer.echo(f"RadLens shows it when started with {USER_FOLDER}={folder}")

"""`python -m xray_models teach`: teaching sets, made of a folder of films and a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xray_models.commands import fail

__all__ = ["make_set"]


def make_set(
    folder: Annotated[Path, typer.Argument(help="Folder that holds the films.")],
    truth: Annotated[
        Path,
        typer.Argument(
            help="CSV: a column 'image' with file names, and a column of 1 and 0 for each "
            "question. Columns part, age, boxes and note are optional."
        ),
    ],
    out: Annotated[Path, typer.Option(help="TOML file to write; it should lie in the folder.")],
    license: Annotated[str, typer.Option(help="License of the films.")],  # noqa: A002
    title: Annotated[str, typer.Option(help="Title of the set.")] = "",
    source: Annotated[str, typer.Option(help="Whose films they are.")] = "",
    about: Annotated[str, typer.Option(help="What readers are told before they begin.")] = "",
    force: Annotated[bool, typer.Option(help="Write over a file that is there.")] = False,
) -> None:
    """Make a teaching set of a folder of films and a table of their truth."""
    from xray_models.teaching import set_making, sets

    if out.exists() and not force:
        fail(f"{out} is there already. Give --force to write over it.")
    try:
        made = set_making.make_set(folder, truth, license, title, source, about)
        out.write_text(sets.as_toml(made), encoding="utf-8")
    except sets.SetError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{out} cannot be written ({error.strerror}).")
    if out.resolve().parent != folder.resolve():
        typer.echo(f"Move {out.name} into {folder}: the paths in it begin there.", err=True)
    questions = ", ".join(one.text for one in made.questions)
    typer.echo(f"{out}: {len(made.films)} films. Questions: {questions}")

"""`warm`: every model converted once, so that an app that starts reads its first film at once."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from xray_models.catalogue import CatalogueError, catalogue
from xray_models.commands import fail

__all__ = ["warm"]

_WORDS = {"reading": "its pass", "maps": "its maps"}


def warm(
    clear: Annotated[bool, typer.Option("--clear", help="Empty the folder first.")] = False,
) -> None:
    """Convert every model once into the cache folder, which makes later starts quick."""
    from xray_models.inference import converted
    from xray_models.inference.filler import missing
    from xray_models.inference.weights import WeightsError

    where = converted.folder()
    if where is None:
        fail("RADLENS_CACHE is off, so there is no folder to fill. Unset it, or name a folder.")
    if not converted.usable():
        typer.echo("This machine has a graphics card: TensorFlow reads the films, nothing to do.")
        return
    failed = False
    try:
        if clear and where.is_dir():
            shutil.rmtree(where)
        cards = catalogue()
        left = missing(cards.values())
        for number, (model, step) in enumerate(left, 1):
            typer.echo(f"{number} of {len(left)}  {model}: {_WORDS[step]}")
            try:
                converted.fill(cards[model], step)
            except OSError:
                raise
            except WeightsError as error:
                fail(str(error))
            except (NotImplementedError, RuntimeError) as error:
                failed = True
                typer.echo(f"{model} stays on TensorFlow: {error}", err=True)
        converted.sweep(cards.values())
    except CatalogueError as error:
        fail(str(error))
    except OSError as error:
        fail(converted.unwritable(error))
    size = sum(path.stat().st_size for path in where.glob("*.network")) / 1e6
    typer.echo(f"{len(cards)} models in {where}, {size:.0f} MB.")
    if failed:
        raise typer.Exit(1)

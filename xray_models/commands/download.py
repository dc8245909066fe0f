"""`download`: a public checkpoint fetched and imported in one go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.catalogue import USER_FOLDER, CatalogueError
from xray_models.commands import fail
from xray_models.commands.options import Replace, tell_imported

if TYPE_CHECKING:
    from xray_models.importers.fetching import Progress

__all__ = ["download"]

_STEP = 4_000_000  # bytes between two lines


def download(
    name: Annotated[
        str | None,
        typer.Argument(
            help="chexnet, chexnet-localization, reproduce-chexnet, xrv-all, xrv-nih, xrv-pc, "
            "xrv-chex, xrv-rsna, xrv-mimic-nb or xrv-mimic-ch. Without one: the list."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--as", help="Id to import as. chest-14 puts it in the place of RadLens's own."
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            help="Folder of your own models. Default: one in your cache, where RadLens finds it.",
            envvar=USER_FOLDER,
            show_envvar=True,
        ),
    ] = None,
    replace: Replace = False,
) -> None:
    """Fetch a public checkpoint, check it, and import it; a second call goes on where one broke."""
    from xray_models.importers.checkpoints import CHECKPOINTS
    from xray_models.importers.downloading import download as download_checkpoint
    from xray_models.importers.downloading import folders
    from xray_models.importers.fetching import FetchError

    if name is None:
        for one in CHECKPOINTS.values():
            typer.echo(f"{one.id.ljust(22)}{one.name}; {len(one.trained)} findings")
        return
    if name not in CHECKPOINTS:
        fail(f"There is no checkpoint {name!r}. There are: {', '.join(CHECKPOINTS)}.")
    try:
        downloads, own = folders() if to is None else (to / "downloads", to)
        card = download_checkpoint(
            CHECKPOINTS[name],
            downloads,
            own,
            model=model,
            replace=replace,
            progress=_progress(),
            tell=_tell,
        )
    except (FetchError, CatalogueError, ValueError, OSError) as error:
        fail(str(error))
    tell_imported(card, own)


def _progress() -> Progress:
    """What is told how far a file is: a line on stderr every few megabytes."""
    last = 0

    def progress(here: int, total: int) -> None:
        nonlocal last
        if here < last or here - last >= _STEP or here == total:
            last = here
            of = f" of {total / 1e6:.1f}" if total else ""
            typer.echo(f"{here / 1e6:.1f}{of} MB", err=True)

    return progress


def _tell(message: str) -> None:
    typer.echo(message, err=True)

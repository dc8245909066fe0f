"""`import torch`: a published PyTorch checkpoint as a model of the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xray_models.catalogue import CatalogueError
from xray_models.commands import fail
from xray_models.commands.options import OwnFolder, Replace, own_folder, tell_imported

__all__ = ["import_torch"]


def import_torch(
    weights: Annotated[Path, typer.Argument(help="File of PyTorch: .pth, .pth.tar, .pt, .pkl.")],
    like: Annotated[
        str,
        typer.Option(
            help="Whose file it is, or whose network it has: chexnet, chexnet-localization, "
            "reproduce-chexnet, xrv-all, xrv-nih, xrv-pc, xrv-chex, xrv-rsna, xrv-mimic-nb, "
            "xrv-mimic-ch."
        ),
    ],
    model: Annotated[
        str | None, typer.Option("--as", help="Id to import as: chest-NAME. Default: by --like.")
    ] = None,
    thresholds: Annotated[
        Path | None, typer.Option(help="thresholds.npy: a threshold for each label.")
    ] = None,
    to: OwnFolder = None,
    replace: Replace = False,
) -> None:
    """Bring a published PyTorch checkpoint into your own folder. No code in the file is run."""
    from xray_models.importers.checkpoints import CHECKPOINTS
    from xray_models.importers.refusal import ImportRefused

    if like not in CHECKPOINTS:
        fail(f"--like {like!r} is not known. Known: {', '.join(CHECKPOINTS)}.")
    folder = own_folder(to)
    from xray_models.importers import torch_model, user_models

    try:
        card = torch_model.import_file(
            weights, CHECKPOINTS[like], folder, model, thresholds, replace
        )
    except (ImportRefused, user_models.UserModelError, CatalogueError, OSError) as error:
        fail(str(error))
    tell_imported(card, folder)

"""A published checkpoint, from its address to a model of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xray_models.catalogue import CatalogueError, cache_folder, own_models
from xray_models.importers import fetching
from xray_models.importers.checkpoints import Checkpoint, RemoteFile
from xray_models.importers.fetching import Cancelled, FetchError, Progress

if TYPE_CHECKING:
    from xray_models.catalogue import Card

__all__ = ["download", "folders"]


def folders() -> tuple[Path, Path]:
    """The folder that downloads go to, and the one of the user's own models; neither need exist.

    Raises:
        CatalogueError: there is none.
    """
    own, cache = own_models(), cache_folder()
    if own is None:
        raise CatalogueError(
            "There is no folder for downloaded models: RADLENS_CACHE is off. Name one with "
            "RADLENS_MODELS."
        )
    return (own if cache is None else cache) / "downloads", own


def download(
    checkpoint: Checkpoint,
    downloads: Path,
    own: Path,
    *,
    model: str | None = None,
    replace: bool = False,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Card:
    """Fetch a checkpoint with what belongs to it, and import it.

    Args:
        checkpoint: which one.
        downloads: folder for the files; what is there already is not fetched again.
        own: folder of the user's own models.
        model: id to import as; the checkpoint's own by default.
        replace: overwrite a model of the same id.
        progress: told how far each file is.
        stop: asked between pieces.
        tell: called with a sentence at each step, and on what could not be had but is not needed.

    Raises:
        FetchError: the weights cannot be had.
        ImportRefused, UserModelError, CatalogueError: they cannot be imported.
        OSError: a folder cannot be written.
    """
    target = own / "models" / f"{model or checkpoint.model}.json"
    if target.exists() and not replace:  # before anything is fetched for nothing
        from xray_models.importers.user_models import UserModelError

        raise UserModelError(f"{target} exists already. Give --replace to overwrite that model.")

    def say(message: str) -> None:
        if tell is not None:
            tell(message)

    def get(file: RemoteFile) -> Path:
        return fetching.fetch(file, downloads, progress, stop)

    def get_if_possible(file: RemoteFile | None) -> Path | None:
        try:
            return None if file is None else get(file)
        except Cancelled:
            raise
        except FetchError as error:
            say(f"{error} The model is imported without it.")
            return None

    weights = get(checkpoint.weights)
    cutoffs = get_if_possible(checkpoint.cutoffs)
    predictions, truth = get_if_possible(checkpoint.predictions), get_if_possible(checkpoint.truth)
    say("Importing.")
    # TensorFlow comes with these, after whatever may fail without it
    from xray_models.importers import published_predictions, torch_model
    from xray_models.importers.refusal import ImportRefused

    held_out = None
    if predictions is not None and truth is not None:
        try:
            held_out = published_predictions.held_out(predictions, truth, checkpoint.labels)
        except ImportRefused as error:
            say(f"{error} The model is imported without published predictions.")
    return torch_model.import_file(weights, checkpoint, own, model, cutoffs, replace, held_out)

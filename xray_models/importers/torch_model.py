"""Import of a published PyTorch checkpoint as a model of the user's own, with a card."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xray_models import networks
from xray_models.catalogue import Card
from xray_models.importers import torch_densenet, torch_file, user_models
from xray_models.importers.checkpoints import Checkpoint
from xray_models.importers.refusal import ImportRefused
from xray_models.importers.user_models import NOT_MEASURED

__all__ = ["card_of", "import_file", "read_cutoffs"]

_ARCHITECTURE = "densenet121"
_MOST_CUTOFFS = 4096  # bytes
_PUBLISHED = (
    "Its figures are of predictions that its author published on his test films. RadLens did not "
    "compute them."
)


def import_file(
    path: Path,
    checkpoint: Checkpoint,
    folder: Path,
    model: str | None = None,
    cutoffs: Path | None = None,
    replace: bool = False,
    held_out: pd.DataFrame | None = None,
) -> Card:
    """Import a checkpoint into the folder of the user's own models. No code in it is run.

    Args:
        path: as PyTorch saved it.
        checkpoint: which one it is, or is made like.
        folder: made if absent.
        model: id to import as; the checkpoint's own by default.
        cutoffs: `.npy` with a threshold for each label.
        replace: overwrite a model of the same id.
        held_out: predictions that its authors published, see `published_predictions`.

    Raises:
        ImportRefused: a file cannot be read, or is of another network.
        UserModelError: the id tells no part, or is taken.
        OSError: the folder cannot be written.
    """
    model = model or checkpoint.model
    task, parts = user_models.parts_of(model)
    file = torch_file.read(path)
    labels = checkpoint.trained
    thresholds = dict(checkpoint.thresholds)
    if cutoffs is not None:
        thresholds = dict(zip(labels, read_cutoffs(cutoffs, len(labels)), strict=True))
    network = networks.build(_ARCHITECTURE, checkpoint.input_size, len(labels))
    torch_densenet.copy_into(network, file, checkpoint.labels, checkpoint.head)
    card = card_of(checkpoint, thresholds, file.name, cutoffs is not None)
    if held_out is not None:
        card["limits"][0] = _PUBLISHED
    card |= {"id": model, "task": task, "parts": list(parts)}
    return user_models.add(folder, network, card, replace, held_out)


def read_cutoffs(path: Path, labels: int) -> list[float]:
    """Thresholds of an `.npy` file, as CheXNet-with-localization keeps them.

    Args:
        path: of the file.
        labels: how many there must be.

    Returns:
        A number in 0..1 for each label.

    Raises:
        ImportRefused: it is no such file.
    """
    try:
        if path.stat().st_size > _MOST_CUTOFFS:
            raise ValueError("larger than a few thresholds are")
        # without allow_pickle nothing in it can be run
        values = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
        found = [float(value) for value in np.asarray(values, np.float64).ravel()]
    except (OSError, ValueError, EOFError, TypeError, SyntaxError) as error:
        raise ImportRefused(f"{path.name}: no thresholds can be read from it ({error}).") from error
    if len(found) != labels or not all(0 < value < 1 for value in found):
        raise ImportRefused(
            f"{path.name} must hold {labels} thresholds between 0 and 1, one for each label."
        )
    return found


def card_of(
    checkpoint: Checkpoint, thresholds: dict[str, float], file: str, own: bool
) -> dict[str, Any]:
    """Fields of a card, but for id, task and parts.

    Args:
        checkpoint: which one.
        thresholds: label -> operating point in 0..1.
        file: name of the file with the weights.
        own: whether the thresholds came with it, in a file.
    """
    points = [point for point in checkpoint.points if not math.isnan(point)]
    bias = [math.log((1 - point) / point) for point in points] or [0.0] * len(checkpoint.trained)
    limits = [f"This model was {NOT_MEASURED}.", *checkpoint.limits]
    if own:
        limits.append("Its thresholds came with it, in a file of their own.")
    elif checkpoint.cutoffs is not None:
        limits.append("Its thresholds of 0.5 were not chosen on any film.")
    return {
        "name": checkpoint.name,
        "architecture": _ARCHITECTURE,
        "input_size": list(checkpoint.input_size),
        "geometry": "fit",
        "scaling": checkpoint.scaling,
        "mean_std": list(checkpoint.mean_std),
        "activation": "sigmoid",
        "labels": list(checkpoint.trained),
        "thresholds": thresholds,
        "calibration": {"temperature": 1.0, "bias": bias},
        "weights": {
            "origin": f"{checkpoint.origin}, imported from {file}",
            "license": checkpoint.license,
        },
        "training": {
            "brief": checkpoint.brief,
            "data": list(checkpoint.data),
            "films": 0,
            "groups": 0,
            "start": "ImageNet weights, as its authors say"
            if checkpoint.scaling == "imagenet"
            else "not stated",
            "note": "Trained elsewhere; RadLens imported the weights as they are.",
        },
        "intended_use": "A model of other people, beside RadLens's own. For teaching and "
        "research, not for diagnosis.",
        "limits": limits,
        "references": list(checkpoint.references),
    }

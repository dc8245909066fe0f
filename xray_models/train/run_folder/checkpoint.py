"""Checkpoints of a training: the state from which it goes on, and the weights that it names.

The weights of an epoch carry its number in their names and count once state.json, which is written
last, names that epoch: wherever a run is killed, state and weights are of one epoch.
"""

from __future__ import annotations

import json
import math
import operator
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import tensorflow  # noqa: F401 - before keras: see pyproject.toml
import keras

from xray_models.train.run_folder.atomic_write import PART, atomic_write

__all__ = ["BEST", "Checkpoints", "ResumeError", "State", "readable", "save_weights"]

BEST = "best.weights.h5"
"""The weights that a run keeps, in its folder."""

_STATE = "state.json"
_EPOCH = re.compile(r"epoch-(\d+)\.weights\.h5")
_NUMBERED = re.compile(r"(?:last|best)-\d+\.weights\.h5|average-\d+\.npz")
# as runs had them whose files were not numbered
_EARLIER = ("last.weights.h5", "average.npz")


class ResumeError(ValueError):
    """A run folder from which no training can go on."""


@dataclass(frozen=True)
class State:
    """State of a training: how far it is, and what it keeps.

    Attributes:
        epoch: finished epochs.
        best: the best validation AUC so far, None before there was any.
        kept: the epoch whose weights the run keeps, 0 for none.
        worse: epochs since without a better validation AUC.
        learning_rate: of the next epoch where progress decides it, 0 for the recipe's.
        stopped: whether the training ended before its last epoch.
    """

    epoch: int = 0
    best: float | None = None
    kept: int = 0
    worse: int = 0
    learning_rate: float = 0.0
    stopped: bool = False


class Checkpoints:
    """State and weights of a training in its run folder.

    It goes on from `last` and `average`, and yields `best`, or a checkpoint `of` each epoch.

    Args:
        folder: the run folder; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def last(self, epoch: int) -> Path:
        """Weights and optimizer after an epoch."""
        return self._folder / f"last-{epoch}.weights.h5"

    def average(self, epoch: int) -> Path:
        """Running average of the weights after an epoch."""
        return self._folder / f"average-{epoch}.npz"

    def best(self, epoch: int) -> Path:
        """Weights of an epoch that are to be kept: `BEST` once the state says so."""
        return self._folder / f"best-{epoch}.weights.h5"

    def of(self, epoch: int) -> Path:
        """Weights of an epoch that stay when the next ends."""
        return self._folder / f"epoch-{epoch:02d}.weights.h5"

    def forget(self, up_to: float) -> None:
        """Delete the checkpoints `of` all epochs up to one."""
        for path in self._folder.iterdir():
            found = _EPOCH.fullmatch(path.name.removeprefix(PART))
            if found and int(found[1]) <= up_to:
                path.unlink()

    def clear(self) -> None:
        """Forget an earlier training, so that nobody takes its weights for those of the next."""
        # the state first: it must never name what is gone
        for name in (_STATE, BEST, *_EARLIER):
            (self._folder / name).unlink(missing_ok=True)
        self.forget(math.inf)
        self._tidy(State())

    def state(self) -> State:
        """State that an earlier call left; unfinished work of a killed one is cleared away.

        Raises:
            ResumeError: the state cannot be read, or what it names is not there.
        """
        path, best = self._folder / _STATE, self._folder / BEST
        if not path.is_file():
            if best.is_file():
                raise ResumeError(
                    f"{self._folder} holds {BEST}, but no {_STATE} to go on from. Train without "
                    "--resume to replace what is there, or choose another run folder."
                )
            self._tidy(State())
            return State()
        with readable(path):
            state = State(**json.loads(path.read_text(encoding="utf-8")))
            operator.index(state.epoch)
        self._tidy(state)
        if state.kept and not best.is_file():
            raise ResumeError(_lost(best, "no such file"))
        return state

    def load(self, network: keras.Model, epoch: int) -> None:
        """Give a compiled network the weights and the optimizer that it had after an epoch.

        Raises:
            ResumeError: they are not there, damaged, or those of another network.
        """
        network.optimizer.build(network.trainable_variables)
        with readable(self.last(epoch)), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of each layer before it raises
            network.load_weights(self.last(epoch))

    def commit(self, state: State) -> None:
        """Make the weights of the state's epoch, written before, those that count."""
        with atomic_write(self._folder / _STATE) as part:
            part.write_text(json.dumps(asdict(state)), encoding="utf-8")
        self._tidy(state)

    def _tidy(self, state: State) -> None:
        if state.kept and self.best(state.kept).is_file():
            self.best(state.kept).replace(self._folder / BEST)
        named = {self.last(state.epoch), self.average(state.epoch)}
        for path in self._folder.iterdir():
            of_ours = _NUMBERED.fullmatch(path.name.removeprefix(PART))
            if of_ours and path not in named:
                path.unlink()


def save_weights(network: keras.Model, path: Path) -> None:
    """Write a network's weights, and the optimizer of a compiled one, whole or not at all."""
    with atomic_write(path) as part:
        network.save_weights(part)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what reading a damaged or foreign file raises into a sentence that names the file.

    Raises:
        ResumeError: the file cannot be used.
    """
    try:
        yield
    except (
        OSError,
        EOFError,
        KeyError,
        RuntimeError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise ResumeError(_lost(path, str(error).strip().partition("\n")[0])) from error


def _lost(path: Path, why: str) -> str:
    return (
        f"{path}: the training cannot go on from this file ({why}). Bring it back, or train "
        "without --resume to begin anew."
    )

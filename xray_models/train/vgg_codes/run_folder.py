"""What a training on codes leaves in its run folder: a checkpoint per epoch, and a journal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow as tf
import keras

from xray_models.train.run_folder import hardware
from xray_models.train.run_folder.atomic_write import PART, atomic_write
from xray_models.train.run_folder.checkpoint import Checkpoints, State
from xray_models.train.run_folder.journal import Journal

__all__ = ["Kept", "Run", "checkpoint", "clear"]

_CHECKPOINT = re.compile(r"epoch-(\d+)\.weights\.h5")


@dataclass(frozen=True)
class Run:
    """Where a training is kept.

    Attributes:
        folder: made if absent.
        made_of: what config.json tells, beside what the training itself knows.
        keep: how many of the last checkpoints stay; all by default.
        resume: go on after the last finished epoch of an earlier call; without it that is deleted.
    """

    folder: Path
    made_of: Mapping[str, object] = field(default_factory=dict)
    keep: int | None = None
    resume: bool = False


class Kept:
    """The run folder while a training goes on.

    A checkpoint is the network as it reads codes. What a training goes on from is beside it, and is
    another: the network as it reads standardized codes, with its optimizer.

    Args:
        run: where and what.
        network: compiled; takes on the weights of an earlier call that is resumed.

    Raises:
        ResumeError: what an earlier call left cannot be read.
    """

    def __init__(self, run: Run, network: keras.Model) -> None:
        run.folder.mkdir(parents=True, exist_ok=True)
        if not run.resume:
            clear(run.folder)
        self._run = run
        self._checkpoints = Checkpoints(run.folder)
        self.epoch = self._checkpoints.state().epoch
        """Finished epochs."""
        self._journal = Journal(run.folder, self.epoch)
        if self.epoch:
            self._checkpoints.load(network, self.epoch)
        machine = hardware.described(tf.distribute.get_strategy())
        self._journal.begin({**run.made_of, "machine": machine})

    def add(self, line: dict[str, float], network: keras.Model, reader: keras.Model) -> None:
        """Keep an epoch.

        Args:
            line: its figures.
            network: what is trained.
            reader: the same for codes that are not standardized.
        """
        self.epoch = int(line["epoch"])
        for model, path in (
            (reader, self._run.folder / checkpoint(self.epoch)),
            (network, self._checkpoints.last(self.epoch)),
        ):
            with atomic_write(path) as part:
                model.save_weights(part)
        self._journal.epoch(line)
        self._checkpoints.commit(State(epoch=self.epoch))
        if self._run.keep is not None:
            _delete(self._run.folder, up_to=self.epoch - self._run.keep)

    def end(self) -> None:
        """Write the figures of the last epoch, and draw the curves."""
        figures = {name: one for name, one in self._journal.last().items() if name != "epoch"}
        self._journal.end({"epochs": self.epoch, **figures})


def checkpoint(epoch: int) -> str:
    """File name of an epoch's weights."""
    return f"epoch-{epoch:02d}.weights.h5"


def clear(folder: Path) -> None:
    """Forget an earlier training, so that nobody takes its checkpoints for those of the next."""
    Checkpoints(folder).clear()
    _delete(folder)


def _delete(folder: Path, up_to: float = float("inf")) -> None:
    for path in folder.iterdir():
        found = _CHECKPOINT.fullmatch(path.name.removeprefix(PART))
        if found and int(found[1]) <= up_to:
            path.unlink()

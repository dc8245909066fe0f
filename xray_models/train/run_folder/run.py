"""Run folder of a training while it goes on: where it stands, its checkpoints and its journal."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf
import keras
import numpy as np

from xray_models.train.run_folder import hardware
from xray_models.train.run_folder.checkpoint import Checkpoints, State
from xray_models.train.run_folder.journal import Journal

__all__ = ["RunFolder", "log"]

log = logging.getLogger(__name__)


class RunFolder:
    """Checkpoints and journal of a training, opened to begin it or to go on with it.

    Whoever trains calls `load` and `begin`, after every epoch writes its weights where
    `checkpoints` says and calls `finish`, and at last `end`.

    Args:
        path: of the folder; made if absent.
        resume: go on after the last finished epoch of an earlier call; without it that is deleted.

    Attributes:
        path: of the folder.
        checkpoints: the weights in it.
        state: how far the training is.

    Raises:
        ResumeError: what an earlier call left cannot be read.
    """

    def __init__(self, path: Path, resume: bool = False) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.checkpoints = Checkpoints(path)
        if not resume:
            self.checkpoints.clear()
        self.state = self.checkpoints.state()
        self._journal = Journal(path, self.state.epoch)

    def ended(self, epochs: int) -> bool:
        """Whether a training of so many epochs has none left to train."""
        return self.state.stopped or self.state.epoch >= epochs

    def load(self, network: keras.Model) -> None:
        """Give a compiled network the weights and the optimizer of the last finished epoch.

        Before the first epoch nothing happens.

        Raises:
            ResumeError: that is not there, damaged, or of another network.
        """
        if not self.state.epoch:
            return
        self.checkpoints.load(network, self.state.epoch)
        log.info("resumed after epoch %d", self.state.epoch)

    def begin(self, made_of: Mapping[str, object], strategy: tf.distribute.Strategy) -> None:
        """Write what the run is made of and what it runs on, and go on with its logs.

        Args:
            made_of: what JSON can hold.
            strategy: how the network is spread over the devices.
        """
        self._journal.begin({**made_of, "machine": hardware.described(strategy)})

    def classes(self, labels: Sequence[str], films: np.ndarray, drawn: np.ndarray) -> None:
        """Write and draw the films of each class; the arguments are those of `Journal.classes`."""
        self._journal.classes(labels, films, drawn)

    def finish(self, line: dict[str, float], state: State) -> None:
        """Make an epoch count, whose weights are written.

        Args:
            line: its figures; "epoch" is its number.
            state: after it.
        """
        self._journal.epoch(line)
        self.checkpoints.commit(state)
        self.state = state

    def end(self, figures: Mapping[str, float]) -> None:
        """Write the run's figures and draw its curves.

        Args:
            figures: beside the number of epochs.
        """
        self._journal.end({"epochs": self.state.epoch, **figures})

    def last(self) -> dict[str, float]:
        """Figures of the last epoch; nothing before there was one."""
        return {name: one for name, one in self._journal.last().items() if name != "epoch"}

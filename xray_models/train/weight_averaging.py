"""Running average of the weights: steadier than any single step, at no cost when used.

Polyak & Juditsky 1992; with momentum, as in Mean Teacher (Tarvainen & Valpola 2017,
arXiv:1703.01780).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from xray_models.train.run_folder.atomic_write import atomic_write
from xray_models.train.run_folder.checkpoint import readable

__all__ = ["RunningAverage"]


class RunningAverage(keras.callbacks.Callback):
    """Averages all weights over the steps; with momentum 0 it does nothing.

    Its memory grows with the steps until the momentum is reached, so that the start is forgotten.
    """

    def __init__(self, momentum: float) -> None:
        super().__init__()
        self._momentum = momentum
        self._steps = 0
        self._mean: list[np.ndarray] = []

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
        """Take in the weights after a step."""
        if not self._momentum:
            return
        self._steps += 1
        keep = min(self._momentum, self._steps / (self._steps + 10))
        now = [variable.numpy() for variable in self.model.weights]
        if not self._mean:
            self._mean = [np.array(value, np.float32) for value in now]
        for mean, value in zip(self._mean, now, strict=True):
            mean += (1 - keep) * (value - mean)

    @contextmanager
    def in_place(self, network: keras.Model) -> Iterator[None]:
        """Lend the average to the network."""
        if not self._mean:
            yield
            return
        own = network.get_weights()
        network.set_weights(self._mean)
        try:
            yield
        finally:
            network.set_weights(own)

    def save(self, path: Path) -> None:
        """Write the average beside the checkpoint."""
        if self._mean:
            with atomic_write(path) as part:
                np.savez(part, *self._mean, steps=self._steps)

    def load(self, path: Path) -> None:
        """Go on from a saved average; without momentum there is none.

        Raises:
            ResumeError: the file is missing or damaged.
        """
        if self._momentum:
            with readable(path), np.load(path) as saved:
                self._steps = int(saved["steps"])
                self._mean = [saved[f"arr_{index}"] for index in range(len(saved.files) - 1)]

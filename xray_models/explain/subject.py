"""What is explained: one input in one network, every pass made once and kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import tensorflow as tf
import keras
import numpy as np

from xray_models.explain.work import BATCH, Work
from xray_models.tracing import Traced, traced

_KEPT_BYTES = 48 * 2**20
_Value = TypeVar("_Value", bound=np.ndarray | tuple)


class Subject:
    """One input in one network.

    Everything that methods ask of the network goes through here and is kept up to 48 MiB, least
    recently used out first: another label, method or target then costs only what is new.
    """

    def __init__(
        self,
        network: keras.Model | Callable[[], Traced],
        inputs: np.ndarray,
        baseline: np.ndarray | None = None,
        known: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Take an input.

        Args:
            network: functional or sequential, nested or not, with or without a sigmoid or softmax
                at its end; its weights are read live. Or what returns its functions: a subject that
                outlives its network in memory must not hold it.
            inputs: float32, (1, height, width, channels), scaled as the network needs.
            baseline: what "no film" looks like to the network; anything that broadcasts to
                `inputs`, zeros by default.
            known: (activation of the default layer without the batch, logits), from a pass that
                was already made.

        Raises:
            ValueError: the network cannot be looked into, or the input does not fit it.
        """
        # a Keras model can be called, too
        live = isinstance(network, keras.Model)
        self._network: Callable[[], Traced] = (lambda: traced(network)) if live else network
        self.inputs = np.ascontiguousarray(inputs, np.float32)
        wanted = tuple(self.network.graph.inputs.shape[1:])
        if self.inputs.ndim != 4 or len(self.inputs) != 1 or self.inputs.shape[1:] != wanted:
            raise ValueError(f"The input has shape {self.inputs.shape}; needed is {(1, *wanted)}.")
        empty = np.zeros((), np.float32) if baseline is None else baseline
        self.baseline = np.broadcast_to(np.asarray(empty, np.float32), self.inputs.shape)
        self._kept: OrderedDict[Hashable, np.ndarray | tuple] = OrderedDict()
        self._lock = threading.RLock()
        if known is not None:
            self._kept["forward"] = known

    @property
    def network(self) -> Traced:
        """The network's functions."""
        return self._network()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the input in pixels."""
        return self.inputs.shape[1], self.inputs.shape[2]

    @property
    def default_layer(self) -> str:
        """The last activation."""
        return self.network.default_layer

    @property
    def logits(self) -> np.ndarray:
        """float32, (labels,)."""
        return self._forward()[1]

    def activation(self, layer: str | None = None) -> np.ndarray:
        """Output of a layer, float32, (rows, columns, channels).

        Raises:
            ValueError: no such layer, or its output is no grid.
        """
        if layer in (None, self.default_layer):
            return self._forward()[0]
        return self._front(str(layer))[0].numpy()[0].astype(np.float32)

    def gradients(self, vectors: np.ndarray, layer: str | None = None) -> np.ndarray:
        """Gradient of each weighted sum of logits by a layer's output.

        Only the part of the network above the layer is passed back through. Where that part is
        global average pooling and a linear head, nothing is: the gradient is the head over the
        number of cells, the same in each.

        Args:
            vectors: float32, (targets, labels).
            layer: name; the default layer if None.

        Returns:
            float32, (targets, rows, columns, channels), or (targets, 1, 1, channels) where it is
            the same in every cell.
        """
        layer = layer or self.default_layer
        head = self.head(layer)
        if head is not None:
            rows, columns, _ = self.network.grids[layer]
            return (vectors @ head.T)[:, None, None, :] / np.float32(rows * columns)

        def run(new: np.ndarray) -> np.ndarray:
            activation, crossing, _ = self._front(layer)
            return self.network.cut(layer).gradient(activation, crossing, tf.constant(new)).numpy()

        return self.per_vector(("gradient", layer), vectors, run)

    def head(self, layer: str | None = None) -> np.ndarray | None:
        """float32, (channels, labels): the linear head that reads the mean of a layer, or None."""
        return self.network.head if layer in (None, self.network.graph.pooled) else None

    def predict(self, batch: np.ndarray, work: Work | None = None) -> np.ndarray:
        """Logits of many inputs of this network.

        Args:
            batch: float32, (inputs, height, width, channels).
            work: told of progress.

        Returns:
            float32, (inputs, labels).
        """
        work = work or Work()
        return self.predict_made(len(batch), lambda part: batch[part], work)

    def predict_made(
        self, count: int, make: Callable[[slice], np.ndarray], work: Work
    ) -> np.ndarray:
        """Logits of inputs that are made batch by batch, so that memory holds one batch."""
        found = [self.network.forward(make(part))[1] for part in work.batches(count)]
        return np.concatenate(found) if found else np.zeros((0, self.network.labels), np.float32)

    def masked(self, count: int, make: Callable[[slice], np.ndarray], work: Work) -> np.ndarray:
        """Logits of the input where masks are 1 and of the baseline where they are 0.

        Args:
            count: number of masks.
            make: slice -> masks, float32 in 0..1, (masks, height, width).
            work: told of progress.

        Returns:
            float32, (masks, labels).
        """
        film, empty = self.inputs, self.baseline

        def blend(part: slice) -> np.ndarray:
            return empty + make(part)[..., None] * (film - empty)

        return self.predict_made(count, blend, work)

    def rest(
        self, layer: str, count: int, make: Callable[[slice], np.ndarray], work: Work
    ) -> np.ndarray:
        """Logits from changed outputs of a layer; only the part above it is run.

        Args:
            layer: name.
            count: number of changed outputs.
            make: slice -> activations, float32, (activations, rows, columns, channels).
            work: told of progress.

        Returns:
            float32, (activations, labels).
        """
        activation, crossing, _ = self._front(layer)
        rest, kind = self.network.cut(layer).rest, activation.dtype
        found = [
            rest(tf.cast(make(part), kind), crossing).numpy() for part in work.batches(count, BATCH)
        ]
        return np.concatenate(found)

    def per_vector(
        self, key: Hashable, vectors: np.ndarray, make: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Arrays for targets, made only for those not seen before.

        Args:
            key: what is made.
            vectors: float32, (targets, labels).
            make: vectors, (new targets, labels) -> (new targets, ...).
        """
        keys = [(key, vector.tobytes()) for vector in vectors]
        with self._lock:
            found = {i: self._kept[one] for i, one in enumerate(keys) if one in self._kept}
        new = [i for i in range(len(keys)) if i not in found]
        if new:
            made = make(np.ascontiguousarray(vectors[new], np.float32))
            for i, value in zip(new, made, strict=True):
                found[i] = self._keep(keys[i], value)
        return np.stack([found[i] for i in range(len(keys))])

    def once(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        """What `make` returns, made at most once as long as it is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[return-value]
        return self._keep(key, make())

    def _keep(self, key: Hashable, value: _Value) -> _Value:
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > _KEPT_BYTES:
                self._kept.popitem(last=False)
        return value

    def _forward(self) -> tuple[np.ndarray, np.ndarray]:
        def make() -> tuple[np.ndarray, np.ndarray]:
            activation, logits = self.network.forward(self.inputs)
            return activation[0], logits[0]

        return self.once("forward", make)

    def _front(self, layer: str) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        def make() -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
            if layer == self.default_layer and not self.network.graph.crossing(layer):
                activation, logits = self._forward()  # already there: no second pass
                kind = self.network.graph.grid(layer).dtype
                return tf.cast(activation[None], kind), [], tf.constant(logits[None])
            return tuple(self.network.cut(layer).front(tf.constant(self.inputs)))

        return self.once(("front", layer), make)


def _size(value: Any) -> int:
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    if isinstance(value, np.ndarray):
        return value.nbytes
    return int(np.prod(value.shape)) * value.dtype.size if tf.is_tensor(value) else 0

"""Pass cache: one input in one network, every pass made once and cached."""

from __future__ import annotations

import copy
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from xray_models.explain.progress import BATCH, Work
from xray_models.inference.network import Front, Network

if TYPE_CHECKING:
    import keras

__all__ = ["AtRest", "NotCached", "PassCache"]

_CACHE_BYTES = 48 * 2**20
_MOST_LABELS = 32  # whose gradients are computed together
_Value = TypeVar("_Value", bound=np.ndarray | tuple)


class PassCache:
    """Cache of the passes of one input through one network.

    Everything that methods ask of the network goes through here and is cached up to 48 MiB, least
    recently used out first: another label, method or target then costs only what is new.
    """

    def __init__(
        self,
        network: keras.Model | Callable[[], Network],
        inputs: np.ndarray,
        baseline: np.ndarray | None = None,
        known: tuple[np.ndarray, np.ndarray] | None = None,
        fronts: Mapping[str, Front] | None = None,
    ) -> None:
        """Take an input.

        Args:
            network: functional or sequential, nested or not, with or without a sigmoid or softmax
                at its end; its weights are read live. Or what returns its functions: a cache that
                outlives its network in memory must not hold it.
            inputs: float32, (1, height, width, channels), scaled as the network needs.
            baseline: what "no film" looks like to the network; anything that broadcasts to
                `inputs`, zeros by default.
            known: (activation of the default layer without the batch, logits), from a pass that
                was already made.
            fronts: layer -> what that pass left at a cut there; see `Network.read`.

        Raises:
            ValueError: the network cannot be looked into, or the input does not fit it.
        """
        self._network = _functions(network)
        self.inputs = np.ascontiguousarray(inputs, np.float32)
        wanted = self.network.input_shape
        if self.inputs.ndim != 4 or len(self.inputs) != 1 or self.inputs.shape[1:] != wanted:
            raise ValueError(f"The input has shape {self.inputs.shape}; needed is {(1, *wanted)}.")
        empty = np.zeros((), np.float32) if baseline is None else baseline
        self.baseline = np.broadcast_to(np.asarray(empty, np.float32), self.inputs.shape)
        self._cached: OrderedDict[Hashable, np.ndarray | tuple] = OrderedDict()
        self._asked: set[str] = set()
        self._lock = threading.RLock()
        if known is not None:
            self._cached["forward"] = known
        for layer, front in (fronts or {}).items():
            self._cached["front", layer] = front

    @property
    def network(self) -> Network:
        """The network's functions."""
        return self._network()

    def at_rest(self) -> PassCache:
        """The same input and all that is cached of it; running its network raises `NotCached`."""
        same = copy.copy(self)
        same._network = lambda: AtRest(self.network)
        return same

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the input in pixels."""
        return self.inputs.shape[1], self.inputs.shape[2]

    @property
    def default_layer(self) -> str:
        """Default layer of the network: its last activation."""
        return self.network.default_layer

    @property
    def logits(self) -> np.ndarray:
        """Logits of the input, float32, (labels,)."""
        return self._forward()[1]

    def activation(self, layer: str | None = None) -> np.ndarray:
        """Output of a layer, float32, (rows, columns, channels).

        Raises:
            ValueError: no such layer, or its output is no grid.
        """
        if layer in (None, self.default_layer):
            return self._forward()[0]
        return self._front(str(layer))[0][0].astype(np.float32)

    def gradients(
        self,
        vectors: np.ndarray,
        layer: str | None = None,
        work: Work | None = None,
        every_label: bool = False,
    ) -> np.ndarray:
        """Gradient of each weighted sum of logits by a layer's output.

        Only the part of the network above the layer is passed back through. Where that part is
        global average pooling and a linear head, nothing is: the gradient is the head over the
        number of cells, the same in each.

        What is asked first of a layer is computed alone. Whoever asks again is likely to go through
        the labels: then those of all labels are computed together, in two or three times the time
        of one, and every further target is a sum of them. That is left out for more than 32 labels
        or 24 MiB; so much is also the most that goes back through the network in one batch.

        Args:
            vectors: float32, (targets, labels).
            layer: name; the default layer if None.
            work: counts the passes, and is asked before each batch whether to go on.
            every_label: compute those of all labels right away, where that is not too much.

        Returns:
            float32, (targets, rows, columns, channels), or (targets, 1, 1, channels) where it is
            the same in every cell.

        Raises:
            ValueError: no such layer, or its output is no grid.
            Stopped: the work was stopped.
        """
        layer = layer or self.default_layer
        head = self.head(layer)
        if head is not None:
            rows, columns, _ = self.network.grids[layer]
            return (vectors @ head.T)[:, None, None, :] / np.float32(rows * columns)

        known = self._cached_gradients(layer, vectors)
        directions = self._gradients_to_make(layer, vectors, known, every_label)
        if directions:
            made = self._passed_back(layer, np.stack(directions), work or Work())
            for one, value in zip(directions, made, strict=True):
                known[one.tobytes()] = self._store(("gradient", layer, one.tobytes()), value)
            with self._lock:
                self._asked.add(layer)
        return np.stack([_sum_of(known, vector) for vector in vectors])  # type: ignore[misc]

    def has_room(self, layer: str | None = None) -> bool:
        """Whether gradients of all labels by a layer are few enough to be computed together."""
        most = self._most_at(layer or self.default_layer)
        return self.network.labels <= min(_MOST_LABELS, most)

    def head(self, layer: str | None = None) -> np.ndarray | None:
        """Linear head that reads the mean of a layer, float32, (channels, labels), or None."""
        return self.network.head if layer in (None, self.network.pooled) else None

    def predict(self, batch: np.ndarray, work: Work | None = None) -> np.ndarray:
        """Logits of many inputs of this network.

        Args:
            batch: float32, (inputs, height, width, channels).
            work: counts the passes, and stops them.

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
            work: counts the passes, and stops them.

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
            work: counts the passes, and stops them.

        Returns:
            float32, (activations, labels).
        """
        _, crossing, _ = self._front(layer)
        rest = self.network.cut(layer).rest
        found = [rest(make(part), crossing) for part in work.batches(count, BATCH)]
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
            found = {i: self._cached[one] for i, one in enumerate(keys) if one in self._cached}
        new = [i for i in range(len(keys)) if i not in found]
        if new:
            made = make(np.ascontiguousarray(vectors[new], np.float32))
            for i, value in zip(new, made, strict=True):
                found[i] = self._store(keys[i], value)
        return np.stack([found[i] for i in range(len(keys))])

    def once(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        """Value that `make` returns, made at most once as long as it is cached."""
        with self._lock:
            if key in self._cached:
                self._cached.move_to_end(key)
                return self._cached[key]  # type: ignore[return-value]
        return self._store(key, make())

    def _store(self, key: Hashable, value: _Value) -> _Value:
        with self._lock:
            self._cached[key] = value
            while len(self._cached) > 1 and sum(map(_size, self._cached.values())) > _CACHE_BYTES:
                self._cached.popitem(last=False)
        return value

    def _cached_gradients(self, layer: str, vectors: np.ndarray) -> dict[bytes, np.ndarray]:
        """Cached gradients by direction: of the targets themselves, and of single labels."""
        labels = np.eye(self.network.labels, dtype=np.float32)
        found = {np.zeros_like(labels[0]).tobytes(): np.zeros(self.network.grids[layer], "f4")}
        with self._lock:
            for direction in [*map(_direction, vectors), *labels]:
                key = ("gradient", layer, direction.tobytes())
                if key in self._cached:
                    self._cached.move_to_end(key)
                    found[direction.tobytes()] = self._cached[key]  # type: ignore[assignment]
        return found

    def _gradients_to_make(
        self,
        layer: str,
        vectors: np.ndarray,
        known: dict[bytes, np.ndarray],
        every_label: bool,
    ) -> list[np.ndarray]:
        """Directions to pass back for targets: their own, or all labels where that is not much."""
        missing = [vector for vector in vectors if _sum_of(known, vector) is None]
        with self._lock:
            again = bool(missing) and layer in self._asked
        if (every_label or again) and self.has_room(layer):
            labels = np.eye(self.network.labels, dtype=np.float32)
            return [label for label in labels if label.tobytes() not in known]
        return list({one.tobytes(): one for one in map(_direction, missing)}.values())

    def _passed_back(self, layer: str, directions: np.ndarray, work: Work) -> list[np.ndarray]:
        """Gradients of directions (directions, labels) by a layer's output, batch by batch."""
        activation, crossing, _ = self._front(layer)
        gradient = self.network.cut(layer).gradient
        made: list[np.ndarray] = []
        for part in work.batches(len(directions), max(1, min(BATCH, self._most_at(layer)))):
            made += list(gradient(activation, crossing, directions[part]))
        return made

    def _most_at(self, layer: str) -> int:
        """Number of gradients by a layer's output take no more than half of the cache."""
        return _CACHE_BYTES // 2 // (int(np.prod(self.network.grids[layer])) * 4)

    def _forward(self) -> tuple[np.ndarray, np.ndarray]:
        def make() -> tuple[np.ndarray, np.ndarray]:
            activation, logits = self.network.forward(self.inputs)
            return activation[0], logits[0]

        return self.once("forward", make)

    def _front(self, layer: str) -> Front:
        def make() -> Front:
            if layer == self.default_layer and not self.network.goes_around(layer):
                activation, logits = self._forward()  # already there: no second pass
                return activation[None], [], logits[None]
            return self.network.cut(layer).front(self.inputs)

        return self.once(("front", layer), make)


def _functions(network: keras.Model | Callable[[], Network]) -> Callable[[], Network]:
    """What returns a network's functions, from that or from a Keras model, which is read live."""
    keras = sys.modules.get("keras")  # a model of what was never imported there is not
    if keras is None or not isinstance(network, keras.Model):  # it can be called, too
        return network
    from xray_models.inference import functions

    return lambda: functions.traced(network)


def _direction(vector: np.ndarray) -> np.ndarray:
    """A target with its first weight made 1: a finding, its negation and its half are one."""
    weights = vector[np.flatnonzero(vector)]
    # + 0.0 turns -0.0 into 0.0, whose bytes differ
    scaled: np.ndarray = (vector / weights[0] if len(weights) else vector) + np.float32(0.0)
    return np.ascontiguousarray(scaled, np.float32)


def _sum_of(known: dict[bytes, np.ndarray], vector: np.ndarray) -> np.ndarray | None:
    """A target's gradient from those of its direction or of its labels; None where one lacks."""
    labels = np.flatnonzero(vector)
    whole = known.get(_direction(vector).tobytes())
    if whole is not None:
        return whole * vector[labels[0]] if len(labels) else whole
    each = np.eye(len(vector), dtype=np.float32)
    parts = [known.get(each[k].tobytes()) for k in labels]
    if any(part is None for part in parts):
        return None
    found: np.ndarray = sum(vector[k] * part for k, part in zip(labels, parts, strict=True))
    return found


def _size(value: Any) -> int:
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    if isinstance(value, np.ndarray):
        return value.nbytes
    return 0


class NotCached(RuntimeError):
    """Error: what is asked for is not cached, so that it takes a pass through the network."""


class AtRest(Network):
    """A network that refuses every pass; its facts can still be asked."""

    def __init__(self, network: Network) -> None:
        """Take a network, whose own facts are asked."""
        self._network = network
        self.labels, self.default_layer = network.labels, network.default_layer

    @property
    def grids(self) -> dict[str, tuple[int, int, int]]:
        """Grids of the layers -> (rows, columns, channels), from input to output."""
        return self._network.grids

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the image."""
        return self._network.input_shape

    @property
    def pooled(self) -> str | None:
        """The layer that global average pooling reads just before a linear head, or None."""
        return self._network.pooled

    @property
    def head(self) -> np.ndarray | None:
        """Linear head on the pooled default layer, float32, (channels, labels), or None."""
        return self._network.head

    @property
    def guided(self) -> bool:
        """Whether guided gradients hold: ReLU is the only curve of the network."""
        return self._network.guided

    def goes_around(self, layer: str) -> bool:
        """Whether something goes around a layer, such as a skip connection."""
        return self._network.goes_around(layer)

    def forward(self, *_: Any) -> NoReturn:
        """Refuse a pass.

        Raises:
            NotCached: always.
        """
        raise NotCached("Reading the film again takes a pass through the network.")

    def cut(self, *_: Any) -> NoReturn:
        """Refuse a pass.

        Raises:
            NotCached: always.
        """
        raise NotCached("Looking into a layer takes a pass through the network.")

    def input_gradient(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse a pass.

        Raises:
            NotCached: always.
        """
        raise NotCached("The gradient of the film takes a pass through the network.")

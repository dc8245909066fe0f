"""A network as compiled functions: the pass, the part above a layer, and gradients.

Functions are traced once and kept as long as the network. The pass that reads films is frozen on
request: its variables become constants, which lets the graph be folded and fused, and costs a
second copy of the weights (`Traced.frozen_bytes`). What is frozen no longer follows a network
whose weights change; everything else does.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import keras
import numpy as np

from xray_models.inference import layer_graph, precision
from xray_models.inference.network import Cut, Front, Function, Network, not_finite

__all__ = ["Traced", "frozen_bytes", "traced"]

_CUTS = 6  # layers of one network whose functions are kept
# keep gradients above the smallest half-precision number, and below the largest (65504) where the
# first is too much; exact, as powers of 2
_SCALES = (1024.0, 64.0, 8.0, 1.0)


class Traced(Network):
    """Compiled functions of a network, each traced when it is first asked for."""

    def __init__(self, network: keras.Model, frozen: bool = False, bfloat16: bool = False) -> None:
        """Look into a network.

        Args:
            network: functional or sequential; see `graphs.graph`.
            frozen: its weights will not change any more.
            bfloat16: the frozen pass runs in half-size numbers.

        Raises:
            ValueError: the network cannot be looked into.
        """
        self.graph = layer_graph.graph(network)
        self.frozen = frozen
        self.bfloat16 = bfloat16
        self._copied: dict[str, int] = {}
        self.labels = int(self.graph.logits.shape[-1])
        self.default_layer = self.graph.default_layer
        self._cuts: OrderedDict[str, Cut] = OrderedDict()
        self._functions: dict[str, Function] = {}
        self._lock = threading.RLock()

    @property
    def frozen_bytes(self) -> int:
        """Memory that frozen passes hold beside the network's variables."""
        return sum(list(self._copied.values()))

    @property
    def grids(self) -> dict[str, tuple[int, int, int]]:
        """Grids of the layers -> (rows, columns, channels), from input to output."""
        return {name: tuple(grid.shape[1:]) for name, grid in self.graph.grids.items()}

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the image."""
        height, width, channels = self.graph.inputs.shape[1:]
        return height, width, channels

    @property
    def pooled(self) -> str | None:
        """The layer that global average pooling reads just before a linear head, or None."""
        return self.graph.pooled

    @property
    def head(self) -> np.ndarray | None:
        """Linear head on the pooled default layer, float32, (channels, labels), or None."""
        self._follow()
        return None if self.graph.head is None else self.graph.head.kernel.numpy()

    @property
    def guided(self) -> bool:
        """Whether guided gradients hold: ReLU is the only curve of the network."""
        return layer_graph.is_relu_network(self.graph)

    def goes_around(self, layer: str) -> bool:
        """Whether something goes around a layer, such as a skip connection.

        Raises:
            ValueError: no such layer, or its output is no grid.
        """
        return bool(self.graph.crossing(layer))

    def forward(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Forward pass: (activation of the default layer, logits), float32.

        Args:
            images: float32, (batch, height, width, channels).
        """
        self._follow()
        activation, logits = self._function("forward", self._trace_forward)(images)
        return activation, logits

    def prepare(self) -> None:
        """Trace the forward pass, and compile it where it is frozen."""
        self.forward(np.zeros((1, *self.input_shape), np.float32))

    def cut(self, layer: str) -> Cut:
        """Cut of the network at a layer; the last few cuts are cached.

        Raises:
            ValueError: no such layer, or its output is no grid.
        """
        self._follow()
        with self._lock:
            if layer not in self._cuts:
                self._cuts[layer] = self._trace_cut(layer)
            self._cuts.move_to_end(layer)
            while len(self._cuts) > _CUTS:
                dropped, _ = self._cuts.popitem(last=False)
                self._copied.pop(dropped, None)
            return self._cuts[layer]

    def input_gradient(
        self, images: np.ndarray, vector: np.ndarray, guided: bool = False
    ) -> np.ndarray:
        """Gradient of a weighted sum of logits by the image, float32, shape of `images`.

        Args:
            images: float32, (batch, height, width, channels).
            vector: float32, (labels,).
            guided: only positive gradients pass a ReLU (Springenberg et al. 2015).

        Raises:
            ValueError: the gradient is not finite.
        """
        self._follow()
        name = "guided" if guided else "input_gradient"
        function = self._function(name, lambda: self._trace_input_gradient(guided))
        return _finite(
            "the image",
            lambda rows, factor: function(tf.constant(images[rows]), tf.constant(vector), factor),
        )

    def _function(self, name: str, trace: Callable[[], Function]) -> Function:
        with self._lock:
            if name not in self._functions:
                self._functions[name] = trace()
            return self._functions[name]

    def _follow(self) -> None:
        """Bring a head whose sigmoid was taken off up to date with its original."""
        if self.graph.copied and not self.frozen:
            original, copy = self.graph.copied
            copy.set_weights(original.get_weights())

    def _trace_forward(self) -> Function:
        graph = self.graph
        both = keras.Model(graph.inputs, [graph.grid(self.default_layer), graph.logits])
        concrete = _traced(
            lambda images: [tf.cast(one, tf.float32) for one in both(images, training=False)],
            _many(graph.inputs),
        )
        if not self.frozen:
            return lambda images: [one.numpy() for one in concrete(tf.constant(images))]
        return self._freeze("", concrete)

    def _freeze(self, layer: str, concrete: Any) -> Function:
        self._copied[layer] = sum(
            int(np.prod(variable.shape)) * variable.dtype.size for variable in concrete.variables
        )
        return precision.frozen(concrete, self.bfloat16)

    def _trace_cut(self, layer: str) -> Cut:
        graph = self.graph
        grid, around = graph.grid(layer), graph.crossing(layer)
        front = keras.Model(graph.inputs, [grid, *around, graph.logits])
        above = keras.Model([grid, *around], graph.logits)

        def run_front(images: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
            activation, *crossing, logits = front(images, training=False)
            return activation, crossing, tf.cast(logits, tf.float32)

        def run_rest(activations: tf.Tensor, crossing: list[tf.Tensor]) -> tf.Tensor:
            times = tf.shape(activations)[0]
            repeated = [tf.repeat(one, times, axis=0) for one in crossing]
            return tf.cast(above([activations, *repeated], training=False), tf.float32)

        def run_gradient(
            activation: tf.Tensor, crossing: list[tf.Tensor], vectors: tf.Tensor, factor: tf.Tensor
        ) -> tf.Tensor:
            times = tf.shape(vectors)[0]
            activations = tf.repeat(activation, times, axis=0)
            score = tf.reduce_sum(run_rest(activations, crossing) * vectors) * factor
            return tf.cast(tf.gradients(score, activations)[0], tf.float32) / factor

        once = [_once(one) for one in around]
        spec = tf.TensorSpec((None, self.labels), tf.float32)
        backwards = _traced(run_gradient, _once(grid), once, spec, _FACTOR)
        upwards = _traced(run_rest, _many(grid), once)

        def rest(activations: np.ndarray, crossing: list[np.ndarray]) -> np.ndarray:
            changed = tf.cast(tf.constant(activations), grid.dtype)
            return upwards(changed, list(map(tf.constant, crossing))).numpy()

        def gradient(
            activation: np.ndarray, crossing: list[np.ndarray], vectors: np.ndarray
        ) -> np.ndarray:
            # the pass that read the film gives it in float32 whatever the network's numbers are
            cut = tf.cast(tf.constant(activation), grid.dtype), list(map(tf.constant, crossing))
            return _finite(
                layer, lambda rows, factor: backwards(*cut, tf.constant(vectors[rows]), factor)
            )

        below = _traced(run_front, _once(graph.inputs))
        return Cut(self._front(layer, below, [grid, *around]), rest, gradient)

    def _front(self, layer: str, concrete: Any, crossing: list[layer_graph.Tensor]) -> Function:
        """The part of a cut below it, frozen if the network is."""
        if not self.frozen or any(one.dtype != "float32" for one in crossing):

            def run(images: np.ndarray) -> Front:
                activation, around, logits = concrete(tf.constant(images))
                return activation.numpy(), [one.numpy() for one in around], logits.numpy()

            return run
        frozen = self._freeze(layer, concrete)

        def run_frozen(images: np.ndarray) -> Front:
            activation, *around, logits = frozen(images)
            return activation, around, logits

        return run_frozen

    def _trace_input_gradient(self, guided: bool) -> Function:
        graph = self.graph
        whole = keras.Model(graph.inputs, graph.logits)

        def run(images: tf.Tensor, vector: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
            if guided:
                with tf.compat.v1.get_default_graph().gradient_override_map({"Relu": _GUIDED}):
                    logits = whole(images, training=False)
            else:
                logits = whole(images, training=False)
            score = tf.reduce_sum(tf.cast(logits, tf.float32) * vector) * factor
            return tf.cast(tf.gradients(score, images)[0], tf.float32) / factor

        vector = tf.TensorSpec((self.labels,), tf.float32)
        return _traced(run, _many(graph.inputs), vector, _FACTOR)


_FACTOR = tf.TensorSpec((), tf.float32)

_traces: weakref.WeakKeyDictionary[keras.Model, Traced] = weakref.WeakKeyDictionary()
_traces_lock = threading.Lock()


def traced(network: keras.Model, frozen: bool = False, bfloat16: bool = False) -> Traced:
    """Compiled functions of a network, cached as long as the network lives.

    Args:
        network: functional or sequential.
        frozen: its weights will not change any more; once said, it stays so.
        bfloat16: the frozen pass runs in half-size numbers; the first call counts.
    """
    with _traces_lock:
        known = _traces.get(network)
        if known is None or (frozen and not known.frozen):
            _traces[network] = Traced(network, frozen, bfloat16)
        return _traces[network]


def frozen_bytes(network: keras.Model) -> int:
    """Memory that a network's frozen pass holds beside its variables, in bytes."""
    found = _traces.get(network)
    return found.frozen_bytes if found else 0


_GUIDED = "GuidedRelu"


@tf.RegisterGradient(_GUIDED)
def _guided_relu(operation: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
    blocked = (operation.outputs[0] <= 0) | (gradient <= 0)  # what is no number passes, to be told
    return tf.where(blocked, tf.zeros_like(gradient), gradient)


def _finite(of: str, gradients: Callable[[slice | np.ndarray, tf.Tensor], tf.Tensor]) -> np.ndarray:
    """Gradients, each on the greatest scale that leaves it finite.

    Args:
        of: what they are taken by, in words.
        gradients: (which, scale) -> float32, (gradients, ...), brought back from the scale.

    Raises:
        ValueError: some are not finite on any scale.
    """
    found = gradients(slice(None), tf.constant(_SCALES[0])).numpy()
    lost = _lost(found)
    for scale in _SCALES[1:]:
        if not len(lost):
            return found
        found = found.copy()
        found[lost] = gradients(lost, tf.constant(scale)).numpy()
        lost = _lost(found)
    if len(lost):
        raise not_finite(of)
    return found


def _lost(gradients: np.ndarray) -> np.ndarray:
    """Mask of the gradients that hold a number that is not finite."""
    return np.flatnonzero(~np.isfinite(gradients).reshape(len(gradients), -1).all(axis=1))


def _traced(function: Function, *signature: Any) -> Any:
    return tf.function(function, list(signature), autograph=False).get_concrete_function()


def _many(tensor: layer_graph.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype)


def _once(tensor: layer_graph.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype)

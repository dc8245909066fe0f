"""Graph of a network: its grids, its head, and where to cut it.

Nothing is computed here. Networks come as they are, nested or with a sigmoid at the end, and are
seen as one flat graph from the input to the logits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow  # noqa: F401 - before keras: see pyproject.toml
import keras

from xray_models.inference.network import missing_layer

__all__ = ["Graph", "Tensor", "graph", "is_relu_network"]

Tensor = Any
"""A symbolic tensor of Keras."""

_ENDS = (keras.layers.Softmax, keras.layers.Activation)
_SILENT = (keras.layers.Dropout, keras.layers.Identity)

# Functions of keras.ops and keras.activations stand in a graph as operations whose classes are not
# public; to make one and look at its type would use up names of layers. So they go by class name.
_END_OPERATIONS = ("Sigmoid", "HardSigmoid", "LogSigmoid", "Softmax", "LogSoftmax", "Tanh")
_STRAIGHT_OPERATIONS = (
    *("Relu", "Add", "Subtract", "Negative", "Sum", "Mean", "Max", "MaxPool", "AveragePool"),
    *("Reshape", "Squeeze", "ExpandDims", "Transpose", "Moveaxis", "Swapaxes", "Flip"),
    *("Concatenate", "Stack", "Split", "Unstack", "GetItem", "Repeat", "Tile"),
    *("Pad", "Resize", "Cast"),
)
_PRODUCTS = ("Multiply", "Matmul", "Dot", "Tensordot", "Einsum", "Conv", "DepthwiseConv")
_QUOTIENTS = ("Divide", "TrueDivide")

_KINDS = (
    *("Conv", "MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling"),
    *("ZeroPadding", "Cropping", "UpSampling", "SpatialDropout"),
)
_STRAIGHT_LAYERS = frozenset(
    getattr(keras.layers, name)
    for name in (
        *("InputLayer", "Identity", "Activation", "Dense", "Flatten", "Reshape", "Permute"),
        *("Add", "Subtract", "Average", "Concatenate", "RepeatVector"),
        *("BatchNormalization", "Normalization", "Rescaling"),
        *("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
        *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
        *(f"{kind}{dimensions}D" for kind in _KINDS for dimensions in (1, 2, 3)),
        # silent once the network is trained
        *("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization"),
    )
)


@dataclass(frozen=True, eq=False)
class Graph:
    """Flat graph of a network, up to its logits.

    Attributes:
        inputs: the image.
        logits: before any sigmoid or softmax.
        grids: layer name -> output with rows, columns and channels, from input to output.
        pooled: the grid that global average pooling reads just before a linear head, or None.
        head: that linear head, or None.
        copied: (original, copy) of a head whose sigmoid or softmax was taken off.
    """

    inputs: Tensor
    logits: Tensor
    grids: dict[str, Tensor]
    pooled: str | None
    head: keras.layers.Dense | None
    copied: tuple[keras.layers.Dense, keras.layers.Dense] | None = None

    @property
    def default_layer(self) -> str:
        """Default layer: the pooled grid, or else the last grid of more than one cell."""
        return self.pooled or list(self.grids)[-1]

    def grid(self, layer: str) -> Tensor:
        """The output of a layer.

        Raises:
            ValueError: no such layer, or its output is no grid.
        """
        if layer not in self.grids:
            raise missing_layer(layer, self.grids)
        return self.grids[layer]

    def crossing(self, layer: str) -> list[Tensor]:
        """Other tensors that the part above a layer reads: skip connections that go around it."""
        cut = self.grid(layer)
        depends = {id(cut)}
        around: dict[int, Tensor] = {}
        for tensor in _upwards(self.logits):
            parents = _parents(tensor)
            if id(tensor) not in depends and any(id(parent) in depends for parent in parents):
                depends.add(id(tensor))
        for tensor in _upwards(self.logits):
            if id(tensor) in depends and tensor is not cut:
                for parent in _parents(tensor):
                    if id(parent) not in depends:
                        around[id(parent)] = parent
        return list(around.values())

    def bypassed(self) -> tuple[str, ...]:
        """Layers that something goes around: those where `crossing` is not empty."""
        order = list(_upwards(self.logits))
        places = {id(tensor): place for place, tensor in enumerate(order)}
        last_read = list(range(len(order)))
        for place, tensor in enumerate(order):
            for parent in _parents(tensor):
                last_read[places[id(parent)]] = place
        # nothing goes around where no earlier tensor is read later
        straight, furthest = set(), 0
        for place, tensor in enumerate(order):
            if furthest <= place:
                straight.add(id(tensor))
            furthest = max(furthest, last_read[place])
        return tuple(name for name, grid in self.grids.items() if id(grid) not in straight)


def graph(network: keras.Model) -> Graph:
    """The flat graph of a network.

    Args:
        network: functional or sequential, one image in, one vector out; inner models are opened.

    Raises:
        ValueError: the network has no graph, several inputs or outputs, or no grid.
    """
    inputs, outputs = getattr(network, "inputs", None), getattr(network, "outputs", None)
    if not inputs or not outputs:
        raise ValueError(
            f"{network.name} is not a functional or sequential Keras model, so its layers cannot "
            "be looked into. Rebuild it with keras.Model(inputs, outputs)."
        )
    if len(inputs) != 1 or len(outputs) != 1 or len(outputs[0].shape) != 2:
        raise ValueError(f"{network.name} must take one image and return one vector of outputs.")
    image, output = inputs[0], outputs[0]
    if any(isinstance(_operation(tensor), keras.Model) for tensor in _upwards(output)):
        image = keras.Input(batch_shape=image.shape, dtype=image.dtype)
        output = _opened(network, image)
    logits, copied = _without_end(output)
    source, head = _linear_head(logits)
    grids = _grids(logits, image, source)
    if not grids:
        raise ValueError(f"{network.name} has no layer with a grid to draw heat on.")
    pooled = next((name for name, grid in grids.items() if grid is source), None)
    return Graph(image, logits, grids, pooled, head if pooled else None, copied)


def is_relu_network(found: Graph) -> bool:
    """Whether ReLU is the only curve between image and logits, so that guided gradients hold.

    Only what is known to be straight counts as such: layers and functions of Keras that are linear
    once trained, ReLU and maxima. What is not known, such as a layer of one's own, is a curve.
    """
    return all(_straight(tensor) for tensor in _upwards(found.logits))


def _straight(tensor: Tensor) -> bool:
    operation, node, _ = tensor._keras_history
    function = _function_name(operation)
    if isinstance(operation, keras.layers.ReLU) or function == "ReLU":
        return operation.max_value is None and not (operation.negative_slope or operation.threshold)
    if function in _PRODUCTS + _QUOTIENTS:
        # by numbers, not by something else that the network makes of the image
        parents, arguments = _parents(tensor), operation._inbound_nodes[node].arguments.args
        return len(parents) == 1 and (function in _PRODUCTS or arguments[0] is parents[0])
    if function:
        return function in _STRAIGHT_OPERATIONS
    activation = getattr(operation, "activation", None)
    curves = (None, keras.activations.linear, keras.activations.relu, keras.ops.relu)
    return type(operation) in _STRAIGHT_LAYERS and activation in curves


def _function_name(operation: Any) -> str:
    """Class of a function of Keras in a graph, such as "Sigmoid"; empty for layers."""
    kind = type(operation)
    own = isinstance(operation, keras.Layer) or kind.__module__.partition(".")[0] != "keras"
    return "" if own else kind.__name__


def _operation(tensor: Tensor) -> Any:
    return tensor._keras_history.operation


def _parents(tensor: Tensor) -> list[Tensor]:
    operation, node_index, _ = tensor._keras_history
    return operation._inbound_nodes[node_index].input_tensors


def _upwards(output: Tensor) -> Iterator[Tensor]:
    """Every tensor that `output` is made from, each after those that it reads itself."""
    seen: set[int] = set()
    stack = [(output, iter(_parents(output)))]
    seen.add(id(output))
    while stack:
        tensor, parents = stack[-1]
        parent = next((one for one in parents if id(one) not in seen), None)
        if parent is None:
            stack.pop()
            yield tensor
        else:
            seen.add(id(parent))
            stack.append((parent, iter(_parents(parent))))


def _opened(network: keras.Model, image: Tensor) -> Tensor:
    """The output of a network called layer by layer, with the models inside it opened too."""
    functional = keras.Model(network.inputs, network.outputs)

    def call(layer: keras.Layer, *arguments: Any, **options: Any) -> Tensor:
        if isinstance(layer, keras.Model) and len(getattr(layer, "inputs", None) or ()) == 1:
            return _opened(layer, arguments[0])
        return layer(*arguments, **options)

    return keras.models.clone_model(
        functional, input_tensors=[image], clone_function=lambda layer: layer, call_function=call
    ).outputs[0]


def _without_end(
    output: Tensor,
) -> tuple[Tensor, tuple[keras.layers.Dense, keras.layers.Dense] | None]:
    """The logits behind a sigmoid or softmax: a layer, a function, or fused into the last layer."""
    last = _operation(output)
    if isinstance(last, _ENDS) or _function_name(last) in _END_OPERATIONS:
        return _without_end(_parents(output)[0])
    if isinstance(last, _SILENT) or _function_name(last) == "Cast":
        below = _parents(output)[0]
        logits, copied = _without_end(below)
        return (output, None) if logits is below else (logits, copied)
    if isinstance(last, keras.layers.Dense) and last.activation is not keras.activations.linear:
        config = last.get_config() | {"activation": "linear", "name": f"{last.name}_logits"}
        copy = keras.layers.Dense.from_config(config)
        logits = copy(_parents(output)[0])
        copy.set_weights(last.get_weights())
        return logits, (last, copy)
    return output, None


def _linear_head(logits: Tensor) -> tuple[Tensor | None, keras.layers.Dense | None]:
    """Pooled grid whose mean a linear head reads, and the head."""
    head = _operation(logits)
    if not isinstance(head, keras.layers.Dense):
        return None, None
    tensor = _parents(logits)[0]
    while isinstance(_operation(tensor), _SILENT):
        tensor = _parents(tensor)[0]
    if not isinstance(_operation(tensor), keras.layers.GlobalAveragePooling2D):
        return None, None
    return _parents(tensor)[0], head


def _grids(logits: Tensor, image: Tensor, source: Tensor | None) -> dict[str, Tensor]:
    """Outputs with rows and columns; a single cell (a gate, say) only where the head reads it."""
    grids: dict[str, Tensor] = {}
    for tensor in _upwards(logits):
        shape = tensor.shape
        if tensor is image or len(shape) != 4 or None in shape[1:]:
            continue
        if shape[1] * shape[2] < 2 and tensor is not source:
            continue
        name = _operation(tensor).name
        count = sum(known == name or known.startswith(f"{name}#") for known in grids)
        grids[f"{name}#{count + 1}" if count else name] = tensor  # a layer that is called twice
    return grids

"""Weights of a PyTorch DenseNet copied into ours, which computes the same.

PyTorch's DenseNet (torchvision, and all that were made from it) and ours agree in every step: the
first convolution and pooling are padded by 3 and 1 on each side, transitions are norm, ReLU,
convolution, mean pooling, and 1.001e-5 keeps Keras's batch normalizations from dividing by zero.
PyTorch has 1e-5 there, so the difference goes into the variances.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from xray_models.importers.refusal import ImportRefused
from xray_models.importers.torch_file import TorchFile

__all__ = ["EPSILON", "copy_into"]

EPSILON = 1e-5
"""What PyTorch adds to the variances of batch normalizations."""

_BLOCK = re.compile(r"conv(\d)_block(\d+)_(\d)_(conv|bn)")
_BETWEEN = re.compile(r"pool(\d)_(conv|bn)")
_OLD = re.compile(r"\.(norm|relu|conv)\.(\d)\.")  # before torchvision 0.2.1, "norm.1"
_COUNTER = ".num_batches_tracked"
_VECTORS = (
    ("gamma", "weight"),
    ("beta", "bias"),
    ("moving_mean", "running_mean"),
    ("moving_variance", "running_var"),
)


def copy_into(network: keras.Model, file: TorchFile, labels: Sequence[str], head: str) -> None:
    """Copy every weight of a file into a network of `xray_models.networks.build`.

    Weights of one channel, for gray films, are spread over our three equal channels.

    Args:
        network: DenseNet with mean pooling and one dense layer.
        labels: of the file's outputs, in order; outputs with an empty one are left out.
        head: name of the last layer, as the file has it: "classifier" or "classifier.0".

    Raises:
        ImportRefused: the file is of another network, or holds what is no finite number.
    """
    names = {_usual(name): name for name in file.tensors if not name.endswith(_COUNTER)}
    wanted: set[str] = set()
    for layer in network.layers:
        for variable, name in _places(layer, head):
            wanted.add(name)
            if name not in names:
                raise ImportRefused(
                    f"{file.name} does not fit {network.name}: {name} is missing. It may be of "
                    "another architecture."
                )
            array = _ours(layer, name, file.array(names[name]), labels, file.name)
            if tuple(array.shape) != tuple(variable.shape):
                raise ImportRefused(
                    f"{file.name} does not fit {network.name}: {name} has the shape "
                    f"{array.shape}, needed is {tuple(variable.shape)}."
                )
            variable.assign(array)
    strange = sorted(name for name in names.keys() - wanted if _of_network(name))
    if strange:
        raise ImportRefused(
            f"{file.name} does not fit {network.name}: it also holds {strange[0]}. Networks with "
            "further layers cannot be imported."
        )


def _usual(name: str) -> str:
    """Name without wrappers, in the words of today's torchvision."""
    begin = re.search(r"(?:^|\.)(features|classifier)\.", name)
    inner = name[begin.start(1) :] if begin else name
    return _OLD.sub(r".\1\2.", inner)


def _of_network(name: str) -> bool:
    return name.startswith(("features.", "classifier."))


def _places(layer: keras.Layer, head: str) -> Iterator[tuple[keras.Variable, str]]:
    """Variables of our layer and the names that PyTorch gives them."""
    if isinstance(layer, keras.layers.Dense):
        yield layer.kernel, f"{head}.weight"
        yield layer.bias, f"{head}.bias"
    elif isinstance(layer, keras.layers.Conv2D):
        yield layer.kernel, f"features.{_theirs(layer.name)}.weight"
    elif isinstance(layer, keras.layers.BatchNormalization):
        for ours, theirs in _VECTORS:
            yield getattr(layer, ours), f"features.{_theirs(layer.name)}.{theirs}"


def _theirs(layer: str) -> str:
    """PyTorch's name of a layer of ours: "conv2_block1_1_conv" -> its convolution in a block."""
    first = {"conv1_conv": "conv0", "conv1_bn": "norm0", "bn": "norm5"}
    if layer in first:
        return first[layer]
    if found := _BETWEEN.fullmatch(layer):
        stage, kind = found.groups()
        return f"transition{int(stage) - 1}.{'conv' if kind == 'conv' else 'norm'}"
    found = _BLOCK.fullmatch(layer)
    if found is None:
        raise ValueError(f"{layer} is no layer of a DenseNet")
    stage, block, number, kind = found.groups()
    # ours count the norm before the first convolution as 0, theirs as 1
    inner = f"conv{number}" if kind == "conv" else f"norm{int(number) + 1}"
    return f"denseblock{int(stage) - 1}.denselayer{block}.{inner}"


def _ours(
    layer: keras.Layer, name: str, array: np.ndarray, labels: Sequence[str], file: str
) -> np.ndarray:
    """An array of PyTorch as ours: axes in another order, and what differs made up for."""
    array = array.astype(np.float64 if name.endswith("running_var") else np.float32)
    if isinstance(layer, keras.layers.Dense):
        found = len(array) if array.ndim else 0
        if found != len(labels):
            raise ImportRefused(f"{file} has {found} outputs, needed are {len(labels)}.")
        return array[[index for index, label in enumerate(labels) if label]].T
    if isinstance(layer, keras.layers.Conv2D):
        if array.ndim == 4 and array.shape[1] == 1 and layer.kernel.shape[2] == 3:
            array = np.repeat(array / 3, 3, axis=1)
        return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
    if name.endswith("running_var"):
        return (array + (EPSILON - layer.epsilon)).astype(np.float32)
    return array

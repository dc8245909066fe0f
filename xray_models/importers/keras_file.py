"""Keras weights file, of Keras 2 or 3, read as plain arrays: code inside is never run.

Four kinds of files hold the same arrays in two layouts:

- `.h5` of Keras 2 (weights only or a full model) and full models that Keras 3 saves as `.h5`: one
  group per layer, arrays named after their layers, `conv1/conv/kernel:0`.
- `.weights.h5`, and the same inside a `.keras` archive: one group per layer, named by its class and
  number, `layers/conv2d_7/vars/0`.

In both, the network may be nested in a Sequential. Layers are matched to ours by name where the
file has names that we know, else by kind and number.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from xray_models.importers.refusal import ImportRefused

__all__ = ["ImportRefused", "KerasFile", "StoredLayer", "opened"]

# a .keras archive is unpacked in memory; DenseNet169 with its optimizer is 150 MB
_MOST_BYTES = 2**31
_MOST_DESCRIPTION = 2**24
_MOST_ARRAYS = 20_000

_MEMBERS = ("vars", "_layer_checkpoint_dependencies", "layers")
_VARIABLES = {
    "conv2d": ("kernel", "bias"),
    "depthwise_conv2d": ("kernel", "bias"),
    "dense": ("kernel", "bias"),
    "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "normalization": ("mean", "variance", "count"),
}
"""Class of a layer -> its variables in the order of `vars`."""

_RENAMED = {"depthwise_kernel": "kernel"}
_PREPARING = frozenset({"mean", "variance", "count"})
_STATE = frozenset({"seed_generator_state"})
_NUMBERED = re.compile(r"(?:depthwise_)?conv2d(?:_\d+)?|batch_normalization(?:_\d+)?")

_KINDS = {
    "dense": "dense layers",
    "depthwise": "depthwise convolutions",
    "convolution": "convolutions",
    "normalization": "batch normalizations",
}

_REFUSED = {
    "Lambda": "runs code of its own, which RadLens never does",
    "TFOpLambda": "runs TensorFlow code of its own, which RadLens does not rebuild",
    "GlobalMaxPooling2D": "pools by maximum; RadLens's networks pool by mean",
}
_ACTIVATIONS = ("sigmoid", "softmax", "linear")


@dataclass(frozen=True)
class StoredLayer:
    """A layer of a file: its path there, and its arrays, which are read only when copied."""

    path: str
    kind: str
    variables: dict[str, h5py.Dataset]

    @property
    def name(self) -> str:
        """Name of the layer: the last part of its path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class KerasFile:
    """Layers and description of an opened file.

    Attributes:
        name: of the file, for messages.
        layers: those with weights; optimizer and metrics left out.
        input_size: (height, width) in pixels, where the file tells.
        activation: of the last layer, "sigmoid", "softmax" or "linear", where the file tells.
        preparing: layers that scale the input; these are not imported, the card's scaling does it.
        described_flat: whether a layer flattens the last activation, where the file tells.
    """

    name: str
    layers: list[StoredLayer]
    input_size: tuple[int, int] | None = None
    activation: str | None = None
    preparing: tuple[str, ...] = field(default=())
    described_flat: bool | None = None

    @property
    def outputs(self) -> int:
        """Number of logits of the file's network.

        Raises:
            ImportRefused: its dense layers make no head.
        """
        return int(self._head()[-1].variables["kernel"].shape[1])

    @property
    def hidden(self) -> int:
        """Number of dense layers before the last.

        Raises:
            ImportRefused: its dense layers make no head.
        """
        return len(self._head()) - 1

    @property
    def flattens(self) -> bool:
        """Whether the head reads each cell of the last activation, and not their mean.

        Where the file does not tell, VGG16 is meant, whose last activation has 512 channels.

        Raises:
            ImportRefused: its dense layers make no head.
        """
        if self.described_flat is not None:
            return self.described_flat
        convolutions = [one for one in self.layers if one.kind == "convolution"]
        channels = {array.shape[3] for one in convolutions for array in _kernels(one)}
        return int(self._head()[0].variables["kernel"].shape[0]) not in channels

    def _head(self) -> list[StoredLayer]:
        """Dense layers in their order: each takes what the one before gives."""
        dense = sorted((one for one in self.layers if one.kind == "dense"), key=_by_number)
        for layer in dense:
            if "kernel" not in layer.variables:
                names = ", ".join(sorted(layer.variables))
                raise ImportRefused(
                    f"{self.name}: the layer {layer.path} has no kernel, but {names}. Save the "
                    "weights with Keras: model.save_weights('x.weights.h5')."
                )
        if len(dense) in (1, 3):
            for chain in itertools.permutations(dense):
                shapes = [one.variables["kernel"].shape for one in chain]
                if all(one[1] == next_[0] for one, next_ in itertools.pairwise(shapes)):
                    return list(chain)
        found = ", ".join(layer.path for layer in dense) or "none"
        raise ImportRefused(
            f"{self.name} must have one dense layer after the pooling, or the three of VGG16 after "
            f"flattening; found: {found}."
        )

    def copy_into(self, network: keras.Model) -> None:
        """Copy every weight into a network of `xray_models.networks.build`.

        Raises:
            ImportRefused: the file is of another architecture, or holds something not finite.
        """
        ours = [layer for layer in network.layers if layer.weights]
        ours_flat = any(isinstance(layer, keras.layers.Flatten) for layer in network.layers)
        if self.described_flat and not ours_flat:
            raise ImportRefused(
                f"{self.name}: flattens the last activation; {network.name} pools it by mean. Only "
                "VGG16 may flatten (--arch vgg16)."
            )
        self._same_number_of_layers(network.name, ours)
        for layer, stored in self._pairs(network.name, ours):
            for variable in layer.weights:
                name = variable.name
                array = stored.variables.get(name)
                shape = None if array is None else tuple(array.shape)
                if array is None or shape != tuple(variable.shape):
                    found = "is missing" if array is None else f"has shape {shape}"
                    raise ImportRefused(
                        f"{self.name} does not fit {network.name}: {stored.path}/{name} {found}, "
                        f"needed is {tuple(variable.shape)}. Check --arch."
                    )
                variable.assign(self._values(array))

    def _values(self, array: h5py.Dataset) -> np.ndarray:
        try:
            values = np.asarray(array[...]).astype(np.float32)
        except (OSError, TypeError, ValueError) as error:
            raise ImportRefused(f"{self.name}: {array.name} is damaged ({error}).") from error
        if not np.isfinite(values).all():
            raise ImportRefused(
                f"{self.name}: {array.name} holds values that are no finite numbers. The training "
                "that made it went wrong."
            )
        return values

    def _same_number_of_layers(self, architecture: str, ours: list[keras.Layer]) -> None:
        needed = Counter(_kind(variable.shape for variable in layer.weights) for layer in ours)
        found = Counter(layer.kind for layer in self.layers)
        for kind, words in _KINDS.items():
            if needed[kind] != found[kind]:
                raise ImportRefused(
                    f"{self.name} does not fit {architecture}: it holds {found[kind]} {words}, "
                    f"needed are {needed[kind]}. Check --arch; extra layers cannot be imported."
                )

    def _pairs(
        self, architecture: str, ours: list[keras.Layer]
    ) -> Iterator[tuple[keras.Layer, StoredLayer]]:
        head = [layer for layer in ours if isinstance(layer, keras.layers.Dense)]
        body = {layer.name: layer for layer in ours if layer not in head}
        stored = [layer for layer in self.layers if layer.kind != "dense"]
        yield from zip(head, self._head(), strict=True)
        named = {_known_name(layer.path, body): layer for layer in stored}
        if named.keys() == body.keys():
            for name, layer in body.items():
                yield layer, named[name]
            return
        strange = [one for one in stored if not _NUMBERED.fullmatch(one.name)]
        strange.sort(key=lambda one: _known_name(one.path, body) is not None)
        if strange:
            raise ImportRefused(
                f"{self.name}: its layer {strange[0].path} has a name that neither {architecture} "
                "nor Keras itself gives, or another has the same. Check --arch."
            )
        for kind in _KINDS:
            theirs = sorted((one for one in stored if one.kind == kind), key=_by_number)
            same = [
                layer
                for layer in body.values()
                if _kind(variable.shape for variable in layer.weights) == kind
            ]
            yield from zip(same, theirs, strict=True)


@contextmanager
def opened(path: Path) -> Iterator[KerasFile]:
    """Open a Keras file; its arrays can be copied as long as it is open.

    Args:
        path: `.h5`, `.weights.h5` or `.keras`.

    Raises:
        ImportRefused: no such file, not of these kinds, damaged, or with a layer that cannot be
            taken over.
    """
    try:
        if zipfile.is_zipfile(path):
            content, config = _unpack(path)
            file = h5py.File(io.BytesIO(content), "r")
        else:
            file = h5py.File(path, "r")
            config = file.attrs.get("model_config")
    except (OSError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        why = f"not a Keras file ({error})"
        if not path.is_file():  # h5py's words on a folder are those of its buffers
            why = "a folder, not a file" if path.is_dir() else "no such file"
        raise ImportRefused(
            f"{path}: {why}. RadLens imports what Keras saves as .h5, .weights.h5 or .keras; "
            "convert other files with model.save_weights('x.weights.h5')."
        ) from error
    with file:
        layers, preparing = _layers(file, path.name)
        yield _described(path.name, layers, preparing, config)


def _unpack(path: Path) -> tuple[bytes, bytes]:
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo("model.weights.h5").file_size > _MOST_BYTES:
            raise ImportRefused(
                f"{path.name}: its weights take more than 2 GB. Import a smaller network."
            )
        if archive.getinfo("config.json").file_size > _MOST_DESCRIPTION:
            raise ImportRefused(f"{path.name}: its description takes more than 16 MB.")
        return archive.read("model.weights.h5"), archive.read("config.json")


def _layers(file: h5py.File, name: str) -> tuple[list[StoredLayer], list[str]]:
    """The layers with weights, and the paths of those that only scale the input."""
    arrays: dict[str, h5py.Dataset] = {}
    claimed: list[int] = []

    def collect(path: str, item: object) -> None:  # does not follow links to other files
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise ImportRefused(f"{name}: {path} lies in another file. Save the model again.")
            if item.shape is None:
                raise ImportRefused(f"{name}: {path} holds nothing. Save the model again.")
            claimed.append(item.size * item.dtype.itemsize)
            if sum(claimed) > _MOST_BYTES or len(claimed) > _MOST_ARRAYS:
                raise ImportRefused(
                    f"{name}: its arrays claim more than 2 GB, or are more than "
                    f"{_MOST_ARRAYS:,}. Import a smaller network."
                )
            arrays[path.removeprefix("model_weights/")] = item

    file.visititems(collect)
    by_class = any("/vars/" in f"/{path}" for path in arrays)
    grouped: dict[str, dict[str, h5py.Dataset]] = {}
    for path, array in arrays.items():
        found = _by_class(path) if by_class else _by_name(path)
        if found is not None:
            grouped.setdefault(found[0], {})[found[1]] = array
    layers, preparing = [], []
    for path, variables in grouped.items():
        if _STATE & variables.keys():
            continue
        if _PREPARING & variables.keys():
            preparing.append(path)
            continue
        kind = _kind(array.shape for array in variables.values())
        if kind not in _KINDS:
            raise ImportRefused(
                f"{name}: the layer {path} ({', '.join(sorted(variables))}) is of a kind that "
                "RadLens's networks do not have."
            )
        layers.append(StoredLayer(path, kind, variables))
    if not layers:
        raise ImportRefused(f"{name}: holds no weights of layers.")
    return layers, preparing


def _by_name(path: str) -> tuple[str, str] | None:
    """`densenet169/conv1/conv/kernel:0` -> its layer and the variable."""
    layer, _, variable = path.rpartition("/")
    if layer.split("/")[0] in ("optimizer_weights", "top_level_model_weights"):
        return None
    variable = re.sub(r":\d+$", "", variable)
    return layer, _RENAMED.get(variable, variable)


def _by_class(path: str) -> tuple[str, str] | None:
    """`layers/functional/layers/conv2d_7/vars/0` -> its layer and the variable."""
    layer, _, number = path.rpartition("/vars/")
    container, _, name = layer.rpartition("/")
    if container.rsplit("/", 1)[-1] not in _MEMBERS[1:]:
        return None  # optimizer, metrics, random seeds
    names = _VARIABLES.get(re.sub(r"_\d+$", "", name), ())
    known = dict(zip(map(str, range(len(names))), names, strict=True))
    return layer, known.get(number, f"variable {number}")


def _kind(shapes: Iterable[tuple[int | None, ...]]) -> str:
    """The kind of a layer by the shapes of its variables: its kernel's, or four vectors."""
    ranked = sorted((tuple(shape) for shape in shapes), key=len)
    last = ranked[-1] if ranked else ()
    if len(last) == 4:
        return "depthwise" if last[3] == 1 else "convolution"
    if len(last) == 2:
        return "dense"
    return "normalization" if len(ranked) == 4 and len(last) == 1 else "other"


def _known_name(path: str, names: Iterable[str]) -> str | None:
    """The longest of our names that a path ends in; Keras 2 wrote `conv1/conv` for `conv1_conv`.

    A number that Keras adds when a name is taken in the same session ("stem_conv_1") is ignored.
    """
    known, pieces = set(names), path.split("/")
    for length in range(len(pieces), 0, -1):
        tail = "_".join(pieces[-length:])
        for name in (tail, re.sub(r"_\d+$", "", tail)):
            if name in known:
                return name
    return None


def _by_number(layer: StoredLayer) -> list[tuple[str, int]]:
    """Order of layers: piece by piece of their paths, numbers that Keras adds as numbers.

    Keras writes `conv2d_10/conv2d_10/kernel`: the groups are numbered like the layers in them.
    """
    pieces = (re.fullmatch(r"(.*?)(?:_(\d{1,9}))?", one) for one in layer.path.split("/"))
    return [(found[1], int(found[2] or 0)) if found else ("", 0) for found in pieces]


def _kernels(layer: StoredLayer) -> list[h5py.Dataset]:
    return [array for array in layer.variables.values() if len(array.shape) == 4]


def _described(
    name: str, layers: list[StoredLayer], preparing: list[str], config: str | bytes | None
) -> KerasFile:
    """Add what the file's own description tells; it is read as JSON and nothing in it is called."""
    if config is None:
        return KerasFile(name, layers, preparing=tuple(preparing))
    try:
        described = list(_described_layers(json.loads(config)))
    except (ValueError, TypeError, RecursionError) as error:
        raise ImportRefused(f"{name}: its description cannot be read ({error}).") from error
    size, activation, preparing = None, None, []  # the description names all that prepare
    hidden, flat = [], False
    for kind, settings in described:
        if kind in _REFUSED:
            raise ImportRefused(
                f"{name}: its layer {settings.get('name', kind)} {_REFUSED[kind]}. If it only "
                "prepares the input, save the weights alone (model.save_weights) and name what it "
                "did with --scaling."
            )
        shape = settings.get("batch_shape") or settings.get("batch_input_shape")
        if size is None and isinstance(shape, list) and len(shape) == 4:
            if shape[3] != 3:
                raise ImportRefused(f"{name}: its input has {shape[3]} channels; needed are 3.")
            if isinstance(shape[1], int) and isinstance(shape[2], int):
                size = (shape[1], shape[2])
        if kind in ("Rescaling", "Normalization"):
            preparing.append(kind)
        flat = flat or kind == "Flatten"
        if kind == "Dense" and activation is not None:
            hidden.append(activation)
        if kind == "Dense" or (kind == "Activation" and activation is not None):
            activation = _activation_name(settings.get("activation"))
    if activation not in (None, *_ACTIVATIONS):
        raise ImportRefused(
            f"{name}: its last layer's activation is {activation!r}; RadLens knows "
            f"{', '.join(_ACTIVATIONS)}."
        )
    if wrong := [one for one in hidden if one != "relu"]:
        raise ImportRefused(
            f"{name}: a hidden dense layer's activation is {wrong[0]!r}; RadLens knows relu there."
        )
    return KerasFile(name, layers, size, activation, tuple(preparing), flat)


def _described_layers(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(class, settings) of every layer of a description, in order, nested ones inside theirs."""
    if isinstance(node, list):
        for one in node:
            yield from _described_layers(one)
    elif isinstance(node, dict):
        settings = node.get("config")
        if isinstance(node.get("class_name"), str) and isinstance(settings, dict):
            yield node["class_name"], settings
        yield from _described_layers(settings)
        yield from _described_layers(node.get("layers"))


def _activation_name(activation: Any) -> str:
    if isinstance(activation, dict):
        settings = activation.get("config")
        name = settings if isinstance(settings, str) else activation.get("class_name")
        return str(name).lower()
    return str(activation or "linear")

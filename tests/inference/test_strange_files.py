"""Files of weights, descriptions and cards that no one here writes: a sentence each."""

import json
import struct

import tensorflow  # noqa: F401 - before keras: see pyproject.toml
import h5py
import keras
import numpy as np
import pytest

from xray_models.catalogue import CatalogueError, read_card
from xray_models.importers import keras_file
from xray_models.importers.keras_file import ImportRefused
from xray_models.inference import weights
from xray_models.inference.weights import WeightsError


@pytest.mark.parametrize(("kind", "size"), [("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1)])
def test_numbers_that_numpy_lacks_are_told(kind, size):
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    entry = {"dtype": kind, "shape": [1], "data_offsets": [0, size]}
    head = json.dumps({"dense/kernel": entry}).encode()
    content = struct.pack("<Q", len(head)) + head + bytes(size)
    with pytest.raises(WeightsError, match=f"numbers of the type {kind}"):
        weights.fill(network, content, "strange.safetensors")


@pytest.mark.parametrize("depth", [500, 900, 3_000, 100_000])
def test_a_deeply_nested_card_is_told(tmp_path, depth):
    path = tmp_path / "deep.json"
    for text in ("[" * depth + "]" * depth, f'{{"id": {"[" * depth + "]" * depth}}}'):
        path.write_text(text)
        with pytest.raises(CatalogueError, match=r"deep\.json"):
            read_card(path)


@pytest.mark.parametrize(
    "name",
    [
        "dense/kernel:0",
        "dense/bias:0",
        "layers/dense/vars/first",
        "layers/dense/vars/²",
        "layers/dense/vars/-1",
        "dense/🦴",
        "vars",
        "layers/vars/0",
    ],
)
@pytest.mark.parametrize("content", [h5py.Empty("f4"), np.zeros((2, 3), "f4"), "text", 3.0])
def test_arrays_that_are_empty_or_named_strangely_are_told(tmp_path, name, content):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset(name, data=content)
        file.attrs["model_config"] = h5py.Empty("f4")
    with pytest.raises(ImportRefused, match=r"w\.h5"), keras_file.opened(tmp_path / "w.h5") as file:
        assert file.outputs > 0
    with h5py.File(tmp_path / "w.h5", "a") as file:
        del file.attrs["model_config"]
    if name == "dense/kernel:0" and np.ndim(content) == 2:
        with keras_file.opened(tmp_path / "w.h5") as file:
            assert file.outputs == 3
        return
    with pytest.raises(ImportRefused, match=r"w\.h5"), keras_file.opened(tmp_path / "w.h5") as file:
        assert file.outputs > 0

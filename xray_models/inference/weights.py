"""Weights: checked by sha256, loaded once per process, released when memory is short.

TensorFlow is imported when a network is built.

Files are safetensors: tensors by name and nothing else, no code. Kernels are stored in half
precision, one-dimensional tensors (biases, batch statistics) in single.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as dump_tensors

from xray_models import catalogue, networks
from xray_models.catalogue import Card
from xray_models.inference.memory import Held

if TYPE_CHECKING:
    import keras

__all__ = ["WeightsError", "described", "fill", "held", "kept", "load", "network", "save"]

_BUDGET_VARIABLE = "RADLENS_MEMORY_MB"
_DEFAULT_BUDGET_MB = 2048


class WeightsError(RuntimeError):
    """Error of weights that cannot be used; the message names the file and says what to do."""


def save(network: keras.Model, path: Path) -> None:
    """Write a network's weights, kernels in half precision."""
    tensors = {
        variable.path: np.ascontiguousarray(
            variable.numpy().astype(np.float16 if len(variable.shape) > 1 else np.float32)
        )
        for variable in network.weights
        if "seed_generator" not in variable.path
    }
    path.write_bytes(dump_tensors(tensors))


def described(path: Path) -> dict[str, str | int]:
    """Fields of a card about a file that `save` wrote: its name, hash, size and precision."""
    content = path.read_bytes()
    return {
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "precision": "float16 kernels, float32 vectors",
    }


def fill(network: keras.Model, content: bytes, name: str) -> None:
    """Fill a network from the content of a weights file.

    Args:
        network: built by `xray_models.networks.build`.
        content: safetensors bytes.
        name: of the file, for messages.

    Raises:
        WeightsError: damaged, or made for another network.
    """
    try:
        tensors = load_tensors(content)
    except SafetensorError as error:
        raise WeightsError(
            f"{name} is damaged ({error}). Restore it from the repository."
        ) from error
    except KeyError as error:  # a type that numpy lacks, such as BF16 or F8_E4M3
        raise WeightsError(
            f"{name} holds numbers of the type {error.args[0]}, which RadLens does not read. Save "
            "the weights as float16 or float32."
        ) from error
    for variable in network.weights:
        if "seed_generator" in variable.path:
            continue
        tensor = tensors.pop(variable.path, None)
        if tensor is None or tuple(tensor.shape) != tuple(variable.shape):
            found = "is missing" if tensor is None else f"has shape {tensor.shape}"
            raise WeightsError(
                f"{name} does not fit {network.name}: {variable.path} {found}, "
                f"needed is {tuple(variable.shape)}. Check the card's architecture and labels."
            )
        variable.assign(tensor.astype(np.float32))
    if tensors:
        raise WeightsError(f"{name} does not fit {network.name}: unexpected {next(iter(tensors))}.")


def load(card: Card) -> keras.Model:
    """Build a card's network and fill it, without the cache.

    Raises:
        WeightsError: the file is missing, its sha256 differs, or it does not fit.
    """
    path = catalogue.weights_path(card)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"The weights file {path.name} of {card.id} cannot be read ({error.strerror}). "
            "Restore it from the repository."
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.weights.sha256:
        raise WeightsError(
            f"The weights file {path.name} of {card.id} is damaged or not the one on the card "
            f"(sha256 {digest[:12]}…, expected {card.weights.sha256[:12]}…). "
            "Restore it from the repository."
        )
    network = networks.build(card.architecture, card.input_size, len(card.labels))
    fill(network, content, path.name)
    return network


def network(card: Card) -> keras.Model:
    """Network of a card, filled, held in memory as `kept` says.

    Raises:
        WeightsError: as for `load`.
    """
    return kept.get(_key(card), lambda: load(card), _bytes)


def held() -> list[str]:
    """Ids of the models in memory, least recently used first."""
    return list(dict.fromkeys(key.split(":")[0] for key in kept.names()))


def _key(card: Card) -> str:
    return f"{card.id}:{card.weights.sha256}"


def _bytes(network: keras.Model) -> int:
    from xray_models.inference import functions

    return 4 * network.count_params() + functions.frozen_bytes(network)


def _budget() -> int:
    text = os.environ.get(_BUDGET_VARIABLE) or str(_DEFAULT_BUDGET_MB)
    try:
        megabytes = int(text)
    except ValueError as error:
        raise WeightsError(
            f"{_BUDGET_VARIABLE} is {text!r}; it must be a number of megabytes."
        ) from error
    return megabytes * 2**20


kept = Held(_budget)
"""Networks in memory, up to RADLENS_MEMORY_MB."""

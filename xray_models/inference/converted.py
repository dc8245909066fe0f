"""Converted networks: kept in the user's cache folder, so that reading a film needs no TensorFlow.

A network is built, filled and converted once, for seconds, and read back in tenths of one. The
environment variable RADLENS_CACHE names the folder, or says "off". Files are named by what they
were made from: weights, architecture, the code here, versions of the libraries. What is made from
anything else is not found, and what is damaged is made anew. Machines with a graphics card stay on
TensorFlow.

A card takes two steps: "reading" makes its pass, "maps" the passes back to the last layer and to
the layer of its default method. What else is asked of a network, TensorFlow does.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as dump_tensors

from xray_models.catalogue import CACHE, Card, cache_folder
from xray_models.inference import openvino, precision, weights
from xray_models.inference.facts import Facts
from xray_models.inference.network import Cut, Front, Network, not_finite

__all__ = [
    "STEPS",
    "Converted",
    "Filler",
    "expect",
    "fill",
    "fill_with",
    "filled",
    "folder",
    "network",
    "sweep",
    "unwritable",
    "usable",
]

STEPS = ("reading", "maps")
"""Steps of filling the cache with a card."""

_READING, _MAPS = STEPS
_DIGEST = 64  # characters of a sha256
_GROWTH = 6  # memory of a compiled pass for each byte of half-size weights, as measured
_KEPT_DAYS = 30  # of what nobody asks for any more: another version may still
_SOURCES = ("networks", "inference")
_LIBRARIES = ("openvino", "keras", "tensorflow", "efficientnet")
_log = logging.getLogger("radlens")


class Filler(Protocol):
    """Who fills the cache in the place of this process."""

    def expect(self, cards: Sequence[Card]) -> None:
        """Have some cards filled before all others; returns at once."""

    def make(self, card: Card, step: str) -> None:
        """Have a step of a card filled first, and return when that is done or cannot be."""


class Converted(Network):
    """A network whose pass and most asked-for gradients run without TensorFlow."""

    def __init__(
        self,
        card: Card,
        reading: dict[str, np.ndarray],
        bfloat16: bool,
        whole: Callable[[], Network],
    ) -> None:
        """Compile the pass that reads films.

        Args:
            card: of the model.
            reading: content of its file in the cache.
            bfloat16: the pass runs in half-size numbers; gradients never do.
            whole: the network with all its functions, which brings TensorFlow.

        Raises:
            ValueError, RuntimeError: the file's content makes no sense.
        """
        self._card, self._whole = card, whole
        self.facts = Facts.from_json(reading["facts"].tobytes())
        self.labels, self.default_layer = self.facts.labels, self.facts.default_layer
        self._head = reading.get("head")
        self._run = openvino.loaded(*_pass(reading), bfloat16)
        self._bytes = reading["weights"].nbytes
        self._gradients: dict[str, openvino.Inference] | None = None
        self._lock = threading.Lock()

    @property
    def grids(self) -> dict[str, tuple[int, int, int]]:
        """Grids of the layers -> (rows, columns, channels), from input to output."""
        return self.facts.grids

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the image."""
        return self.facts.input_shape

    @property
    def pooled(self) -> str | None:
        """The layer that global average pooling reads just before a linear head, or None."""
        return self.facts.pooled

    @property
    def head(self) -> np.ndarray | None:
        """Linear head on the pooled default layer, float32, (channels, labels), or None."""
        return self._head

    @property
    def guided(self) -> bool:
        """Whether guided gradients hold: ReLU is the only curve of the network."""
        return self.facts.guided

    @property
    def bytes_held(self) -> int:
        """Memory that all its passes take, about."""
        return _GROWTH * self._bytes

    def goes_around(self, layer: str) -> bool:
        """Whether something goes around a layer, such as a skip connection.

        Raises:
            ValueError: no such layer, or its output is no grid.
        """
        self.grid(layer)
        return layer in self.facts.bypassed

    def forward(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Forward pass: (activation of the default layer, logits), float32.

        Args:
            images: float32, (batch, height, width, channels).
        """
        answers = [self._run(image[None]) for image in images]
        activations, logits = zip(*((answer[0], answer[-1]) for answer in answers), strict=True)
        return np.concatenate(activations), np.concatenate(logits)

    def read(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, Front]]:
        """Forward pass of one image, with the cuts that come out of the same pass.

        Args:
            image: float32, (1, height, width, channels).

        Returns:
            Activation of the default layer and logits, as from `forward`, and layer -> `Front`.
        """
        found = self._run(image)
        fronts = {
            layer: (found[own], [found[place] for place in around], found[-1])
            for layer, (own, *around) in self.facts.fronts.items()
        }
        return found[0], found[-1], fronts

    def cut(self, layer: str) -> Cut:
        """Cut of the network at a layer.

        Raises:
            ValueError: no such layer, or its output is no grid.
        """
        self.grid(layer)
        if layer not in self.facts.fronts:
            return self._whole().cut(layer)
        return Cut(
            lambda image: self.read(image)[2][layer],
            lambda *values: self._whole().cut(layer).rest(*values),
            functools.partial(self._gradient, layer),
        )

    def input_gradient(
        self, images: np.ndarray, vector: np.ndarray, guided: bool = False
    ) -> np.ndarray:
        """Gradient of a weighted sum of logits by the image; see `Network`."""
        return self._whole().input_gradient(images, vector, guided)

    def _gradient(
        self, layer: str, activation: np.ndarray, crossing: list[np.ndarray], vectors: np.ndarray
    ) -> np.ndarray:
        run = self._backward().get(layer)
        if run is None:
            return self._whole().cut(layer).gradient(activation, crossing, vectors)
        found = np.concatenate([run(activation, *crossing, one[None])[0] for one in vectors])
        if not np.isfinite(found).all():
            raise not_finite(layer)
        return found

    def _backward(self) -> dict[str, openvino.Inference]:
        """The passes back to layers, as far as TensorFlow is not needed for them."""
        with self._lock:
            if self._gradients is None:
                self._gradients = {}
                maps = _content(self._card, _MAPS) if self.facts.gradients else None
                if maps is not None:
                    try:
                        for layer in self.facts.gradients:
                            passes = _pass(maps, f"{layer}:")
                            self._gradients[layer] = openvino.loaded(*passes, False)
                            self._bytes += len(passes[1])
                    except (KeyError, RuntimeError) as error:
                        _give_up(self._card, _MAPS, error)
            return self._gradients


def folder() -> Path | None:
    """The folder of converted networks: in the one that RADLENS_CACHE names, else in the user's.

    Returns:
        None where RADLENS_CACHE is "off". It need not exist.
    """
    cache = cache_folder()
    return None if cache is None else cache / "networks"


def usable() -> bool:
    """Whether networks are converted here: not where it is off, or where there is a GPU."""
    return folder() is not None and not precision.has_gpu()


def network(card: Card, bfloat16: bool, whole: Callable[[], Network]) -> Converted | None:
    """A card's network from the cache, which is filled with it first where need be.

    Args:
        card: of the model.
        bfloat16: its pass runs in half-size numbers.
        whole: the network with all its functions, which brings TensorFlow.

    Returns:
        None where it cannot be had: `whole` then does everything.

    Raises:
        WeightsError: the model's weights cannot be used.
    """
    if not usable():
        return None
    key = f"{card.id}:{card.weights.sha256}:{card.explanation.layer}:{bfloat16}"

    def make() -> Converted:
        content = _content(card, _READING)
        if content is None:
            raise _Unavailable
        try:
            return Converted(card, content, bfloat16, whole)
        except (KeyError, ValueError, RuntimeError) as error:
            _give_up(card, _READING, error)
            raise _Unavailable from error

    try:
        return weights.kept.get(key, make, lambda one: one.bytes_held)
    except _Unavailable:
        return None


class _Unavailable(Exception):
    """Nothing converted can be had of a card."""


def filled(card: Card, step: str) -> bool:
    """Whether the cache holds a step of a card; its file is not looked through."""
    return _path(card, step).is_file()


def fill(card: Card, step: str) -> None:
    """Fill a step of a card in this process, for seconds and with TensorFlow, where it lacks.

    Raises:
        OSError: the folder cannot be written.
        WeightsError: the model's weights cannot be used.
        NotImplementedError, RuntimeError: the network cannot be converted.
    """
    path = _path(card, step)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(path.parent / f".{card.id}.lock"):  # another process may be at it
        if path.is_file():
            return
        from xray_models.inference import conversion, functions

        traced = functions.traced(weights.network(card), frozen=True)
        own = (traced.default_layer, card.explanation.layer)
        layers = [layer for layer in dict.fromkeys(own) if layer in traced.grids]
        facts = conversion.facts(traced, layers)
        if step == _READING:
            tensors = _tensors(conversion.reading(traced, layers))
            tensors["facts"] = _characters(facts.to_json())
            if traced.head is not None:
                tensors["head"] = traced.head
        else:
            tensors = {}
            for layer in facts.gradients:
                tensors |= _tensors(conversion.gradient(traced, layer), f"{layer}:")
        _write(card, step, tensors)


def fill_with(filler: Filler | None) -> None:
    """Have somebody else fill the cache, such as another process; None for this one again."""
    global _filler
    _filler = filler


def expect(cards: Sequence[Card]) -> None:
    """Say which models will be asked next, so that they are filled first."""
    if _filler is not None:
        _filler.expect(cards)


def sweep(cards: Iterable[Card]) -> None:
    """Delete what no card asks for and nobody has read in 30 days, such as of earlier versions."""
    where = folder()
    if where is None or not where.is_dir():
        return
    wanted = {_path(card, step) for card in cards for step in STEPS}
    oldest = time.time() - _KEPT_DAYS * 86_400
    for path in {*where.glob(f"*{_SUFFIX}"), *where.glob("*.tmp")} - wanted:
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def unwritable(error: OSError) -> str:
    """A folder that cannot be written, in a sentence."""
    return (
        f"The folder of converted networks, {folder()}, cannot be used ({error.strerror}), so "
        f"every start takes longer. Name another one with {CACHE}."
    )


_SUFFIX = ".network"
_filler: Filler | None = None
_unwritable: set[Path] = set()
_given_up: set[Path] = set()


def _content(card: Card, step: str) -> dict[str, np.ndarray] | None:
    """Content of a file of the cache, which is made first where need be; None if that fails."""
    if _path(card, step) in _given_up:
        return None
    found = _read(card, step)
    if found is None and _provide(card, step):
        found = _read(card, step)
    return found


def _provide(card: Card, step: str) -> bool:
    """Have a step of a card filled; whether that was done."""
    path = _path(card, step)
    if path.parent in _unwritable:
        return False
    try:
        if (filler := _filler) is not None:
            filler.make(card, step)
        if not path.is_file():
            fill(card, step)
        return path.is_file()
    except OSError as error:
        _unwritable.add(path.parent)
        _log.warning("%s", unwritable(error))
    except weights.WeightsError:
        raise
    except (NotImplementedError, RuntimeError) as error:
        _give_up(card, step, error)
    return False


def _give_up(card: Card, step: str, error: Exception) -> None:
    _given_up.add(_path(card, step))
    _log.warning("%s of %s stays on TensorFlow: %s", step.capitalize(), card.id, error)


def _tensors(passes: tuple[bytes, bytes], prefix: str = "") -> dict[str, np.ndarray]:
    description, values = map(_characters, passes)
    return {f"{prefix}description": description, f"{prefix}weights": values}


def _pass(tensors: dict[str, np.ndarray], prefix: str = "") -> tuple[bytes, bytes]:
    return tensors[f"{prefix}description"].tobytes(), tensors[f"{prefix}weights"].tobytes()


def _characters(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)


def _path(card: Card, step: str) -> Path:
    where = folder()
    assert where is not None, "usable() was not asked"
    return where / f"{card.id}.{step}.{_key(card, step)[:16]}{_SUFFIX}"


def _key(card: Card, step: str) -> str:
    """Digest of everything that a file is made from."""
    made_from = [
        *(card.weights.sha256, card.architecture, card.input_size, len(card.labels)),
        *(card.explanation.layer, step, _code()),
    ]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()


@functools.cache
def _code() -> str:
    """Digest of the code that builds and converts networks, and of the libraries' versions."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for room in _SOURCES:
        for source in sorted((package / room).glob("*.py")):
            digest.update(source.name.encode() + source.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library} {importlib.metadata.version(library)}".encode())
    return digest.hexdigest()


def _write(card: Card, step: str, tensors: dict[str, np.ndarray]) -> None:
    """Write a file of the cache, all at once."""
    content = dump_tensors(tensors | {"key": _characters(_key(card, step).encode())})
    path = _path(card, step)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        try:
            file.write(hashlib.sha256(content).hexdigest().encode())
            file.write(content)
            file.close()
            Path(file.name).replace(path)
        except BaseException:
            file.close()
            Path(file.name).unlink(missing_ok=True)
            raise


def _read(card: Card, step: str) -> dict[str, np.ndarray] | None:
    """Content of a file of the cache, verified; None where there is none, or it is no good."""
    path = _path(card, step)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        _log.warning("%s cannot be read (%s), and is made anew.", path.name, error.strerror)
        return None
    if hashlib.sha256(memoryview(content)[_DIGEST:]).hexdigest().encode() == content[:_DIGEST]:
        with contextlib.suppress(SafetensorError, KeyError):
            tensors = load_tensors(content[_DIGEST:])
            if tensors["key"].tobytes() == _key(card, step).encode():
                with contextlib.suppress(OSError):
                    os.utime(path)  # `sweep` leaves what is read
                return tensors
    _log.warning("%s is damaged, and is made anew.", path.name)
    with contextlib.suppress(OSError):
        path.unlink()
    return None


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes out, as far as the system can; the end of a process lets them in."""
    with path.open("ab") as file:
        _lock(file)
        yield


def _lock(file: Any) -> None:
    try:
        import fcntl
    except ImportError:  # Windows; without a lock both make the same, and the last one stays
        return
    with contextlib.suppress(OSError):  # some network drives have no locks
        fcntl.flock(file, fcntl.LOCK_EX)

"""PyTorch file, of any age since 2017, read as plain arrays: code inside is never run.

Two layouts hold the same pickle (see `torch_pickle`):

- up to PyTorch 1.5 (2020), five pickles one after another, then the numbers of each storage;
- since then a ZIP archive with the pickle and a file for each storage, uncompressed.

What a file is about may be a state dict, a state dict inside a checkpoint, or a whole module with
its attributes; a wrapper for several processors (DataParallel) may be around it. All of them come
to the same: names of weights and their arrays.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xray_models.importers import torch_pickle
from xray_models.importers.refusal import ImportRefused
from xray_models.importers.torch_pickle import ADVICE, Module, Storage, StoredTensor

__all__ = ["TorchFile", "read"]

_MOST_BYTES = 2**31
_MOST_PICKLE = 2**26
_MOST_ARRAYS = 20_000
_LONGEST = 300  # letters of a weight's name, which grows with modules in modules
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_HDF5 = b"\x89HDF\r\n\x1a\n"
# what the standard library raises for archives that were damaged on purpose or by chance
_UNZIPPING = (
    zipfile.BadZipFile,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    UnicodeDecodeError,
    ValueError,
    struct.error,
)
_KEYS = ("state_dict", "model_state_dict", "model")
"""Where checkpoints keep their weights, in the order in which they are tried."""


@dataclass(frozen=True, eq=False)
class TorchFile:
    """Names and arrays of a PyTorch file.

    Attributes:
        name: of the file, for messages.
        tensors: name of a weight, as PyTorch writes it -> its tensor, not read yet.
    """

    name: str
    tensors: dict[str, StoredTensor]
    _numbers: _Stream | _Archive

    def array(self, weight: str) -> np.ndarray:
        """One weight as an array of its own.

        Raises:
            ImportRefused: it is missing, cut off, or holds something that is no finite number.
        """
        if weight not in self.tensors:
            raise ImportRefused(f"{self.name}: the weight {weight} is missing.")
        tensor = self.tensors[weight]
        row = self._numbers.row(tensor.storage)
        size = row.dtype.itemsize
        laid = np.lib.stride_tricks.as_strided(
            row[tensor.offset :], tensor.shape, [step * size for step in tensor.strides]
        )
        if not np.isfinite(laid).all():
            raise ImportRefused(
                f"{self.name}: {weight} holds values that are no finite numbers. The training that "
                "made it went wrong."
            )
        return np.array(laid)


def read(path: Path) -> TorchFile:
    """Read the names of a file's weights; their numbers are taken when asked for.

    Args:
        path: `.pth`, `.pth.tar`, `.pt`, `.pkl` or whatever it is called.

    Raises:
        ImportRefused: no such file, not of PyTorch, damaged, or with something that is neither a
            tensor nor a plain container.
        OSError: it cannot be opened.
    """
    if not path.is_file():
        why = "a folder, not a file" if path.is_dir() else "no such file"
        raise ImportRefused(f"{path}: {why}.")
    if path.stat().st_size > _MOST_BYTES:
        raise ImportRefused(f"{path.name} is larger than 2 GB. {ADVICE}")
    content = path.read_bytes()
    zipped = content[:2] == b"PK"
    made, numbers = _unzipped(content, path.name) if zipped else _streamed(content, path)
    tensors = _weights(_about(made), path.name)
    if not tensors:
        raise ImportRefused(f"{path.name} holds no weights. {ADVICE}")
    return TorchFile(path.name, tensors, numbers)


class _Stream:
    """Numbers behind the pickles of an older file."""

    def __init__(self, content: bytes, file: str, order: str, places: dict[str, tuple[int, int]]):
        self._content, self._file, self._order, self._places = content, file, order, places

    def row(self, storage: Storage) -> np.ndarray:
        """Numbers of a storage, read only."""
        begin, count = self._places.get(storage.key, (0, -1))
        if count != storage.first + storage.count:
            raise ImportRefused(f"{self._file} is damaged: a row of numbers is missing.")
        kind = np.dtype(self._order + storage.kind)
        if begin + count * kind.itemsize > len(self._content):
            raise ImportRefused(f"{self._file} is cut off. Get the file again.")
        row = np.frombuffer(self._content, kind, count, begin)
        return row[storage.first :]


class _Archive:
    """Numbers of a ZIP archive, a file for each storage."""

    def __init__(self, archive: zipfile.ZipFile, file: str, folder: str, order: str):
        self._archive, self._file, self._folder, self._order = archive, file, folder, order

    def row(self, storage: Storage) -> np.ndarray:
        """Numbers of a storage, read only."""
        kind = np.dtype(self._order + storage.kind)
        content = _member(self._archive, f"{self._folder}data/{storage.key}", self._file)
        if len(content) != (storage.first + storage.count) * kind.itemsize:
            raise ImportRefused(f"{self._file} is damaged: a row of numbers has another length.")
        return np.frombuffer(content, kind)[storage.first :]


def _streamed(content: bytes, path: Path) -> tuple[Any, _Stream]:
    """What an older file is about, and its numbers."""
    file = path.name
    stream = io.BytesIO(content)
    if content[:1] != b"\x80":
        raise ImportRefused(f"{file}: {_what(content, path)}")
    magic, _ = torch_pickle.load(stream, file)
    if magic != _MAGIC:
        raise ImportRefused(
            f"{file}: a pickle, but not of PyTorch. RadLens runs no pickles. {ADVICE}"
        )
    protocol, _ = torch_pickle.load(stream, file)
    system, _ = torch_pickle.load(stream, file)
    if protocol != _PROTOCOL or not isinstance(system, dict):
        raise ImportRefused(f"{file}: of a kind of PyTorch files that is not known. {ADVICE}")
    order = "<" if system.get("little_endian", True) else ">"
    made, storages = torch_pickle.load(stream, file)
    keys, _ = torch_pickle.load(stream, file)
    widths = {storage.key: np.dtype(storage.kind).itemsize for storage in storages}
    places: dict[str, tuple[int, int]] = {}
    begin = stream.tell()
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str) or key not in widths or begin + 8 > len(content):
            raise ImportRefused(f"{file} is damaged or cut off. Get the file again.")
        (count,) = struct.unpack_from("<q", content, begin)
        places[key] = (begin + 8, count)
        begin += 8 + max(count, 0) * widths[key]
    return made, _Stream(content, file, order, places)


def _unzipped(content: bytes, file: str) -> tuple[Any, _Archive]:
    """What a newer file is about, and its numbers."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _UNZIPPING as error:
        raise ImportRefused(f"{file} is damaged or cut off. Get the file again.") from error
    names = archive.namelist()
    pickles = [name for name in names if name.endswith("data.pkl")]
    if not pickles:
        raise ImportRefused(f"{file}: a ZIP archive, but not of PyTorch. {ADVICE}")
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in names:
        raise ImportRefused(f"{file}: a TorchScript archive, which is code; nothing of it was run.")
    order = ">" if _order(archive, f"{folder}byteorder", file) == b"big" else "<"
    pickled = _member(archive, pickles[0], file, _MOST_PICKLE)
    made, _ = torch_pickle.load(io.BytesIO(pickled), file)
    return made, _Archive(archive, file, folder, order)


def _order(archive: zipfile.ZipFile, name: str, file: str) -> bytes:
    return _member(archive, name, file) if name in archive.namelist() else b"little"


def _member(archive: zipfile.ZipFile, name: str, file: str, most: int = _MOST_BYTES) -> bytes:
    try:
        member = archive.getinfo(name)
    except KeyError as error:
        raise ImportRefused(f"{file} is damaged: {name} is missing.") from error
    if member.compress_type != zipfile.ZIP_STORED:
        raise ImportRefused(f"{file}: {name} is compressed, as PyTorch never does. {ADVICE}")
    if member.file_size > most:
        raise ImportRefused(f"{file}: {name} takes {member.file_size:,} bytes. {ADVICE}")
    try:
        return archive.read(member)
    except _UNZIPPING as error:
        raise ImportRefused(f"{file} is damaged or cut off: {name} cannot be read.") from error


def _what(content: bytes, path: Path) -> str:
    """What a file is that is none of PyTorch's, and what to do."""
    if content.startswith(_HDF5):
        return "a Keras file. Import it with: import keras."
    if not content:
        return "empty. Get the file again."
    try:
        if tarfile.is_tarfile(path):
            return f"a tar archive, as PyTorch wrote before 0.1.10 (2017). {ADVICE}"
    except OSError:
        pass
    return f"not a file of PyTorch. {ADVICE}"


def _about(made: Any) -> Any:
    """The state dict or the module of a checkpoint, which may be wrapped."""
    for _ in range(len(_KEYS)):
        if not isinstance(made, dict):
            break
        inner = [made[key] for key in _KEYS if isinstance(made.get(key), (dict, Module))]
        if not inner:
            break
        made = inner[0]
    return made


def _weights(made: Any, file: str) -> dict[str, StoredTensor]:
    """Weights of a state dict or a module, by the names of PyTorch's state dicts."""
    found: dict[str, StoredTensor] = {}
    left, visits = [(made, "")], 0
    while left:
        value, path = left.pop()
        visits += 1
        if visits > _MOST_ARRAYS or len(path) > _LONGEST:
            raise ImportRefused(f"{file}: has more modules, or deeper ones, than any network.")
        if isinstance(value, dict):
            found |= _tensors(value, "")
        elif isinstance(value, Module):
            for kind in ("_parameters", "_buffers"):
                found |= _tensors(value.attributes.get(kind), path)
            inner = value.attributes.get("_modules")
            if isinstance(inner, dict):
                left += [(one, f"{path}{name}.") for name, one in inner.items()]
    if len(found) > _MOST_ARRAYS:
        raise ImportRefused(f"{file}: has more than {_MOST_ARRAYS:,} tensors.")
    return found


def _tensors(held: Any, path: str) -> dict[str, StoredTensor]:
    items = held.items() if isinstance(held, dict) else ()
    return {f"{path}{name}": value for name, value in items if isinstance(value, StoredTensor)}

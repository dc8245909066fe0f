"""Pickle inside a PyTorch file, read without running anything of it.

A pickle is a program for a small machine, and Python's own machine calls whatever the program
names. This one knows tensors, numbers, strings, lists, dicts and the attributes of PyTorch's
modules, and keeps every name that it meets as a name: nothing is imported, nothing is called. Any
other name or instruction is refused.

The instructions are taken apart by `pickletools` of the standard library; the names that PyTorch
writes are those of its `torch/serialization.py` and `torch/_utils.py`, from 0.1.10 (2017) on.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any

from xray_models.importers.refusal import ImportRefused

__all__ = ["ADVICE", "Module", "Storage", "StoredTensor", "load"]

ADVICE = "Save the weights alone with PyTorch: torch.save(model.state_dict(), 'weights.pth')."

_MOST_STEPS = 3_000_000  # whole modules of DenseNet201 take 100,000
_MOST_KEY = 2**60  # integers below their modulus hash apart, so that a dict stays quick
_MOST_AXES = 8
_MOST_NUMBERS = 2**29

_TYPES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "u1",
}
"""PyTorch's name of a storage -> type of its numbers, as numpy writes it."""

_MODULES = (
    "torch.nn.modules.",
    "torch.nn.parallel.",
    "torchvision.models.densenet.",
    "torchxrayvision.models.",
)
"""Beginnings of the names of modules whose attributes are read."""

# training's state beside the weights: known to be harmless, and left out
_LEFT_OUT = frozenset(
    {
        "_codecs.encode",
        "numpy.core.multiarray._reconstruct",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy.dtype",
        "numpy.ndarray",
        "torch.device",
        "torch.nn.backends.thnn._get_thnn_function_backend",
    }
)


@dataclass(frozen=True)
class Storage:
    """Row of numbers in a PyTorch file, which tensors are cut from.

    Attributes:
        key: its name in the file.
        kind: type of its numbers, as numpy writes it: "f4".
        count: how many numbers.
        first: where this storage begins, where it is a part of the row.
    """

    key: str
    kind: str
    count: int
    first: int = 0


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """Tensor of a PyTorch file: a shape laid over numbers that are not read yet.

    Attributes:
        shape: sizes of its axes.
        strides: steps along its axes, in numbers.
        offset: of its first number in the storage.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Module:
    """Module of a PyTorch file as a holder of attributes; its class is a name and no more."""

    name: str
    attributes: dict[Any, Any]


@dataclass(frozen=True)
class _Name:
    """Function or class that the pickle names."""

    full: str


@dataclass(frozen=True)
class _LeftOut:
    """Value that nothing here needs."""

    name: str


_MARK = object()


class _Refused(Exception):
    """What is wrong, as the rest of a sentence about the file."""


def load(stream: IO[bytes], file: str) -> tuple[Any, list[Storage]]:
    """Read one pickle from where a stream stands; the stream then stands behind it.

    Args:
        stream: of the file's content.
        file: its name, for messages.

    Returns:
        Numbers, strings, tuples, lists and dicts of these, `StoredTensor` and `Module`; and every
        storage that it refers to.

    Raises:
        ImportRefused: the pickle is damaged, too long, or holds anything else; the message names
            it.
    """
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count > _MOST_STEPS:
                raise _Refused(f"takes more than {_MOST_STEPS:,} steps to read. {ADVICE}")
            machine.step(opcode.name, argument)
        return machine.result(), machine.storages
    except _Refused as error:
        raise ImportRefused(f"{file} {error}") from None
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ImportRefused(
            f"{file}: its pickle is damaged or cut off ({error}). Get the file again."
        ) from error


class _Machine:
    """Machine of the pickle: a stack, a memo, and an instruction at a time."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self.storages: list[Storage] = []
        self._copied = 0

    def step(self, opcode: str, argument: Any) -> None:
        """Follow one instruction."""
        if opcode in _CONSTANTS:
            self._stack.append(_CONSTANTS[opcode])
        elif opcode in _LITERALS:
            self._stack.append(argument)
        elif opcode in _MADE_EMPTY:
            self._stack.append(_MADE_EMPTY[opcode]())
        elif opcode in _STEPS:
            _STEPS[opcode](self, argument)
        else:
            raise _Refused(
                f"uses the instruction {opcode} of pickles, which PyTorch never writes; nothing of "
                f"it was run. {ADVICE}"
            )

    def result(self) -> Any:
        """What the pickle made."""
        (value,) = self._stack
        return value

    def nothing(self, _: Any) -> None:
        pass

    def mark(self, _: Any) -> None:
        self._stack.append(_MARK)

    def pop(self, _: Any) -> None:
        self._stack.pop()

    def duplicate(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def put(self, key: int) -> None:
        self._memo[key] = self._stack[-1]

    def memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, key: int) -> None:
        self._stack.append(self._memo[key])

    def name(self, argument: str) -> None:
        self._stack.append(_known(argument.replace(" ", ".")))

    def name_from_stack(self, _: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise ValueError("a name that is no text")
        self._stack.append(_known(f"{module}.{name}"))

    def tuple_of_all(self, _: Any) -> None:
        self._stack.append(tuple(self._to_mark()))

    def tuple_of_1(self, _: Any) -> None:
        self._stack.append((self._stack.pop(),))

    def tuple_of_2(self, _: Any) -> None:
        second, first = self._stack.pop(), self._stack.pop()
        self._stack.append((first, second))

    def tuple_of_3(self, _: Any) -> None:
        third, second, first = self._stack.pop(), self._stack.pop(), self._stack.pop()
        self._stack.append((first, second, third))

    def list_of_all(self, _: Any) -> None:
        self._stack.append(self._to_mark())

    def dict_of_all(self, _: Any) -> None:
        items = self._to_mark()
        self._stack.append({})
        self._fill(items)

    def append(self, _: Any) -> None:
        value = self._stack.pop()
        self._extend([value])

    def appends(self, _: Any) -> None:
        values = self._to_mark()
        self._extend(values)

    def set_item(self, _: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._fill([key, value])

    def set_items(self, _: Any) -> None:
        items = self._to_mark()
        self._fill(items)

    def reduce(self, _: Any) -> None:
        arguments, name = self._stack.pop(), self._stack.pop()
        if not isinstance(name, _Name) or not isinstance(arguments, tuple):
            raise ValueError("a call of something that is no name")
        if name.full == "collections.OrderedDict" and arguments:
            # the same pairs may be asked for again and again
            self._copied += len(arguments[0])
            if self._copied > _MOST_STEPS:
                raise _Refused(f"makes dicts of more than {_MOST_STEPS:,} items. {ADVICE}")
        self._stack.append(_made(name.full, arguments))

    def build(self, _: Any) -> None:
        state = self._stack.pop()
        made = self._stack[-1]
        if isinstance(made, Module) and isinstance(state, dict):
            made.attributes.update(state)
        elif not isinstance(made, (StoredTensor, dict, _LeftOut)):
            raise ValueError("attributes of something that has none")

    def persistent(self, _: Any) -> None:
        found = _persistent(self._stack.pop())
        if isinstance(found, Storage):
            self.storages.append(found)
        self._stack.append(found)

    def _to_mark(self) -> list[Any]:
        for index in range(len(self._stack) - 1, -1, -1):
            if self._stack[index] is _MARK:
                values = self._stack[index + 1 :]
                del self._stack[index:]
                return values
        raise ValueError("a mark is missing")

    def _extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, list):
            raise ValueError("items of something that is no list")
        target.extend(values)

    def _fill(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise ValueError("items of something that is no dict")
        _put(target, zip(items[::2], items[1::2], strict=True))


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = frozenset(
    """INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING
    UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8""".split()
)
_MADE_EMPTY: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_SET": list,  # nothing here asks whether something is in it
    "EMPTY_TUPLE": tuple,
}
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine.nothing,
    "FRAME": _Machine.nothing,
    "STOP": _Machine.nothing,
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "DUP": _Machine.duplicate,
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.name_from_stack,
    "TUPLE": _Machine.tuple_of_all,
    "TUPLE1": _Machine.tuple_of_1,
    "TUPLE2": _Machine.tuple_of_2,
    "TUPLE3": _Machine.tuple_of_3,
    "LIST": _Machine.list_of_all,
    "DICT": _Machine.dict_of_all,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "ADDITEMS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.reduce,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}


def _put(target: dict[Any, Any], pairs: Iterable[tuple[Any, Any]]) -> None:
    for key, value in pairs:
        if not isinstance(key, str) and not (isinstance(key, int) and abs(key) < _MOST_KEY):
            raise ValueError("a key that is neither text nor a number")
        target[key] = value


def _known(full: str) -> _Name:
    """A name that the pickle asks for.

    Raises:
        _Refused: it is none of those that tensors and PyTorch's modules need.
    """
    module, _, name = full.rpartition(".")
    storage = module in ("torch", "torch.cuda") and name in _TYPES
    if full in _MAKERS or full in _LEFT_OUT or storage or full.startswith(_MODULES):
        return _Name(full)
    if full in ("torch.BFloat16Storage", "torch.cuda.BFloat16Storage"):
        raise _Refused(
            "holds numbers of the type bfloat16, which RadLens does not read. Save the weights as "
            "float32: model.float().state_dict()."
        )
    raise _Refused(
        f"asks for {full[:200]!r}, which is neither a tensor nor a plain container; nothing of it "
        f"was run. {ADVICE}"
    )


def _made(name: str, arguments: tuple[Any, ...]) -> Any:
    """What a call of a known name stands for."""
    if name in _MAKERS:
        return _MAKERS[name](*arguments)
    if name in _LEFT_OUT:
        return _LeftOut(name)
    if name.startswith(_MODULES) and not arguments:
        return Module(name, {})
    raise ValueError(f"a call of {name[:200]}")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    if not isinstance(storage, Storage) or len(shape) != len(strides) or len(shape) > _MOST_AXES:
        raise ValueError("a tensor without numbers or axes")
    sizes = (offset, *shape, *strides)
    if any(not isinstance(one, int) or not 0 <= one <= _MOST_NUMBERS for one in sizes):
        raise ValueError("a tensor whose shape is not of numbers, or is too large")
    last, count = offset, 1
    for size, stride in zip(shape, strides, strict=True):
        last += (size - 1) * stride
        count *= size
    if count and (last >= storage.count or count > storage.count):
        raise ValueError(f"a tensor of shape {tuple(shape)} over {storage.count:,} numbers")
    return StoredTensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor: Any, *_: Any) -> StoredTensor:
    if not isinstance(tensor, StoredTensor):
        raise ValueError("a parameter that is no tensor")
    return tensor


def _ordered_dict(pairs: Any = ()) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    _put(made, ((key, value) for key, value in pairs))
    return made


def _sequence(values: Any = ()) -> list[Any] | tuple[Any, ...]:
    if not isinstance(values, (list, tuple)):
        raise ValueError("a set of something that is no list")
    return values


_MAKERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.autograd.variable.Variable": _parameter,
    "torch.Size": _sequence,
    "collections.OrderedDict": _ordered_dict,
    "builtins.set": _sequence,
    "__builtin__.set": _sequence,
}


def _persistent(told: Any) -> Any:
    """What PyTorch stores beside the pickle: numbers, or the source code of a module's class."""
    kind, first, *rest = told
    if kind == "module":  # (class, file, source code): the code is left unread
        return first
    key, _, count, *parts = rest
    named = isinstance(first, _Name) and isinstance(key, (str, int))
    if kind != "storage" or not named or not isinstance(count, int):
        raise ValueError("a reference to something that is no storage")
    _, _, name = first.full.rpartition(".")
    if name not in _TYPES:
        raise ValueError("a storage of no known type")
    if not 0 <= count <= _MOST_NUMBERS:
        raise _Refused(f"claims a row of {count:,} numbers. {ADVICE}")
    begin = 0
    if parts and parts[0] is not None:  # a part of the row, as PyTorch of 2017 kept it
        _, begin, _ = parts[0]  # (its key, where it begins, how many numbers)
        if not isinstance(begin, int) or not 0 <= begin <= count:
            raise ValueError("a part of a storage that lies outside it")
    return Storage(str(key), _TYPES[name], count - begin, begin)

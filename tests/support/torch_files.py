"""Files as PyTorch writes them, without PyTorch: for tests of what reads them.

`tests/importers/test_torch_agreement.py` compares the reader with files of PyTorch itself.
"""

import io
import struct
import zipfile

import numpy as np

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
PROTOCOL = b"\x80\x02M\xe9\x03."

Global = type("Global", (str,), {})
"""A name in a pickle: "torch._utils._rebuild_tensor_v2"."""


def pickled(value) -> bytes:
    """A pickle of protocol 2 of numbers, text, tuples, lists, dicts, and instructions as bytes."""
    return b"\x80\x02" + code(value) + b"."


def code(value) -> bytes:
    """Instructions that put a value onto the stack."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, Global):
        module, _, name = value.rpartition(".")
        return f"c{module}\n{name}\n".encode()
    if isinstance(value, str):
        text = value.encode()
        return b"X" + struct.pack("<I", len(text)) + text
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, tuple):
        return b"(" + b"".join(map(code, value)) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(map(code, value)) + b"e"
    items = b"".join(code(key) + code(one) for key, one in value.items())
    return b"}(" + items + b"u"


def call(name: str, *arguments) -> bytes:
    """Instructions that call something of a name."""
    return code(Global(name)) + code(arguments) + b"R"


def storage(key: str, count: int, kind: str = "FloatStorage", extra: tuple = ()) -> bytes:
    """Instructions that refer to a row of numbers."""
    return code(("storage", Global(f"torch.{kind}"), key, "cpu", count, *extra)) + b"Q"


def tensor(key: str, array: np.ndarray) -> bytes:
    """Instructions that make a float tensor from a row of its own."""
    strides = tuple(step // array.itemsize for step in array.strides)
    return call(
        "torch._utils._rebuild_tensor_v2",
        storage(key, array.size),
        0,
        array.shape,
        strides,
        False,
        call("collections.OrderedDict"),
    )


def legacy(value, rows: dict[str, np.ndarray]) -> bytes:
    """A file of PyTorch up to 1.5: `value` as for `pickled`, and the rows it refers to."""
    system = pickled({"protocol_version": 1001, "little_endian": True, "type_sizes": {}})
    content = MAGIC + PROTOCOL + system + pickled(value) + pickled(list(rows))
    for row in rows.values():
        content += struct.pack("<q", row.size) + row.tobytes()
    return content


def zipped(value, rows: dict[str, np.ndarray], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A file of PyTorch since 1.6: an archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled(value))
        for key, row in rows.items():
            archive.writestr(f"archive/data/{key}", row.tobytes())
    return packed.getvalue()


def state_dict(arrays: dict[str, np.ndarray]) -> tuple[dict[str, bytes], dict[str, np.ndarray]]:
    """A state dict as instructions, and its rows."""
    rows = {str(index): array for index, array in enumerate(arrays.values())}
    pairs = zip(arrays, rows.items(), strict=True)
    return {name: tensor(key, array) for name, (key, array) in pairs}, rows


def densenet121(outputs: int, prefix: str = "", head: str = "classifier.0", seed: int = 1):
    """Weights of a DenseNet121 by PyTorch's names, random: small enough to give small logits."""
    random = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}

    def convolution(name, into, out, size):
        scale = (2 / (into * size * size)) ** 0.5
        made[f"{name}.weight"] = scale * random.standard_normal((out, into, size, size), np.float32)

    def normalization(name, channels):
        made[f"{name}.weight"] = random.uniform(0.5, 1, channels).astype(np.float32)
        made[f"{name}.bias"] = random.uniform(-0.1, 0.1, channels).astype(np.float32)
        made[f"{name}.running_mean"] = random.uniform(-0.1, 0.1, channels).astype(np.float32)
        made[f"{name}.running_var"] = random.uniform(0.5, 1.5, channels).astype(np.float32)

    convolution("features.conv0", 3, 64, 7)
    normalization("features.norm0", 64)
    channels = 64
    for block, layers in enumerate((6, 12, 24, 16), 1):
        for layer in range(1, layers + 1):
            name = f"features.denseblock{block}.denselayer{layer}"
            normalization(f"{name}.norm1", channels)
            convolution(f"{name}.conv1", channels, 128, 1)
            normalization(f"{name}.norm2", 128)
            convolution(f"{name}.conv2", 128, 32, 3)
            channels += 32
        if block < 4:
            normalization(f"features.transition{block}.norm", channels)
            convolution(f"features.transition{block}.conv", channels, channels // 2, 1)
            channels //= 2
    normalization("features.norm5", channels)
    made[f"{head}.weight"] = 0.01 * random.standard_normal((outputs, channels), np.float32)
    made[f"{head}.bias"] = np.zeros(outputs, np.float32)
    return {f"{prefix}{name}": value for name, value in made.items()}

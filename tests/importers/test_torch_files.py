"""PyTorch files read as arrays and names; whatever else is in them is named and not run."""

import io
import pickle
import random
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch_files as files
from torch_files import Global, call, code, legacy, pickled, storage, tensor, zipped

from xray_models.importers import torch_file, torch_model
from xray_models.importers.refusal import ImportRefused

ONE = np.arange(6, dtype=np.float32).reshape(2, 3)
TWO = np.array([1.5, -2.0], np.float32)


def read(content: bytes, tmp_path):
    path = tmp_path / "model.pth.tar"
    path.write_bytes(content)
    return torch_file.read(path)


def arrays(content: bytes, tmp_path) -> dict[str, np.ndarray]:
    found = read(content, tmp_path)
    return {name: found.array(name) for name in found.tensors}


def refused(content: bytes, tmp_path) -> str:
    with pytest.raises(ImportRefused) as error:
        arrays(content, tmp_path)
    message = str(error.value)
    assert message.startswith("model.pth.tar") or "model.pth.tar" in message.split(":")[0]
    assert "\n" not in message and len(message) < 500 and message.endswith(".")
    return message


def module(name: str, **attributes) -> bytes:
    return code(Global(name)) + b")\x81" + code(attributes) + b"b"


@pytest.mark.parametrize("made", [legacy, zipped])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"epoch": 3, "state_dict": state, "best": 0.5, "arch": None},
        lambda state: {"model_state_dict": {f"module.{name}": one for name, one in state.items()}},
    ],
)
def test_a_state_dict_is_found_in_both_layouts_and_in_checkpoints(made, wrap, tmp_path):
    state, rows = files.state_dict({"a.weight": ONE, "a.bias": TWO})
    found = read(made(wrap(state), rows), tmp_path)
    names = [name.removeprefix("module.") for name in found.tensors]
    assert names == ["a.weight", "a.bias"]
    for name, expected in zip(found.tensors, (ONE, TWO), strict=True):
        np.testing.assert_array_equal(found.array(name), expected)


def test_a_whole_module_gives_its_weights_by_the_names_of_its_state_dict(tmp_path):
    parameter = call("torch.nn.parameter.Parameter", tensor("0", ONE)) + code((True, False)) + b"b"
    # with its source code beside it, as PyTorch stored it up to 2020
    told = code(("module", Global("torch.nn.modules.linear.Linear"), "linear.py", "import os"))
    linear = told + b"Q)\x81" + code({"_parameters": {"weight": parameter}, "bias": None}) + b"b"
    norm = module("torch.nn.modules.batchnorm.BatchNorm2d", _buffers={"mean": tensor("1", TWO)})
    inner = module("torchvision.models.densenet.DenseNet", _modules={"fc": linear, "n": norm})
    whole = module("torch.nn.parallel.data_parallel.DataParallel", _modules={"module": inner})
    rest = {
        "rng_state": call("numpy.core.multiarray.scalar", call("numpy.dtype", "f8"), "x"),
        "backend": call("torch.nn.backends.thnn._get_thnn_function_backend"),
    }
    found = read(legacy({"model": whole, **rest}, {"0": ONE, "1": TWO}), tmp_path)
    assert sorted(found.tensors) == ["module.fc.weight", "module.n.mean"]
    np.testing.assert_array_equal(found.array("module.fc.weight"), ONE)


def test_parts_of_rows_other_orders_and_other_types_are_read(tmp_path):
    turned = call("torch._utils._rebuild_tensor", storage("0", 6), 0, (3, 2), (1, 3))
    part = call(
        "torch._utils._rebuild_tensor", storage("0", 6, extra=(("v", 2, 4),)), 1, (2,), (1,)
    )
    half = call("torch._utils._rebuild_tensor", storage("1", 2, "HalfStorage"), 0, (2,), (1,))
    whole = call("torch._utils._rebuild_tensor", storage("2", 2, "LongStorage"), 0, (), ())
    value = {"turned": turned, "part": part, "half": half, "whole": whole}
    rows = {"0": ONE, "1": TWO.astype(np.float16), "2": np.array([7, 8])}
    found = read(legacy(value, rows), tmp_path)
    np.testing.assert_array_equal(found.array("turned"), ONE.T)
    np.testing.assert_array_equal(found.array("part"), [3, 4])
    np.testing.assert_array_equal(found.array("half"), TWO)
    assert found.array("whole") == 7


class Runs:
    """What a malicious file would have Python do: touch a file."""

    def __init__(self, function, *arguments):
        self.told = function, arguments

    def __reduce__(self):
        return self.told


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
@pytest.mark.parametrize(("function", "named"), [(exec, "exec"), (open, "open"), (getattr, "")])
def test_nothing_of_a_malicious_pickle_is_run_and_it_is_named(protocol, function, named, tmp_path):
    mark = tmp_path / "run"
    told = {
        exec: (f"open({str(mark)!r}, 'w')",),
        open: (str(mark), "w"),
        getattr: (str, "join"),
    }[function]
    evil = pickle.dumps({"state_dict": Runs(function, *told)}, protocol)
    refused(evil, tmp_path)
    for content in (
        files.MAGIC + files.PROTOCOL + pickled({}) + evil + pickled([]),
        _archive({"archive/data.pkl": evil}),
    ):
        message = refused(content, tmp_path)
        assert named in message and "nothing of it was run" in message
    assert not mark.exists()


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (call("os.system", "true"), "os.system"),
        (call("torch.storage._load_from_bytes", "x"), "torch.storage._load_from_bytes"),
        (call("torch.load", "x"), "torch.load"),
        (module("__main__.DenseNet121"), "__main__.DenseNet121"),
        (b"\x82\x01", "EXT1"),
        (b"(ios\nsystem\n", "INST"),
        (b"(" + code(Global("collections.OrderedDict")) + b"o", "OBJ"),
        (code("posix") + code("system") + b"\x93", "posix.system"),
        (code(("module", Global("os.system"), "", "")) + b"Q", "os.system"),
        (b"P1\n", "PERSID"),
    ],
)
def test_what_is_neither_a_tensor_nor_a_container_is_named(value, named, tmp_path):
    assert named in refused(legacy({"state_dict": {"a": value}}, {}), tmp_path)


def _archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _doubled(levels: int) -> bytes:
    """A module that holds another twice, that one another twice, and so on."""
    inner = module("torch.nn.modules.linear.Linear")
    for level in range(levels):
        twice = b"}(" + code("a") + inner + b"q" + bytes([level])
        twice += code("b") + b"h" + bytes([level]) + b"u"
        name = code(Global("torch.nn.modules.linear.Linear"))
        inner = name + b")\x81}(" + code("_modules") + twice + b"ub"
    return inner


def _copies() -> bytes:
    """The same pairs made into dict after dict."""
    pairs = b"](" + code(("key", 1)) * 3000 + b"e"
    ordered = code(Global("collections.OrderedDict"))
    return pairs + b"q\x010" + (ordered + b"h\x01\x85R0") * 2000 + b"N"


def _shaped(count: int, shape: tuple, strides: tuple, offset: int = 0) -> bytes:
    made = call("torch._utils._rebuild_tensor", storage("0", count), offset, shape, strides)
    return legacy({"a": made}, {"0": ONE})


@pytest.mark.parametrize(
    "content",
    [
        _shaped(6, (2, 2**29), (0, 0)),
        _shaped(6, (7,), (1,)),
        _shaped(6, (2, 3), (3, 1), 1),
        _shaped(6, (-1,), (1,)),
        _shaped(6, (2,), (-1,)),
        _shaped(6, (2, 3), (3,)),
        _shaped(2**30, (6,), (1,)),
        _shaped(7, (6,), (1,)),
        _shaped(6, (1,) * 9, (1,) * 9),
        zipped(files.state_dict({"a": ONE})[0], {"0": TWO}),
        zipped(files.state_dict({"a": ONE})[0], {}),
        zipped(*files.state_dict({"a": np.zeros(10**6, np.float32)}), zipfile.ZIP_DEFLATED),
        _archive({"archive/data.pkl": pickled({}), "archive/constants.pkl": pickled({})}),
        _archive({"word/document.xml": b"<x/>"}),
        legacy({"model": _doubled(40)}, {}),
        legacy({"model": _copies()}, {}),
        legacy({"a": call("torch._utils._rebuild_tensor", storage("0", 2, "BFloat16Storage"))}, {}),
        legacy({"a": tensor("0", np.array([1, np.nan], np.float32))}, {"0": TWO * np.nan}),
        legacy({"a": b"(" * 10}, {}),
        legacy({"epoch": 3}, {}),
        legacy({}, {}),
        pickle.dumps({"a": 1}),
        b"\x89HDF\r\n\x1a\n" + bytes(100),
        b"",
        b"\x80",
        b"PK\x03\x04" + bytes(50),
        b"hello",
    ],
)
def test_what_cannot_be_read_ends_in_one_sentence(content, tmp_path):
    refused(content, tmp_path)


def test_a_tar_archive_a_folder_and_a_missing_file_are_told(tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    assert "tar archive" in refused(packed.getvalue(), tmp_path)
    for path, why in ((tmp_path, "a folder"), (tmp_path / "none.pth", "no such file")):
        with pytest.raises(ImportRefused, match=why):
            torch_file.read(path)


def outcome(content: bytes, tmp_path) -> str:
    try:
        arrays(content, tmp_path)
    except ImportRefused:
        return "refused"
    return "read"


@pytest.mark.parametrize("made", [legacy, zipped])
def test_damaged_files_never_end_in_anything_but_a_sentence(made, tmp_path):
    state, rows = files.state_dict({"a.weight": ONE, "a.bias": TWO})
    whole = made({"epoch": 1, "state_dict": state}, rows)
    drawn = random.Random(7)
    damaged = [whole[:length] for length in range(0, len(whole), 7)]
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(drawn.randint(1, 4)):
            content[drawn.randrange(len(content))] = drawn.randrange(256)
        damaged.append(bytes(content))
    outcomes = {outcome(content, tmp_path) for content in damaged}
    assert outcomes == {"read", "refused"}


def test_thresholds_are_read_without_running_anything(tmp_path):
    path = tmp_path / "thresholds.npy"
    np.save(path, np.linspace(0.1, 0.8, 8)[None])
    np.testing.assert_allclose(torch_model.read_cutoffs(path, 8), np.linspace(0.1, 0.8, 8))
    for wrong, why in (
        (np.linspace(0.1, 0.8, 7), "8 thresholds"),
        (np.linspace(0, 1, 8), "between 0 and 1"),
        (np.array([Runs(exec, "1 / 0")], object), "no thresholds"),
        (np.zeros(1000), "larger"),
    ):
        np.save(path, wrong, allow_pickle=True)
        with pytest.raises(ImportRefused, match=why):
            torch_model.read_cutoffs(path, 8)


@pytest.mark.parametrize(
    "name",
    ["state_dict_2018", "state_dict_2022", "module_2017", "module_2018", "module_2022"],
)
def test_what_pytorch_itself_saved_is_read(name):
    """A narrow DenseNet of torchvision, see `torch_checkpoints.write_small`."""
    found = torch_file.read(Path(__file__).parent / "saved_by_pytorch" / f"{name}.pth")
    if name == "state_dict_2018":
        assert "module.features.denseblock1.denselayer1.norm.1.weight" in found.tensors
    assert len(found.tensors) >= 33
    shapes = {one.removeprefix("module."): each.shape for one, each in found.tensors.items()}
    assert shapes["features.conv0.weight"] == (4, 3, 7, 7)
    assert shapes["classifier.weight"] == (2, 5)
    wrapped = "module." if name == "state_dict_2018" else ""
    first = found.array(f"{wrapped}features.conv0.weight")
    np.testing.assert_array_equal(first.ravel(), np.arange(588))
    mean = found.array(f"{wrapped}features.norm0.running_mean")
    np.testing.assert_array_equal(mean, np.arange(4) + 3)

"""Frozen graphs compiled for the processor by OpenVINO, in float32 or bfloat16.

On two cores that is one to two times as fast as TensorFlow in float32, and it has bfloat16
throughout where the processor multiplies it. `python -m benchmarks.explain` measures.
"""

from __future__ import annotations

import functools
import os
import platform
import queue
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "Inference",
    "Pass",
    "answers",
    "compiled",
    "loaded",
    "one_by_one",
    "operations",
    "portable",
    "put_together",
    "write",
]

Pass = Callable[[np.ndarray], list[np.ndarray]]
"""Images, float32 (batch, height, width, channels) -> outputs, float32."""

Inference = Callable[..., list[np.ndarray]]
"""Inputs of a compiled graph, float32 -> its outputs, float32; for several threads at once."""

_SMALL = 256  # numbers that are not worth a conversion


@functools.cache
def _openvino() -> Any:
    # OpenVINO reports its use to its makers when it is imported. Without this package it falls back
    # on a stub that does nothing: nobody hears of what is read here, or that anything is.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    if sys.version_info >= (3, 13):
        # OpenVINO's own one deletes a name that `exec` has made: since Python 3.13 there is none,
        # and every conversion ended in a NameError
        from openvino.frontend.tensorflow import utils

        utils.get_environment_setup = _environment
    return openvino


def _environment(framework: str) -> dict[str, str]:
    """What a conversion asks about this Python: its version and that of the framework, "tf"."""
    return {
        "python_version": platform.python_version(),
        "sys_platform": sys.platform,
        **({"tensorflow": sys.modules["tensorflow"].__version__} if framework == "tf" else {}),
    }


def compiled(graph: Any, outputs: Sequence[str], bfloat16: bool) -> Pass:
    """Compile a graph for the processor.

    Args:
        graph: of TensorFlow, without variables, one image input.
        outputs: names of the tensors that are asked for.
        bfloat16: compute in half-size numbers; inputs and outputs stay float32.

    Returns:
        A function that may be called by several threads at once.
    """
    converted = _openvino().convert_model(graph)
    shape = converted.input(0).get_partial_shape()
    shape[0] = 1  # or every new number of images is compiled for anew, for tenths of a second
    converted.reshape(shape)
    model = _for_processor(converted, bfloat16)
    run = _inference(model, [model.input(0)], [model.output(name) for name in outputs])
    return lambda images: one_by_one(run, images)


def one_by_one(run: Inference, images: np.ndarray) -> list[np.ndarray]:
    """Answers of a compiled graph to images, asked one after the other.

    Args:
        run: takes one image, (1, height, width, channels).
        images: float32, (batch, height, width, channels).
    """
    answers = [run(image[None]) for image in images]
    return [np.concatenate(parts) for parts in zip(*answers, strict=True)]


def portable(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> tuple[bytes, bytes]:
    """Convert a graph to a file's content that `loaded` reads, without TensorFlow.

    Weights that half-size numbers hold without loss are stored so; they are computed with in
    float32 all the same.

    Args:
        graph: of TensorFlow, all shapes known; its variables become constants.
        inputs: names of its input tensors, in the order in which they will be given.
        outputs: names of the tensors that will be asked for.

    Returns:
        The description, in XML, and the weights.

    Raises:
        RuntimeError: an operation of the graph is not known to OpenVINO.
    """
    openvino = _openvino()
    from openvino.frontend.tensorflow.graph_iterator import GraphIteratorTFGraph

    # not openvino.convert_model: it multiplies batch normalizations into kernels, which half-size
    # numbers do not hold any more; compiling does the same when the file is read
    frontend = openvino.frontend.FrontEndManager().load_by_framework("tf")
    operations = GraphIteratorTFGraph(graph, True)  # a name, or Python lets go of it too early
    needed = _ancestors(
        graph, [*inputs, *outputs]
    )  # what nothing comes of need not be known to OpenVINO
    operations.m_decoders = [one for one in operations.m_decoders if one.m_operation.name in needed]
    whole = frontend.convert(frontend.load(operations))
    answers = [whole.output(name) for name in outputs]
    for number, port in enumerate(map(whole.input, inputs)):
        port.get_tensor().set_names({f"input{number}"})
    for number, port in enumerate(answers):
        port.get_tensor().set_names({f"output{number}"})
    # without what else nobody reads: it would count as an output, too
    results = [port.node.input_value(0) for port in answers]
    model = openvino.Model(results, whole.get_parameters())
    _halve(model)
    with tempfile.TemporaryDirectory() as folder:
        description = Path(folder) / "network.xml"
        openvino.save_model(model, description, compress_to_fp16=False)
        return description.read_bytes(), description.with_suffix(".bin").read_bytes()


def write(function: Any, inputs: Sequence[str], outputs: Sequence[str], path: Path) -> None:
    """Write a function of TensorFlow as an OpenVINO model in float32, `.xml` with `.bin` beside it.

    Args:
        function: concrete, without variables.
        inputs, outputs: names to give to its inputs and to the outputs of its dict.
        path: of the `.xml`.

    Raises:
        RuntimeError: an operation of it is not known to OpenVINO.
    """
    model = _openvino().convert_model(function.graph)
    for name, tensor in zip(inputs, function.inputs, strict=False):
        model.input(tensor.name).get_tensor().set_names({name})
    named = dict(zip(sorted(outputs), function.outputs, strict=True))  # a dict's come sorted
    for name, tensor in named.items():
        model.output(tensor.name).get_tensor().set_names({name})
    _openvino().save_model(model, path, compress_to_fp16=False)


def answers(path: Path, images: np.ndarray, output: str) -> np.ndarray:
    """Answers of a model file, OpenVINO's or ONNX, in float32.

    Args:
        path: of the `.xml` or `.onnx`.
        images: float32, (batch, height, width, 3).
        output: name of the output that is asked for.
    """
    model = _for_processor(_core().read_model(path), bfloat16=False)
    return np.array(model(images)[model.output(output)])


def _ancestors(graph: Any, tensors: Sequence[str]) -> set[str]:
    """Names of the operations of a graph that tensors are made from."""
    found: set[str] = set()
    left = [graph.get_tensor_by_name(name).op for name in tensors]
    while left:
        operation = left.pop()
        if operation.name not in found:
            found.add(operation.name)
            left += [tensor.op for tensor in operation.inputs]
    return found


def loaded(description: bytes, weights: bytes, bfloat16: bool) -> Inference:
    """Compile what `portable` made.

    Raises:
        RuntimeError: it is damaged, or of a version that is not understood.
    """
    model = _core().read_model(model=description, weights=weights)
    _detach(model)
    ready = _for_processor(model, bfloat16)
    return _inference(
        ready,
        [ready.input(f"input{number}") for number in range(len(ready.inputs))],
        [ready.output(f"output{number}") for number in range(len(ready.outputs))],
    )


def operations() -> Any:
    """Operations of OpenVINO to put a graph together from: `put_together` compiles it."""
    return _openvino().opset13


def put_together(outputs: Sequence[Any], inputs: Sequence[Any]) -> Inference:
    """Compile a graph that was made of `operations`, in float32.

    Args:
        outputs: nodes that are asked for.
        inputs: parameters of the graph, in the order in which they will be given.
    """
    model = _for_processor(_openvino().Model(list(outputs), list(inputs)), bfloat16=False)
    return _inference(model, model.inputs, model.outputs)


@functools.cache
def _core() -> Any:
    return _openvino().Core()


def _for_processor(model: Any, bfloat16: bool) -> Any:
    settings: dict[str, object] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
        # pinned threads of two processes that score films would wait for the same core
        "ENABLE_CPU_PINNING": False,
    }
    if threads := os.environ.get("OMP_NUM_THREADS"):
        settings["INFERENCE_NUM_THREADS"] = int(threads)
    return _core().compile_model(model, "CPU", settings)


def _inference(model: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> Inference:
    """Function of a compiled graph, for several threads at once."""
    idle: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run(*values: np.ndarray) -> list[np.ndarray]:
        try:
            request = idle.get_nowait()
        except queue.Empty:
            request = model.create_infer_request()
        try:
            given = {
                port: np.ascontiguousarray(value, np.float32)
                for port, value in zip(inputs, values, strict=True)
            }
            answer = request.infer(given, share_inputs=True)
            # copies: the request's memory holds the next answer soon
            return [np.array(answer[port], np.float32) for port in outputs]
        finally:
            idle.put(request)

    return run


def _detach(model: Any) -> None:
    """Give single-precision constants memory of their own.

    Compiling copies the half-size ones, and as long as any other lies in the file's content, all of
    that stays in memory.
    """
    openvino = _openvino()
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Constant" and node.get_element_type() != openvino.Type.f16:
            own = openvino.opset13.constant(np.array(node.data), node.get_element_type())
            for reader in node.output(0).get_target_inputs():
                reader.replace_source_output(own.output(0))


def _halve(model: Any) -> None:
    """Store weights in half precision where that loses nothing."""
    openvino = _openvino()
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Constant" or node.get_element_type() != openvino.Type.f32:
            continue
        values = node.data
        if values.size < _SMALL:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        readers = node.output(0).get_target_inputs()
        whole = openvino.opset13.convert(openvino.opset13.constant(half), "f32")
        for reader in readers:
            reader.replace_source_output(whole.output(0))

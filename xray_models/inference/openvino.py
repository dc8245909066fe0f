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
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["Pass", "compiled"]

Pass = Callable[[np.ndarray], list[np.ndarray]]
"""Images, float32 (batch, height, width, channels) -> outputs, float32."""


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
    openvino = _openvino()
    settings: dict[str, object] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
        # pinned threads of two processes that score films would wait for the same core
        "ENABLE_CPU_PINNING": False,
    }
    if threads := os.environ.get("OMP_NUM_THREADS"):
        settings["INFERENCE_NUM_THREADS"] = int(threads)
    converted = openvino.convert_model(graph)
    shape = converted.input(0).get_partial_shape()
    shape[0] = 1  # or every new number of images is compiled for anew, for tenths of a second
    converted.reshape(shape)
    model = openvino.Core().compile_model(converted, "CPU", settings)
    ports = [model.output(name) for name in outputs]
    idle: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run(images: np.ndarray) -> list[np.ndarray]:
        try:
            request = idle.get_nowait()
        except queue.Empty:
            request = model.create_infer_request()
        try:
            found: list[list[np.ndarray]] = [[] for _ in ports]
            for image in np.ascontiguousarray(images, np.float32):
                answer = request.infer([image[None]], share_inputs=True)
                for port, parts in zip(ports, found, strict=True):
                    # a copy: the request's memory holds the next answer soon
                    parts.append(np.array(answer[port], np.float32))
            return [np.concatenate(parts) for parts in found]
        finally:
            idle.put(request)

    return run

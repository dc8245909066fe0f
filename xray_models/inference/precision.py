"""Precision of frozen graphs: float32 or bfloat16.

Half-size numbers (bfloat16) make convolutions faster where the processor multiplies them itself,
and change the answers a little. RADLENS_PRECISION says where they are used:

- auto (default): for models whose card says that this was measured to cost less than 0.0005 of the
  AUC and to move no probability by 0.05, on processors with matrix units for them (AMX) or vector
  instructions (AVX512-BF16).
- float32: nowhere, as trained.
- bfloat16: for every model.

`python -m xray_models measure bfloat16` measures and writes the card.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
from pathlib import Path
from typing import Any

from xray_models.inference import openvino

__all__ = [
    "CHOICES",
    "PrecisionError",
    "frozen",
    "has_gpu",
    "multiplies_bfloat16",
    "wants_bfloat16",
]

_VARIABLE = "RADLENS_PRECISION"
CHOICES = ("auto", "float32", "bfloat16")
_FLAGS = ("amx_bf16", "avx512_bf16")


class PrecisionError(ValueError):
    """Error of an environment variable RADLENS_PRECISION that names no precision."""


def frozen(concrete: Any, bfloat16: bool) -> openvino.Pass:
    """Frozen function: a traced one with its variables turned into constants.

    Processors run it through OpenVINO, graphics cards through TensorFlow.

    Args:
        concrete: a concrete function of TensorFlow, from images to any number of outputs.
        bfloat16: on processors, run it in half-size numbers.

    Returns:
        A function that holds its own copy of the weights.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    constant = convert_variables_to_constants_v2(concrete)
    if has_gpu():
        return lambda images: [one.numpy() for one in constant(tf.constant(images))]
    names = [tensor.name for tensor in constant.outputs]
    return openvino.compiled(constant.graph, names, bfloat16)


@functools.cache
def has_gpu() -> bool:
    """Whether TensorFlow has a graphics card here; it is only asked where there may be one."""
    nvidia = Path("/proc/driver/nvidia/version").exists()
    if not (nvidia or Path("/dev/kfd").exists() or importlib.util.find_spec("tensorflow-plugins")):
        return False
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def wants_bfloat16(free: bool) -> bool:
    """Whether frozen passes of a network run in bfloat16 here.

    Args:
        free: whether that was measured to cost the network nothing.

    Raises:
        PrecisionError: RADLENS_PRECISION names no precision.
    """
    choice = os.environ.get(_VARIABLE) or CHOICES[0]
    if choice not in CHOICES:
        raise PrecisionError(f"{_VARIABLE} is {choice!r}; it must be one of {', '.join(CHOICES)}.")
    return choice == "bfloat16" or (choice == "auto" and free and multiplies_bfloat16())


@functools.cache
def multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16, where Linux says so."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return any(flag in flags for flag in _FLAGS)

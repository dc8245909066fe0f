"""Frozen graphs, and the arithmetic that they run in.

Half-size numbers (bfloat16) make convolutions faster where the processor multiplies them itself,
and change the answers a little. RADLENS_PRECISION says where they are used:

- auto (default): for models whose card says that they were measured to cost no AUC, on processors
  with matrix units for them (AMX) or vector instructions (AVX512-BF16).
- float32: nowhere, as trained.
- bfloat16: for every model; oneDNN chooses the operations.

`python -m xray_models benchmark precision` measures and writes the card.
"""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2
from tensorflow.python.eager import wrap_function
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tensorflow.python.grappler import tf_optimizer
from tensorflow.python.training.saver import export_meta_graph

_VARIABLE = "RADLENS_PRECISION"
CHOICES = ("auto", "float32", "bfloat16")
_FLAGS = ("amx_bf16", "avx512_bf16")


class PrecisionError(ValueError):
    """RADLENS_PRECISION names no precision."""


def frozen(concrete: Any, bfloat16: bool) -> Any:
    """A traced function with its variables turned into constants.

    Args:
        concrete: a concrete function of TensorFlow.
        bfloat16: run it in half-size numbers, where oneDNN finds that sound.

    Returns:
        A function of the same signature; it holds its own copy of the weights.
    """
    constant = convert_variables_to_constants_v2(concrete)
    return _in_bfloat16(constant) if bfloat16 else constant


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


def _in_bfloat16(function: Any) -> Any:
    """The graph after oneDNN's rewrite, which leaves what needs range (softmax, sums) in single."""
    meta = export_meta_graph(graph_def=function.graph.as_graph_def(), graph=function.graph)
    inputs = [tensor.name for tensor in function.inputs]
    outputs = [tensor.name for tensor in function.outputs]
    meta.collection_def["train_op"].node_list.value.extend(inputs + outputs)
    config = config_pb2.ConfigProto()
    options = config.graph_options.rewrite_options
    options.auto_mixed_precision_onednn_bfloat16 = rewriter_config_pb2.RewriterConfig.ON
    graph = tf_optimizer.OptimizeGraph(config, meta)
    rewritten = wrap_function.function_from_graph_def(graph, inputs, outputs)
    return lambda *arguments: [tf.cast(one, tf.float32) for one in rewritten(*arguments)]

"""Hardware of a training: devices, numeric precision, and the strategy for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf
import keras

__all__ = ["described", "fused", "precision", "prepared", "strategy"]


def strategy() -> tf.distribute.Strategy:
    """Strategy for the devices: a TPU, or all of several GPUs, else the one device."""
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, tf.errors.NotFoundError):  # how TensorFlow says that there is none
        pass
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


_DENSE = ("densenet121", "densenet169", "vgg16")
"""Networks of whole convolutions, without depthwise ones."""


def precision(chosen: tf.distribute.Strategy, architecture: str) -> str:
    """Keras precision policy that is quickest on the machine.

    bfloat16 on TPUs, float16 on GPUs with tensor cores. On processors with bfloat16 arithmetic
    mixed_bfloat16 trained VGG16 1.7 and DenseNet121 1.8 times as fast as float32 when it was
    measured, and EfficientNetB0, whose convolutions are depthwise, more slowly; so float32
    elsewhere.

    Args:
        chosen: as `strategy` gives it.
        architecture: one of `networks.ARCHITECTURES`.
    """
    if isinstance(chosen, tf.distribute.TPUStrategy):
        return "mixed_bfloat16"
    gpus = tf.config.list_physical_devices("GPU")
    capability = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    if gpus and all(one.get("compute_capability", (0, 0)) >= (7, 0) for one in capability):
        return "mixed_float16"
    if not gpus and architecture in _DENSE and _processor_has_bfloat16():
        return "mixed_bfloat16"
    return "float32"


def fused(chosen: tf.distribute.Strategy) -> bool:
    """Whether `fused.fuse` helps: on processors; other devices have compilers of their own."""
    return not isinstance(
        chosen, tf.distribute.TPUStrategy
    ) and not tf.config.list_physical_devices("GPU")


def _processor_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux: nothing is known
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


@contextmanager
def prepared(architecture: str) -> Iterator[tf.distribute.Strategy]:
    """Choose the strategy, and set the precision policy for a network as long as it is trained."""
    chosen = strategy()
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(precision(chosen, architecture))
    try:
        yield chosen
    finally:
        keras.mixed_precision.set_global_policy(before)


def described(chosen: tf.distribute.Strategy) -> dict[str, object]:
    """Description of devices, precision and packages, for the run folder."""
    return {
        "replicas": chosen.num_replicas_in_sync,
        "devices": [device.device_type for device in tf.config.list_logical_devices()],
        "precision": keras.mixed_precision.global_policy().name,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }

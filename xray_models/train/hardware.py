"""What the machine has, and how to train on it."""

from __future__ import annotations

import keras
import tensorflow as tf


def strategy() -> tf.distribute.Strategy:
    """A TPU if there is one, all GPUs if there are several, else the one device."""
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


def precision(chosen: tf.distribute.Strategy) -> str:
    """The Keras policy that is quickest on the machine.

    bfloat16 on TPUs, float16 on GPUs with tensor cores, float32 elsewhere: on processors,
    mixed_bfloat16 trained EfficientNetB0 more slowly than float32 when it was measured.
    """
    if isinstance(chosen, tf.distribute.TPUStrategy):
        return "mixed_bfloat16"
    gpus = tf.config.list_physical_devices("GPU")
    capability = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    if gpus and all(one.get("compute_capability", (0, 0)) >= (7, 0) for one in capability):
        return "mixed_float16"
    return "float32"


def prepare() -> tf.distribute.Strategy:
    """Choose the strategy, set the precision policy, and return the strategy."""
    chosen = strategy()
    keras.mixed_precision.set_global_policy(precision(chosen))
    return chosen


def described(chosen: tf.distribute.Strategy) -> dict[str, object]:
    """For the run folder."""
    return {
        "replicas": chosen.num_replicas_in_sync,
        "devices": [device.device_type for device in tf.config.list_logical_devices()],
        "precision": keras.mixed_precision.global_policy().name,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }

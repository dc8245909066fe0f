"""How a machine is used: by the devices that TensorFlow reports."""

from pathlib import Path
from types import SimpleNamespace

import tensorflow as tf
import keras
import pytest

from xray_models.train.run_folder import hardware


class _Several(tf.distribute.Strategy):
    """Stands for the strategy of devices that this machine does not have."""

    def __init__(self, *devices: object) -> None:
        self.devices = devices


@pytest.fixture
def machine(monkeypatch):
    """Makes TensorFlow report other devices than there are."""
    monkeypatch.delenv("TPU_NAME", raising=False)
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", type("Mirrored", (_Several,), {}))
    monkeypatch.setattr(tf.distribute, "TPUStrategy", type("Tpu", (_Several,), {}))

    def has(gpus: int = 0, capability: tuple[int, int] = (8, 0), tpu: object = None) -> list[str]:
        done: list[str] = []
        listed = [SimpleNamespace(name=f"/device:GPU:{n}", device_type="GPU") for n in range(gpus)]

        def devices(kind: str | None = None) -> list[SimpleNamespace]:
            cpu = SimpleNamespace(name="/device:CPU:0", device_type="CPU")
            return listed if kind == "GPU" else [cpu, *listed] if kind is None else []

        monkeypatch.setattr(tf.config, "list_logical_devices", devices)
        monkeypatch.setattr(tf.config, "list_physical_devices", devices)
        monkeypatch.setattr(
            tf.config.experimental,
            "get_device_details",
            lambda _: {"compute_capability": capability},
        )
        if tpu is not None:
            resolvers = tf.distribute.cluster_resolver
            monkeypatch.setattr(resolvers, "TPUClusterResolver", lambda: tpu)
            for place, step in (
                (tf.config, "experimental_connect_to_cluster"),
                (tf.tpu.experimental, "initialize_tpu_system"),
            ):
                monkeypatch.setattr(
                    place, step, lambda given, step=step: done.append(f"{step}({given})")
                )
        return done

    return has


@pytest.fixture
def processor(monkeypatch):
    """Makes the system report other features of the processor."""

    def has(flags: str | None) -> None:
        real = Path.read_text

        def read(self: Path, *args: object, **options: object) -> str:
            if str(self) != "/proc/cpuinfo":
                return real(self, *args, **options)
            if flags is None:
                raise FileNotFoundError(self)
            return flags

        monkeypatch.setattr(Path, "read_text", read)

    return has


def test_without_a_gpu_or_with_one_there_is_nothing_to_distribute(machine):
    for gpus in (0, 1):
        machine(gpus)
        assert hardware.strategy() is tf.distribute.get_strategy()


def test_several_gpus_are_all_used(machine):
    machine(gpus=2)
    chosen = hardware.strategy()
    assert isinstance(chosen, tf.distribute.MirroredStrategy)
    assert chosen.devices == (), "all that there are"
    assert not hardware.fused(chosen)


def test_a_tpu_comes_first_and_is_made_ready(machine):
    done = machine(gpus=2, tpu="the resolver")
    chosen = hardware.strategy()
    assert isinstance(chosen, tf.distribute.TPUStrategy) and chosen.devices == ("the resolver",)
    assert done == [
        "experimental_connect_to_cluster(the resolver)",
        "initialize_tpu_system(the resolver)",
    ]
    assert hardware.precision(chosen, "densenet169") == "mixed_bfloat16"
    assert not hardware.fused(chosen)


@pytest.mark.parametrize(
    ("gpus", "capability", "flags", "architecture", "expected"),
    [
        (1, (8, 0), "", "efficientnetb0", "mixed_float16"),
        (1, (7, 0), "", "vgg16", "mixed_float16"),
        (2, (6, 1), "amx_bf16", "vgg16", "float32"),  # no tensor cores
        (0, (0, 0), "fpu avx512_bf16", "densenet121", "mixed_bfloat16"),
        (0, (0, 0), "fpu amx_bf16", "vgg16", "mixed_bfloat16"),
        (0, (0, 0), "fpu amx_bf16", "efficientnetb0", "float32"),  # depthwise
        (0, (0, 0), "fpu avx2", "densenet121", "float32"),
        (0, (0, 0), None, "densenet121", "float32"),
    ],
)
def test_precision_is_the_quickest_that_the_devices_have(
    machine, processor, gpus, capability, flags, architecture, expected
):
    machine(gpus, capability)
    processor(flags)
    chosen = tf.distribute.get_strategy()
    assert hardware.precision(chosen, architecture) == expected
    assert hardware.fused(chosen) == (gpus == 0)


def test_the_policy_is_set_while_a_network_is_trained_and_described(machine, processor):
    machine(gpus=1)
    processor("")
    before = keras.mixed_precision.global_policy().name
    found = {}

    def die() -> None:
        with hardware.prepared("densenet121") as chosen:
            found.update(hardware.described(chosen))
            raise KeyError

    with pytest.raises(KeyError):
        die()
    assert found["precision"] == "mixed_float16" and found["replicas"] == 1
    assert found["devices"] == ["CPU", "GPU"]
    assert keras.mixed_precision.global_policy().name == before

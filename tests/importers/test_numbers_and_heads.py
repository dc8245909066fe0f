"""Files that Keras itself writes: layers that it numbers, and the heads of VGG16 and MobileNet."""

import keras
import numpy as np
import pytest

from xray_models import catalogue, networks
from xray_models.importers import keras_file
from xray_models.importers.keras_file import ImportRefused
from xray_models.importers.keras_model import Wanted, import_file
from xray_models.inference import weights

pytestmark = pytest.mark.network

SIZE = 32
KINDS = ["m.h5", "m.weights.h5", "m.keras", "only.h5"]
layers = keras.layers


def save(model: keras.Model, path) -> None:
    if path.name.endswith(".weights.h5"):
        model.save_weights(path)
    elif path.name == "only.h5":  # as Keras 2 saved weights alone
        import h5py
        from keras.src.legacy.saving import legacy_h5_format

        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, model)
    else:
        model.save(path)


def randomized(model: keras.Model) -> keras.Model:
    random = np.random.default_rng(3)
    for variable in model.weights:
        if len(variable.shape) > 1:  # after He et al. 2015: answers differ after many layers, too
            inputs = np.prod(variable.shape[: 2 if "_dw_" in variable.path else -1])
            variable.assign(random.normal(0, (2 / inputs) ** 0.5, variable.shape))
        else:
            low = 0.5 if "variance" in variable.path or "gamma" in variable.path else -0.05
            variable.assign(random.uniform(low, low + 0.1 + (low > 0), variable.shape))
    return model


def vgg_of_numbers() -> keras.Sequential:
    """VGG16 whose layers have the names that Keras gives: conv2d, conv2d_1, ... conv2d_12."""
    model, number = keras.Sequential([keras.Input((SIZE, SIZE, 3))]), 0
    for block, filters in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(block):
            name = f"conv2d_{number}" if number else "conv2d"
            model.add(layers.Conv2D(filters, 3, padding="same", activation="relu", name=name))
            number += 1
        model.add(layers.MaxPooling2D())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(1, activation="sigmoid"))
    return randomized(model)


def headed(base: keras.Model, head: list[keras.layers.Layer], nested: bool) -> keras.Model:
    if nested:
        return randomized(keras.Sequential([base, *head]))
    # as vgg_tuned.h5 was made: every layer of VGG16 moved into a Sequential
    return randomized(keras.Sequential([*base.layers, *head]))


def films() -> np.ndarray:
    return np.random.default_rng(4).random((2, SIZE, SIZE, 3), np.float32)


def check(model: keras.Model, path, folder, architecture: str, built: str, labels: int) -> None:
    """The imported model, from its own file of weights, answers as the one that Keras saved."""
    save(model, path)
    names = tuple(f"label {k}" for k in range(labels))
    activation = "sigmoid" if labels == 1 else "softmax"
    wanted = Wanted("chest-mine", architecture, labels=names, input_size=(SIZE, SIZE))
    card = import_file(path, wanted, folder, replace=True)
    assert (card.architecture, card.activation) == (built, activation)
    network = networks.build(built, (SIZE, SIZE), labels)
    weights.fill(network, (folder / "weights" / "chest-mine.safetensors").read_bytes(), "mine")
    logits = network(films(), training=False)
    answer = keras.ops.sigmoid(logits) if labels == 1 else keras.ops.softmax(logits)
    expected = np.asarray(model(films(), training=False))
    assert np.ptp(expected[:, 0]) > 0
    np.testing.assert_allclose(answer, expected, atol=1e-5)
    catalogue.refresh()


@pytest.mark.parametrize("kind", KINDS)
def test_layers_that_keras_numbers_are_sorted_by_number(kind, tmp_path):
    check(vgg_of_numbers(), tmp_path / kind, tmp_path / "own", "vgg16", "vgg16-pool5", 1)


@pytest.mark.parametrize("kind", KINDS[:3])
def test_vgg16_with_its_own_head_as_the_pneumonia_detector_saved_it(kind, tmp_path):
    base = keras.applications.VGG16(weights=None, input_shape=(SIZE, SIZE, 3))
    without = keras.Model(base.input, base.layers[-2].output)
    model = headed(without, [layers.Dense(2, activation="softmax")], nested=False)
    check(model, tmp_path / kind, tmp_path / "own", "vgg16", "vgg16-fc", 2)


@pytest.mark.parametrize(
    ("maker", "head", "built"),
    [
        ("VGG16", [layers.Flatten, layers.Dropout], "vgg16-flat"),
        ("VGG16", [layers.GlobalAveragePooling2D], "vgg16-pool5"),
        ("MobileNet", [layers.GlobalAveragePooling2D], "mobilenet"),
    ],
)
@pytest.mark.parametrize("nested", [True, False])
def test_other_heads_that_are_understood(maker, head, built, nested, tmp_path):
    base = getattr(keras.applications, maker)(
        weights=None, include_top=False, input_shape=(SIZE, SIZE, 3)
    )
    made = [one(0.5) if one is layers.Dropout else one() for one in head]
    model = headed(base, [*made, layers.Dense(1, activation="sigmoid")], nested)
    check(model, tmp_path / "m.h5", tmp_path / "own", maker.lower(), built, 1)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (
            [layers.Flatten(), layers.Dense(8, "relu"), layers.Dense(1, "sigmoid")],
            "must have one dense layer after the pooling, or the three of VGG16",
        ),
        (
            [layers.Flatten(), layers.Dense(4, "tanh"), layers.Dense(4), layers.Dense(1)],
            "a hidden dense layer's activation is 'tanh'",
        ),
    ],
)
def test_heads_that_are_not_understood_are_told(head, sentence, tmp_path):
    keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), *head]).save(tmp_path / "m.h5")
    with (
        pytest.raises(ImportRefused, match=sentence),
        keras_file.opened(tmp_path / "m.h5") as file,
    ):
        assert file.outputs

"""Networks small enough to work their maps out by hand."""

import keras
import numpy as np

from xray_models.explain import MethodSpec

FILM = np.array([[[[1], [2]], [[3], [4]]]], np.float32)  # (1, 2, 2, 1)
KERNEL = np.array([[1.0, -1.0]], np.float32)  # two channels: the film, and its negative
HEAD = np.array([[2.0, -1.0], [1.0, 3.0]], np.float32)  # (channels, labels)


def pooled(end="linear", relu="relu", bias=(0.0, 5.0), head=HEAD, size=(2, 2)):
    """Film -> relu(film, bias - film) -> mean -> two logits.

    On `FILM` the channels are [[1, 2], [3, 4]] and [[4, 3], [2, 1]].
    """
    image = keras.Input((*size, 1))
    grid = keras.layers.Conv2D(2, 1, activation=relu, name="grid")
    mean = keras.layers.GlobalAveragePooling2D(name="pooled")(grid(image))
    dense = keras.layers.Dense(head.shape[1], activation=end, name="logits")
    network = keras.Model(image, dense(mean), name="toy")
    grid.set_weights([KERNEL.reshape(1, 1, 1, 2), np.array(bias, np.float32)])
    dense.set_weights([head, np.zeros(head.shape[1], np.float32)])
    return network


def flattened(kernel, size=(2, 2)):
    """Film -> film (a layer named grid) -> one logit with a weight per pixel: no pooled head."""
    image = keras.Input((*size, 1))
    grid = keras.layers.Conv2D(1, 1, use_bias=False, name="grid")
    dense = keras.layers.Dense(1, use_bias=False, name="logits")
    network = keras.Model(image, dense(keras.layers.Flatten()(grid(image))), name="flat")
    grid.set_weights([np.ones((1, 1, 1, 1), np.float32)])
    dense.set_weights([np.asarray(kernel, np.float32).reshape(-1, 1)])
    return network


def skipping(labels=3, seed=0, activation="relu", size=(16, 12), dtype=None):
    """A small residual network: around `middle` runs a connection that a cut there must keep."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((*size, 3))
    options = {"padding": "same", "activation": activation, "dtype": dtype}
    early = keras.layers.Conv2D(6, 3, strides=2, name="early", **options)(image)
    middle = keras.layers.Conv2D(6, 3, name="middle", **options)(early)
    joined = keras.layers.Add(name="joined", dtype=dtype)([early, middle])
    wide = keras.layers.Concatenate(name="wide", dtype=dtype)([joined, early])
    last = keras.layers.Conv2D(8, 3, strides=2, name="last", **options)(wide)
    mean = keras.layers.GlobalAveragePooling2D(name="pooled", dtype=dtype)(last)
    return keras.Model(image, keras.layers.Dense(labels, name="logits", dtype="float32")(mean))


def looking_twice(labels=3, seed=0, size=(16, 12)):
    """The hottest cell of the last grid, and the mean of the one before it, added up.

    What the mean says goes around the last grid: a cut there must keep it.
    """
    keras.utils.set_random_seed(seed)
    image = keras.Input((*size, 3))
    early = keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="early")(image)
    grid = keras.layers.Conv2D(5, 3, activation="relu", name="grid")(early)
    whole = keras.layers.Dense(labels, name="whole")(keras.layers.GlobalAveragePooling2D()(grid))
    cells = keras.layers.Conv2D(labels, 1, name="cells")(grid)
    hottest = keras.layers.GlobalMaxPooling2D()(cells)
    hottest = keras.layers.Dense(labels, use_bias=False, name="gain")(hottest)
    return keras.Model(image, keras.layers.Add(name="logits")([whole, hottest]))


def codes(labels=2, seed=0):
    """Grid -> pooled codes -> dense, normalized, ReLU -> logits: a head that is not linear."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((8, 8, 3))
    grid = keras.layers.Conv2D(5, 3, activation="relu", name="grid")(image)
    code = keras.layers.GlobalAveragePooling2D(name="codes")(grid)
    for _ in range(2):
        code = keras.layers.Dense(7)(code)
        code = keras.layers.BatchNormalization()(code)
        code = keras.layers.ReLU()(code)
    return keras.Model(image, keras.layers.Dense(labels, name="logits")(code))


def an_image(network, seed=0):
    """A random input of a network, (1, height, width, channels)."""
    shape = (1, *network.input_shape[1:])
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def spec(method, *layers, fusion="mean", **options):
    """A method at layers, of which None is the last activation, with options."""
    return MethodSpec(method, tuple(filter(None, layers)), tuple(options.items()), fusion)

"""Trainings small enough to be killed and resumed many times. As a script, it kills them:

python tests/support/tiny_training.py FOLDER
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import tensorflow  # noqa: F401 - before keras: see pyproject.toml
import keras
import numpy as np
from PIL import Image

from xray_models import networks
from xray_models.datasets import Film
from xray_models.networks import local, unified
from xray_models.train import epoch, loop
from xray_models.train.recipe import Augmentation, Recipe
from xray_models.train.run_folder import checkpoint
from xray_models.train.vgg_codes.fit import Fit, Run, fit
from xray_models.train.weight_averaging import RunningAverage

ARCHITECTURE = "tiny"
LOCAL = "tiny-local"
UNIFIED = "tiny-unified"
TINY, TINY_LOCAL = ("tiny_training", "tiny"), ("tiny_training", "tiny_local")
TINY_UNIFIED = ("tiny_training", "tiny_unified")
"""As `networks` registers them: module and function."""
EPOCHS = 3


def tiny(input_size: tuple[int, int]) -> keras.Model:
    """A backbone of one convolution and one batch normalization."""
    film = keras.Input((*input_size, 3))
    seen = keras.layers.Conv2D(8, 5, strides=4, use_bias=False, name="conv")(film)
    seen = keras.layers.BatchNormalization()(seen)
    return keras.Model(film, keras.layers.Activation("relu")(seen))


def tiny_local(input_size: tuple[int, int], labels: int, dropout: float) -> keras.Model:
    """A network with a local map, a cell to 16 x 16 pixels, on three convolutions."""
    seen = film = keras.Input((*input_size, 3))
    for stage, strides in enumerate((4, 4, 2)):
        seen = keras.layers.Conv2D(16, 5, strides, padding="same", use_bias=False)(seen)
        seen = keras.layers.BatchNormalization()(seen)
        seen = keras.layers.Activation("relu", name=f"stage{stage}")(seen)
    return local.with_local_map(keras.Model(film, seen), "stage1", labels, dropout, LOCAL)


def tiny_unified(input_size: tuple[int, int], labels: int, dropout: float) -> keras.Model:
    """The same backbone under a transition of four maps and log-sum-exp pooling."""
    return unified.on_backbone(tiny(input_size), labels, dropout, channels=4, name=UNIFIED)


def halves(folder: Path, count: int = 40) -> list[Film]:
    """Films with a bright left or right half, every other of each."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    films = []
    for index in range(count):
        truth = index % 2
        pixels = random.integers(0, 60, (40, 40), np.uint8)
        pixels[:, 20 * truth : 20 * truth + 20] += 150
        path = folder / f"{index}.png"
        Image.fromarray(pixels).save(path)
        films.append(Film(path, path.name, f"g{index}", truth))
    return films


def recipe(folder: Path) -> Recipe:
    """Three steps an epoch, with everything that is random: order, augmentation, dropout."""
    films = halves(folder)
    return Recipe(
        model="tiny",
        films=lambda _: {"train": films[:24], "validation": films[24:]},
        labels=("right",),
        two_class=True,
        architecture=ARCHITECTURE,
        input_size=(32, 32),
        geometry="fit",
        scaling="unit",
        start=None,
        epochs=EPOCHS,
        batch=8,
        dropout=0.5,
        averaging=0.9,
        keep_last=True,  # every epoch replaces what is kept
        augmentation=Augmentation(flip_horizontal=False),
    )


def fit_codes(run: Path, epochs: int = EPOCHS, resume: bool = False) -> keras.Model:
    """The network on codes, with momentum and dropout, three steps an epoch."""
    random = np.random.default_rng(1)
    codes = random.normal(3, 2, (36, 2, 6)).astype(np.float32)
    truth = (codes[:, 0, :1] > 3).astype(np.float32)
    how = Fit(epochs=epochs, batch=12, momentum=0.9)
    held_out = codes[:8], truth[:8]
    return fit(codes, truth, how, held_out=held_out, run=Run(run, keep=1, resume=resume))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before_call(owner: object, name: str, number: int) -> None:
    """Die at one of the calls of a function."""
    real, calls = getattr(owner, name), []

    def counted(*args: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == number:
            _die()
        return real(*args, **options)

    setattr(owner, name, counted)


def _before_rename(target: str, number: int) -> None:
    """Die when a file is whole and about to get its name."""
    real, calls = Path.replace, []

    def counted(self: Path, path: Path) -> Path:
        calls.extend([1] * (path.name == target))
        if len(calls) == number:
            _die()
        return real(self, path)

    Path.replace = counted


def _in_the_middle_of(name: str) -> None:
    """Die when half of a weights file is written."""
    real = keras.Model.save_weights

    def torn(self: keras.Model, path: Path, *args: object) -> None:
        real(self, path, *args)
        if Path(path).name.endswith(name):
            os.truncate(path, Path(path).stat().st_size // 2)
            _die()

    keras.Model.save_weights = torn


KILLS: dict[str, Callable[[], None]] = {
    "in an epoch": lambda: _before_call(RunningAverage, "on_train_batch_end", 5),
    "in validation": lambda: _before_call(epoch, "validate", 2),
    "in the weights": lambda: _in_the_middle_of("last-2.weights.h5"),
    "between weights and state": lambda: _before_rename("state.json", 2),
    "between state and kept weights": lambda: _before_rename(checkpoint.BEST, 2),
    "codes, in an epoch": lambda: _before_call(keras.Model, "fit", 2),
    "codes, between weights and state": lambda: _before_rename("state.json", 2),
}


def _train(name: str, folder: Path) -> None:
    KILLS[name]()
    networks._BACKBONES[ARCHITECTURE] = TINY
    if name.startswith("codes"):
        fit_codes(folder / name)
    else:
        loop.train(recipe(folder / f"films {name}"), folder, folder / name)


def main() -> None:
    """Train once for each way to die, and print the signal that ended each."""
    folder = Path(sys.argv[1])
    children = {}
    for name in KILLS:
        # nothing of TensorFlow runs before, so that each child has a runtime of its own
        pid = os.fork()
        if not pid:
            try:
                _train(name, folder)
            finally:
                os._exit(1)
        children[name] = pid
    print(json.dumps({name: os.WTERMSIG(os.waitpid(pid, 0)[1]) for name, pid in children.items()}))


if __name__ == "__main__":
    main()

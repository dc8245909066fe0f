"""Training input pipeline: decoded once into memory, drawn by class balance, augmented."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import tensorflow as tf
import numpy as np
from tqdm import tqdm

from xray_models.datasets import Film
from xray_models.radiograph.preprocess import resize, scale
from xray_models.train.data import augmentation, class_balance, histogram_matching, lesions
from xray_models.train.recipe import Recipe

__all__ = ["batches", "inputs", "load", "targets"]

_MOST_IN_MEMORY = 4 * 2**30
"""Bytes of decoded films that are held in memory: some 85,000 of 224 pixels."""


def load(
    films: list[Film], recipe: Recipe, name: str, size: tuple[int, int] | None = None
) -> np.ndarray:
    """Decode and resize films: uint8 of shape (films, height, width).

    Args:
        films: what to decode.
        recipe: gives geometry and input size.
        name: for the progress bar.
        size: (height, width); the recipe's input size by default.
    """

    def one(film: Film) -> np.ndarray:
        gray, _ = resize(film.pixels(), size or recipe.input_size, recipe.geometry)
        return np.round(gray * 255).astype(np.uint8)

    kept = _room((len(films), *(size or recipe.input_size)))
    with ThreadPoolExecutor() as pool:
        for place, gray in enumerate(tqdm(pool.map(one, films), f"decode {name}", len(films))):
            kept[place] = gray
    return kept


def _room(shape: tuple[int, ...]) -> np.ndarray:
    """Array of uint8: in memory, or in a file without a name where it is too large for that."""
    if math.prod(shape) <= _MOST_IN_MEMORY:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile() as file:  # TMPDIR says where; the map keeps it after closing
        return np.memmap(file, np.uint8, "w+", shape=shape)


def inputs(images: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Network inputs without augmentation, float32 of shape (films, height, width, 3)."""
    return scale(images.astype(np.float32) / 255.0, recipe.scaling)


def targets(films: list[Film], recipe: Recipe) -> np.ndarray:
    """Targets of the logits: float32 of shape (films, logits), NaN where nobody knows."""
    if recipe.multi_label:
        return np.array([film.targets for film in films], np.float32)
    truth = np.array([film.truth for film in films])
    if recipe.two_class:
        return truth.astype(np.float32)[:, None]
    return np.eye(len(recipe.labels), dtype=np.float32)[truth]


def batches(
    images: np.ndarray,
    boxes: list[np.ndarray],
    targets: np.ndarray,
    recipe: Recipe,
    epoch: int,
    cells: tuple[int, int] | None = None,
) -> tuple[tf.data.Dataset, int]:
    """Augmented batches (inputs, targets) of one epoch, and their number.

    Args:
        images: uint8, (films, height, width), as `load` gives them.
        boxes: as `lesions.boxes` gives them.
        targets: as `targets` gives them.
        recipe: seed, batch size, augmentation.
        epoch: gives another draw each time.
        cells: (rows, columns) of a network's local map. The targets then are (targets, float32 of
            shape (batch, rows, columns, 1): how much a cell shows of a lesion, NaN where nobody
            knows).
    """
    centers = lesions.centers(boxes, recipe, epoch)
    present = np.nan_to_num(targets).max(axis=1) > 0.5
    order = class_balance.draw(class_balance.strata(targets), recipe, epoch)
    order = order[: len(order) - len(order) % recipe.batch]
    if recipe.label_smoothing:
        # nothing is certain: towards one half for sigmoids, towards all classes for softmax
        middle = 0.5 if recipe.activation == "sigmoid" else 1 / targets.shape[1]
        targets = targets + recipe.label_smoothing * (middle - targets)

    distributions = histogram_matching.distributions(images) if recipe.augmentation.tone else None

    def matched(chosen: np.ndarray, at: int) -> np.ndarray:
        if distributions is None:
            return images[chosen]
        chance = np.random.default_rng((recipe.seed, epoch, 2, at))
        lender = chance.integers(len(images), size=len(chosen))
        amount = chance.random(len(chosen)) * (
            chance.random(len(chosen)) < recipe.augmentation.tone
        )
        return histogram_matching.match(
            images[chosen], distributions[chosen], distributions[lender], amount
        )

    def gather() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        for first in range(0, len(order), recipe.batch):
            chosen = order[first : first + recipe.batch]
            where = [boxes[index] for index in chosen] if cells else []
            inside = lesions.covered(where, present[chosen], images.shape[1:])
            yield matched(chosen, first), inside, centers[chosen], targets[chosen]

    signature = (
        tf.TensorSpec((recipe.batch, *images.shape[1:]), tf.uint8),
        tf.TensorSpec((None, *images.shape[1:]), tf.float32),
        tf.TensorSpec((recipe.batch, 2), tf.float32),
        tf.TensorSpec((recipe.batch, targets.shape[1]), tf.float32),
    )
    random = tf.random.Generator.from_seed(recipe.seed * 1000 + epoch)

    def prepare(
        batch: tf.Tensor, inside: tf.Tensor, center: tf.Tensor, target: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor | tuple[tf.Tensor, tf.Tensor]]:
        layers = [tf.cast(batch, tf.float32) / 255.0] + ([inside] if cells else [])
        moved = augmentation.move(
            tf.stack(layers, axis=-1), center, recipe.input_size, recipe.augmentation, random
        )
        inputs = _scale_tensor(
            augmentation.expose(moved[..., 0], recipe.augmentation, random), recipe.scaling
        )
        return inputs, (target, _cells(moved[..., 1:], cells)) if cells else target

    stream = tf.data.Dataset.from_generator(gather, output_signature=signature)
    return stream.map(prepare).prefetch(4), len(order) // recipe.batch


def _scale_tensor(gray: tf.Tensor, scaling: str) -> tf.Tensor:
    # every scaling is affine per channel, so two points of `scale` give it as tensor arithmetic
    offset = scale(np.zeros((), np.float32), scaling)
    factor = scale(np.ones((), np.float32), scaling) - offset
    return gray[..., None] * factor + offset


def _cells(inside: tf.Tensor, cells: tuple[int, int]) -> tf.Tensor:
    # half a cell is enough: a small lesion on the border of cells must count in one of them
    steps = [inside.shape[1] // cells[0], inside.shape[2] // cells[1]]
    return tf.minimum(2.0 * tf.nn.avg_pool2d(inside, steps, steps, "VALID"), 1.0)

"""Batches for training: decoded once into memory, drawn by class balance, augmented."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from xray_models.datasets import Film
from xray_models.preparing import resize, scale
from xray_models.train.recipe import Augmentation, Recipe


def load(films: list[Film], recipe: Recipe, name: str) -> np.ndarray:
    """Decode and resize every film: uint8 of shape (films, height, width)."""

    def one(film: Film) -> np.ndarray:
        grey, _ = resize(film.pixels(), recipe.input_size, recipe.geometry)
        return np.round(grey * 255).astype(np.uint8)

    with ThreadPoolExecutor() as pool:
        return np.stack(list(tqdm(pool.map(one, films), f"decode {name}", len(films))))


def inputs(images: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Network inputs without augmentation, float32 of shape (films, height, width, 3)."""
    return scale(images.astype(np.float32) / 255.0, recipe.scaling)


def draw(truth: np.ndarray, recipe: Recipe, epoch: int) -> np.ndarray:
    """Indices of the films of one epoch, the same for the same seed and epoch.

    With balance b, a film of a class that makes up a share s is drawn with weight s**-b.
    """
    random = np.random.default_rng((recipe.seed, epoch))
    count = recipe.films_per_epoch or len(truth)
    if recipe.balance == 0 and count <= len(truth):
        return random.permutation(len(truth))[:count]
    share = np.bincount(truth) / len(truth)
    weights = share[truth] ** -recipe.balance
    return random.choice(len(truth), size=count, p=weights / weights.sum())


def training(
    images: np.ndarray, truth: np.ndarray, recipe: Recipe, epoch: int
) -> tuple[tf.data.Dataset, int]:
    """One epoch of augmented batches (inputs, targets), and how many there are."""
    order = draw(truth, recipe, epoch)
    order = order[: len(order) - len(order) % recipe.batch]
    height, width = recipe.input_size
    targets = _targets(truth, recipe)

    def gather() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, len(order), recipe.batch):
            chosen = order[first : first + recipe.batch]
            yield images[chosen], targets[chosen]

    signature = (
        tf.TensorSpec((recipe.batch, height, width), tf.uint8),
        tf.TensorSpec((recipe.batch, targets.shape[1]), tf.float32),
    )
    random = tf.random.Generator.from_seed(recipe.seed * 1000 + epoch)

    def prepare(batch: tf.Tensor, target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        grey = augment(tf.cast(batch, tf.float32) / 255.0, recipe.augmentation, random)
        return _scale_tensor(grey, recipe.scaling), target

    batches = tf.data.Dataset.from_generator(gather, output_signature=signature)
    return batches.map(prepare).prefetch(4), len(order) // recipe.batch


def _targets(truth: np.ndarray, recipe: Recipe) -> np.ndarray:
    if recipe.two_class:
        return truth.astype(np.float32)[:, None]
    hot = np.eye(len(recipe.labels), dtype=np.float32)[truth]
    return hot * (1 - recipe.label_smoothing) + recipe.label_smoothing / len(recipe.labels)


def _scale_tensor(grey: tf.Tensor, scaling: str) -> tf.Tensor:
    # every scaling is affine per channel, so two points of `scale` give it as tensor arithmetic
    offset = scale(np.zeros((), np.float32), scaling)
    factor = scale(np.ones((), np.float32), scaling) - offset
    return grey[..., None] * factor + offset


def augment(grey: tf.Tensor, how: Augmentation, random: tf.random.Generator) -> tf.Tensor:
    """Randomly move, flip and re-expose a batch.

    Args:
        grey: float32 in 0..1, shape (batch, height, width).
        how: the ranges.
        random: source of randomness.

    Returns:
        float32 in 0..1, same shape.
    """
    count, height, width = grey.shape
    angle = random.uniform([count], -how.rotation, how.rotation) * (np.pi / 180)
    zoom = random.uniform([count], *how.zoom)
    cos, sin = tf.cos(angle) / zoom, tf.sin(angle) / zoom
    mirror = tf.where(random.uniform([count]) < 0.5 * how.flip_horizontal, -1.0, 1.0)
    upset = tf.where(random.uniform([count]) < 0.5 * how.flip_vertical, -1.0, 1.0)
    a, b, d, e = cos * mirror, -sin * upset, sin * mirror, cos * upset
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    shift_x = random.uniform([count], -how.shift, how.shift) * width
    shift_y = random.uniform([count], -how.shift, how.shift) * height
    c = middle_x - a * middle_x - b * middle_y + shift_x
    f = middle_y - d * middle_x - e * middle_y + shift_y
    nothing = tf.zeros([count])
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=grey[..., None],
        transforms=tf.stack([a, b, c, d, e, f, nothing, nothing], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )[..., 0]

    one = [count, 1, 1]
    gamma = tf.exp(random.uniform(one, -how.gamma, how.gamma))
    gain = 1 + random.uniform(one, -how.contrast, how.contrast)
    exposed = tf.pow(tf.clip_by_value(moved, 1e-4, 1.0), gamma) * gain
    exposed += random.normal(grey.shape, stddev=how.noise)
    exposed = tf.clip_by_value(exposed, 0.0, 1.0)
    return tf.where(random.uniform(one) < how.invert, 1.0 - exposed, exposed)

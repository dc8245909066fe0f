"""Batches of a segmentation's training: drawn by source, moved with their masks, exposed anew."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf
import numpy as np

from xray_models.datasets.lung_masks import EITHER, IGNORED, LEFT, RIGHT
from xray_models.radiograph.preprocess import scale
from xray_models.train.data import augmentation, histogram_matching
from xray_models.train.segmentation.films import DecodedFilms
from xray_models.train.segmentation.recipe import SegmentationRecipe

__all__ = ["KINDS", "batches", "draw", "inputs"]

KINDS = (RIGHT, LEFT, EITHER, IGNORED)
"""The kinds of pixels that targets have a layer for, in this order; the rest is outside."""


def draw(sources: np.ndarray, recipe: SegmentationRecipe, epoch: int) -> np.ndarray:
    """Indices of the films of one epoch, the same for the same seed and epoch.

    Args:
        sources: of each film; "adults" or another.
        recipe: seed, films per epoch and share of adults.
        epoch: gives another draw each time.
    """
    random = np.random.default_rng((recipe.seed, epoch))
    stage = recipe.stage(epoch)
    count = stage.films - stage.films % stage.batch
    grown = np.flatnonzero(sources == "adults")
    small = np.flatnonzero(sources != "adults")
    many = round(count * recipe.adults) if len(small) and len(grown) else count * bool(len(grown))
    drawn = [_in_turn(grown, many, random), _in_turn(small, count - many, random)]
    return random.permutation(np.concatenate(drawn))


def _in_turn(films: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """So many of the films at random, none a second time before all were drawn once."""
    if not count:
        return np.zeros(0, int)
    rounds = [random.permutation(films) for _ in range(-(-count // len(films)))]
    return np.concatenate(rounds)[:count]


def batches(
    films: DecodedFilms, recipe: SegmentationRecipe, epoch: int
) -> tuple[tf.data.Dataset, int]:
    """Augmented batches (inputs, targets) of one epoch, and their number.

    Targets are float32 of shape (batch, height, width, 4): how much a pixel is of each of `KINDS`.

    Args:
        films: to train on.
        recipe: seed, stages and augmentation.
        epoch: gives another draw each time.
    """
    stage, how = recipe.stage(epoch), recipe.augmentation
    order = draw(films.sources, recipe, epoch)
    chance = np.random.default_rng((recipe.seed, epoch, 1))
    shape = films.images.shape[1:]

    def gather() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, len(order), stage.batch):
            chosen = order[first : first + stage.batch]
            images = _toned(films.images, chosen, how.tone, chance)
            turned = chance.random(len(chosen)) < recipe.mirrored
            yield _mirrored(images, films.kinds[chosen], turned)

    signature = (
        tf.TensorSpec((stage.batch, *shape), tf.uint8),
        tf.TensorSpec((stage.batch, *shape), tf.uint8),
    )
    random = tf.random.Generator.from_seed(recipe.seed * 1000 + epoch)
    nowhere = tf.fill((stage.batch, 2), float("nan"))

    def prepare(images: tf.Tensor, kinds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        layers = [tf.cast(images, tf.float32) / 255.0, tf.ones_like(images, tf.float32)]
        layers += [tf.cast(kinds == kind, tf.float32) for kind in KINDS]
        moved = augmentation.move(
            tf.stack(layers, axis=-1), nowhere, (stage.size, stage.size), how, random
        )
        one = [stage.batch, 1, 1]
        gray = random.uniform(one) * tf.cast(random.uniform(one) < recipe.border, tf.float32)
        exposed = augmentation.expose(moved[..., 0], how, random)
        film = exposed * moved[..., 1] + gray * (1.0 - moved[..., 1])
        return _scale_tensor(film, recipe.scaling), moved[..., 2:]

    stream = tf.data.Dataset.from_generator(gather, output_signature=signature)
    return stream.map(prepare).prefetch(2), len(order) // stage.batch


def inputs(images: np.ndarray, recipe: SegmentationRecipe) -> np.ndarray:
    """Network inputs without augmentation, float32 of shape (films, height, width, 3)."""
    return scale(images.astype(np.float32) / 255.0, recipe.scaling)


def _toned(
    images: np.ndarray, chosen: np.ndarray, tone: float, chance: np.random.Generator
) -> np.ndarray:
    """The chosen films, a share of them in the gray levels of other films, wholly or in part."""
    lender = chance.integers(len(images), size=len(chosen))
    amount = chance.random(len(chosen)) * (chance.random(len(chosen)) < tone)
    own, other = (histogram_matching.distributions(images[some]) for some in (chosen, lender))
    return histogram_matching.match(images[chosen], own, other, amount)


def _mirrored(
    images: np.ndarray, kinds: np.ndarray, turned: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Films with some mirrored: what was the right lung is the left one then."""
    images, kinds = images.copy(), kinds.copy()
    images[turned] = images[turned][..., ::-1]
    other = kinds[turned][..., ::-1]
    kinds[turned] = np.where(other == RIGHT, LEFT, np.where(other == LEFT, RIGHT, other))
    return images, kinds


def _scale_tensor(gray: tf.Tensor, scaling: str) -> tf.Tensor:
    # every scaling is affine per channel, so two points of `scale` give it as tensor arithmetic
    offset = scale(np.zeros((), np.float32), scaling)
    factor = scale(np.ones((), np.float32), scaling) - offset
    return gray[..., None] * factor + offset

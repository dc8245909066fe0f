"""Batches for training: decoded once into memory, drawn by class balance, augmented."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import tensorflow as tf
import numpy as np
from tqdm import tqdm

from xray_models.datasets import Film
from xray_models.radiograph.preprocess import resize, scale
from xray_models.train.data import histogram_matching
from xray_models.train.recipe import Augmentation, Recipe

__all__ = [
    "balance",
    "covered",
    "draw",
    "expose",
    "inputs",
    "lesions",
    "load",
    "marks",
    "move",
    "strata",
    "targets",
    "training",
]


def load(
    films: list[Film], recipe: Recipe, name: str, size: tuple[int, int] | None = None
) -> np.ndarray:
    """Decode and resize every film: uint8 of shape (films, height, width).

    Args:
        films: what to decode.
        recipe: gives geometry and size.
        name: for the progress bar.
        size: (height, width); the recipe's input size by default.
    """

    def one(film: Film) -> np.ndarray:
        gray, _ = resize(film.pixels(), size or recipe.input_size, recipe.geometry)
        return np.round(gray * 255).astype(np.uint8)

    with ThreadPoolExecutor() as pool:
        return np.stack(list(tqdm(pool.map(one, films), f"decode {name}", len(films))))


def inputs(images: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Network inputs without augmentation, float32 of shape (films, height, width, 3)."""
    return scale(images.astype(np.float32) / 255.0, recipe.scaling)


def lesions(films: list[Film], recipe: Recipe) -> list[np.ndarray]:
    """The marked lesions of each film, where the network's input shows them.

    Returns:
        For each film float32 of shape (lesions, 4): x0, y0, x1, y1 in 0..1 of the input.
    """
    rows, columns = recipe.input_size
    found = []
    for film in films:
        boxes = np.array(film.lesions, float).reshape(-1, 4)
        if film.lesions:
            _, at = resize(film.pixels(), recipe.input_size, recipe.geometry)
            x0, y0, x1, y1 = at.box_in_input()
            boxes = boxes * np.tile((x1 - x0, y1 - y0), 2) + np.tile((x0, y0), 2)
            boxes /= np.tile((columns, rows), 2)
        found.append(boxes.astype(np.float32))
    return found


def marks(boxes: list[np.ndarray], recipe: Recipe, epoch: int) -> np.ndarray:
    """The center of one marked lesion of each film, drawn anew each epoch.

    Args:
        boxes: as `lesions` gives them.
        recipe: gives the seed.
        epoch: gives another draw each time.

    Returns:
        float32 of shape (films, 2): x and y in 0..1 of the input, NaN without a mark.
    """
    random = np.random.default_rng((recipe.seed, epoch, 1))
    found = np.full((len(boxes), 2), np.nan, np.float32)
    for index, marked in enumerate(boxes):
        if len(marked):
            x0, y0, x1, y1 = marked[random.integers(len(marked))]
            found[index] = ((x0 + x1) / 2, (y0 + y1) / 2)
    return found


def covered(boxes: list[np.ndarray], present: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Which pixels lie in a marked lesion: float32 of shape (films, *size), 0 or 1.

    A film that shows the finding but has no mark is NaN: nobody knows where it is.

    Args:
        boxes: as `lesions` gives them.
        present: bool, (films,): whether a film shows the finding.
        size: (height, width).
    """
    found = np.zeros((len(boxes), *size), np.float32)
    for index, marked in enumerate(boxes):
        if present[index] and not len(marked):
            found[index] = np.nan
        for x0, y0, x1, y1 in marked:
            rows = slice(int(y0 * size[0]), max(int(y0 * size[0]) + 1, round(float(y1) * size[0])))
            columns = slice(
                int(x0 * size[1]), max(int(x0 * size[1]) + 1, round(float(x1) * size[1]))
            )
            found[index, rows, columns] = 1.0
    return found


def targets(films: list[Film], recipe: Recipe) -> np.ndarray:
    """What the logits should say: float32 of shape (films, logits), NaN where nobody knows."""
    if recipe.multi_label:
        return np.array([film.targets for film in films], np.float32)
    truth = np.array([film.truth for film in films])
    if recipe.two_class:
        return truth.astype(np.float32)[:, None]
    return np.eye(len(recipe.labels), dtype=np.float32)[truth]


def strata(targets: np.ndarray) -> np.ndarray:
    """The class that a film is drawn as: its rarest label, or none of them; int, (films,)."""
    present = targets > 0.5
    rarest = np.argsort(np.argsort(-present.sum(axis=0)))
    ranked = np.where(present, rarest + 1, 0).max(axis=1)
    found: np.ndarray = np.unique(ranked, return_inverse=True)[1]
    return found


def draw(classes: np.ndarray, recipe: Recipe, epoch: int) -> np.ndarray:
    """Indices of the films of one epoch, the same for the same seed and epoch.

    With balance b, a film of a class that makes up a share s is drawn with weight s**-b.

    Args:
        classes: int, (films,), as `strata` gives them.
        recipe: seed, balance and films per epoch.
        epoch: gives another draw each time.
    """
    random = np.random.default_rng((recipe.seed, epoch))
    count = recipe.films_per_epoch or len(classes)
    if recipe.balance == 0 and count <= len(classes):
        return random.permutation(len(classes))[:count]
    share = np.bincount(classes) / len(classes)
    weights = share[classes] ** -recipe.balance
    return random.choice(len(classes), size=count, p=weights / weights.sum())


def balance(targets: np.ndarray, recipe: Recipe) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """What drawing by class does to the number of films of each class.

    Args:
        targets: as `targets` gives them.
        recipe: labels, seed, balance and films per epoch.

    Returns:
        Names of the classes, films of each, and films of each in the first epoch.
    """
    present = targets > 0.5
    names = recipe.labels
    if recipe.activation == "sigmoid":
        present = np.column_stack([present, ~present.any(axis=1)])
        names = (*names, f"no {names[0]}" if recipe.two_class else "none of them")
    drawn = present[draw(strata(targets), recipe, 0)]
    return names, present.sum(axis=0), drawn.sum(axis=0)


def training(
    images: np.ndarray,
    boxes: list[np.ndarray],
    targets: np.ndarray,
    recipe: Recipe,
    epoch: int,
    cells: tuple[int, int] | None = None,
) -> tuple[tf.data.Dataset, int]:
    """One epoch of augmented batches (inputs, targets), and how many there are.

    Args:
        images: uint8, (films, height, width), as `load` gives them.
        boxes: as `lesions` gives them.
        targets: as `targets` gives them.
        recipe: seed, batch size, augmentation.
        epoch: gives another draw each time.
        cells: (rows, columns) of a network's local map. The targets then are (targets, float32 of
            shape (batch, rows, columns, 1): how much a cell shows of a lesion, NaN where nobody
            knows).
    """
    centers = marks(boxes, recipe, epoch)
    present = np.nan_to_num(targets).max(axis=1) > 0.5
    order = draw(strata(targets), recipe, epoch)
    order = order[: len(order) - len(order) % recipe.batch]
    if recipe.label_smoothing:
        # nothing is certain: towards one half for sigmoids, towards all classes for softmax
        middle = 0.5 if recipe.activation == "sigmoid" else 1 / targets.shape[1]
        targets = targets + recipe.label_smoothing * (middle - targets)

    ranks = histogram_matching.ranks(images) if recipe.augmentation.tone else None

    def toned(chosen: np.ndarray, at: int) -> np.ndarray:
        if ranks is None:
            return images[chosen]
        chance = np.random.default_rng((recipe.seed, epoch, 2, at))
        lender = chance.integers(len(images), size=len(chosen))
        amount = chance.random(len(chosen)) * (
            chance.random(len(chosen)) < recipe.augmentation.tone
        )
        return histogram_matching.lend(images[chosen], ranks[chosen], ranks[lender], amount)

    def gather() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        for first in range(0, len(order), recipe.batch):
            chosen = order[first : first + recipe.batch]
            where = [boxes[index] for index in chosen] if cells else []
            inside = covered(where, present[chosen], images.shape[1:])
            yield toned(chosen, first), inside, centers[chosen], targets[chosen]

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
        moved = move(
            tf.stack(layers, axis=-1), center, recipe.input_size, recipe.augmentation, random
        )
        inputs = _scale_tensor(expose(moved[..., 0], recipe.augmentation, random), recipe.scaling)
        return inputs, (target, _cells(moved[..., 1:], cells)) if cells else target

    batches = tf.data.Dataset.from_generator(gather, output_signature=signature)
    return batches.map(prepare).prefetch(4), len(order) // recipe.batch


def _scale_tensor(gray: tf.Tensor, scaling: str) -> tf.Tensor:
    # every scaling is affine per channel, so two points of `scale` give it as tensor arithmetic
    offset = scale(np.zeros((), np.float32), scaling)
    factor = scale(np.ones((), np.float32), scaling) - offset
    return gray[..., None] * factor + offset


def _cells(inside: tf.Tensor, cells: tuple[int, int]) -> tf.Tensor:
    # half a cell is enough: a small lesion on the border of cells must count in one of them
    steps = [inside.shape[1] // cells[0], inside.shape[2] // cells[1]]
    return tf.minimum(2.0 * tf.nn.avg_pool2d(inside, steps, steps, "VALID"), 1.0)


def move(
    layers: tf.Tensor,
    centers: tf.Tensor,
    size: tuple[int, int],
    how: Augmentation,
    random: tf.random.Generator,
) -> tf.Tensor:
    """Randomly move, flip and zoom a batch; all layers of a film alike.

    Args:
        layers: float32, shape (batch, height, width, layers).
        centers: float32, (batch, 2): x and y in 0..1 that must stay in view, or NaN.
        size: (height, width) of the result.
        how: the ranges.
        random: source of randomness.

    Returns:
        float32, shape (batch, *size, layers).
    """
    count, height, width, _ = layers.shape
    zoom = random.uniform([count], *how.zoom)
    half = 0.5 / zoom
    slack = tf.maximum(0.5 - half, 0.0) + how.shift
    center = 0.5 + random.uniform([count, 2], -1.0, 1.0) * slack[:, None]
    reach = 0.8 * half[:, None]
    in_view = tf.clip_by_value(center, centers - reach, centers + reach)
    center = tf.where(tf.math.is_nan(centers), center, in_view)

    angle = random.uniform([count], -how.rotation, how.rotation) * (np.pi / 180)
    mirror = tf.where(random.uniform([count]) < 0.5 * how.flip_horizontal, -1.0, 1.0)
    upset = tf.where(random.uniform([count]) < 0.5 * how.flip_vertical, -1.0, 1.0)
    cos, sin = tf.cos(angle) / zoom, tf.sin(angle) / zoom
    wider = tf.exp(random.uniform([count], -how.aspect, how.aspect))
    step_x, step_y = wider * width / size[1], height / size[0] / wider
    a, b = cos * mirror * step_x, -sin * upset * step_y
    d, e = sin * mirror * step_x, cos * upset * step_y
    middle_x, middle_y = (size[1] - 1) / 2, (size[0] - 1) / 2
    c = center[:, 0] * width - 0.5 - a * middle_x - b * middle_y
    f = center[:, 1] * height - 0.5 - d * middle_x - e * middle_y
    nothing = tf.zeros([count])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=layers,
        transforms=tf.stack([a, b, c, d, e, f, nothing, nothing], axis=1),
        output_shape=list(size),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def expose(gray: tf.Tensor, how: Augmentation, random: tf.random.Generator) -> tf.Tensor:
    """Randomly change exposure, sharpness and noise of a batch.

    Args:
        gray: float32 in 0..1, shape (batch, height, width).
        how: the ranges.
        random: source of randomness.

    Returns:
        float32 in 0..1, shape (batch, height, width).
    """
    one = [gray.shape[0], 1, 1]
    gamma = tf.exp(random.uniform(one, -how.gamma, how.gamma))
    gain = 1 + random.uniform(one, -how.contrast, how.contrast)
    exposed = tf.pow(tf.clip_by_value(gray, 1e-4, 1.0), gamma) * gain
    if how.sharpness:
        share = random.uniform(one, -how.sharpness, how.sharpness)
        exposed += share * (_blur(exposed) - exposed)
    # half of the films stay clean, as films are when they are read: batch normalization would
    # otherwise know noisy films only
    grain = how.noise * tf.maximum(random.uniform(one, -1.0, 1.0), 0.0)
    exposed += grain * random.normal(gray.shape)
    exposed = tf.clip_by_value(exposed, 0.0, 1.0)
    return tf.where(random.uniform(one) < how.invert, 1.0 - exposed, exposed)


def _blur(gray: tf.Tensor) -> tf.Tensor:
    # binomial 5 x 5: a Gaussian of one pixel, near enough
    line = tf.constant([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    kernel = (line[:, None] * line[None, :])[..., None, None]
    padded = tf.pad(gray, [[0, 0], [2, 2], [2, 2]], mode="REFLECT")
    return tf.nn.conv2d(padded[..., None], kernel, strides=1, padding="VALID")[..., 0]

"""Faithfulness of a map: whether the score falls when what is hot is taken away.

Everything here works on a predict function, one network input and one map of the input's height
and width, so that it can be tested on models whose perfect map is known. What is taken away is
replaced by a fill image: the film blurred beyond recognition, or any other of the input's shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from xray_models.explain.metrics.rank_correlation import rank_correlation
from xray_models.explain.progress import BATCH, Progress

__all__ = [
    "Curves",
    "Drops",
    "Predict",
    "blurred",
    "curves",
    "drop_and_increase",
    "drops",
    "mu_fidelity",
    "silent",
    "stability",
]

Predict = Callable[[np.ndarray], np.ndarray]
"""Inputs (batch, height, width, channels) -> one score each, (batch,)."""


def silent(_done: int, _total: int) -> None:
    """Ignore progress: what is called where nobody watches."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Deletion and insertion curves (Petsiuk et al. 2018, arXiv:1806.07421).

    Scores as the hottest pixels go first.

    Attributes:
        shares: share of the pixels taken away or put in, float64 from 0 to 1, (points,).
        deletion: scores as they are taken away from the film, (points,). Faithful: falls early.
        insertion: scores as they are put into the fill, (points,). Faithful: rises early.
    """

    shares: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve: lower is better."""
        return float(np.trapezoid(self.deletion, self.shares))

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve: higher is better."""
        return float(np.trapezoid(self.insertion, self.shares))


@dataclass(frozen=True, eq=False)
class Drops:
    """Scores lost without random parts of the input; the same for every map of it.

    Attributes:
        chosen: bool, (samples, cells): cells of the grid that were replaced by the fill.
        drop: float64, (samples,): the score of the film minus the score without them.
        grid: (rows, columns) of cells.
    """

    chosen: np.ndarray
    drop: np.ndarray
    grid: tuple[int, int]


def blurred(inputs: np.ndarray, spread: float = 0.1) -> np.ndarray:
    """Blurred input: a fill that keeps brightness and loses shape.

    Args:
        inputs: float32, (height, width, channels).
        spread: of the Gaussian, in shares of the longer side.
    """
    width = spread * max(inputs.shape[:2])
    return gaussian_filter(inputs, (width, width, 0)).astype(np.float32)


def curves(
    predict: Predict,
    inputs: np.ndarray,
    heat: np.ndarray,
    fill: np.ndarray,
    steps: int = 16,
    seed: int = 0,
    progress: Progress = silent,
) -> Curves:
    """Measure the deletion and insertion curves of a map.

    Args:
        predict: gives the score of the target, usually its probability.
        inputs: float32, (height, width, channels).
        heat: (height, width). Equally hot pixels go in random order.
        fill: what stands in for pixels that are away; shape of `inputs`.
        steps: the curves have `steps` + 1 points.
        seed: of the order of equally hot pixels.
        progress: called with (inputs done, inputs in all); may raise to stop.

    Raises:
        ValueError: shapes do not fit.
    """
    _check(inputs, heat, fill)
    random = np.random.default_rng(seed)
    hottest_first = np.lexsort((random.random(heat.size), -heat.ravel()))
    rank = np.empty(heat.size, np.int64)
    rank[hottest_first] = np.arange(heat.size)
    counts = np.round(np.linspace(0, heat.size, steps + 1)).astype(np.int64)

    def changed() -> Iterator[np.ndarray]:
        for start, end in ((inputs, fill), (fill, inputs)):
            for count in counts:
                yield np.where((rank < count).reshape(*heat.shape, 1), end, start)

    scores = _scores(predict, changed(), 2 * len(counts), progress)
    return Curves(counts / heat.size, scores[: len(counts)], scores[len(counts) :])


def drop_and_increase(
    predict: Predict, inputs: np.ndarray, heat: np.ndarray, fill: np.ndarray
) -> tuple[float, float]:
    """Average drop and increase of one film (Chattopadhay et al. 2018, arXiv:1710.11063).

    The film is seen only as far as the heat goes: fill + heat x (film - fill).

    Args:
        predict: gives a probability, above 0.
        inputs: float32, (height, width, channels).
        heat: in 0..1, (height, width).
        fill: shape of `inputs`.

    Returns:
        The share of the probability that is lost, in 0..1 (lower is better), and 1.0 if it rose
        instead, else 0.0 (higher is better). Average both over films.

    Raises:
        ValueError: shapes do not fit.
    """
    _check(inputs, heat, fill)
    seen = fill + heat[..., None] * (inputs - fill)
    before, after = predict(np.stack([inputs, seen]).astype(np.float32)).astype(np.float64)
    drop = max(0.0, before - after) / before if before > 0 else 0.0
    return float(drop), float(after > before)


def drops(
    predict: Predict,
    inputs: np.ndarray,
    fill: np.ndarray,
    grid: tuple[int, int] = (8, 8),
    share: float = 0.25,
    samples: int = 64,
    seed: int = 0,
    progress: Progress = silent,
) -> Drops:
    """Scores lost with random sets of cells, for `mu_fidelity` of any number of maps.

    Args:
        predict: gives the score of the target, usually its logit.
        inputs: float32, (height, width, channels).
        fill: shape of `inputs`.
        grid: (rows, columns) of cells that the input is cut into.
        share: of the cells in each set, in 0..1.
        samples: how many sets.
        seed: of the sets.
        progress: called with (inputs done, inputs in all); may raise to stop.

    Raises:
        ValueError: shapes do not fit.
    """
    _check(inputs, inputs[..., 0], fill)
    random = np.random.default_rng(seed)
    cells = grid[0] * grid[1]
    count = max(1, round(share * cells))
    chosen = random.random((samples, cells)).argsort(axis=1) < count
    cell = _cells(inputs.shape[:2], grid)

    def changed() -> Iterator[np.ndarray]:
        yield inputs
        for one in chosen:
            yield np.where(one[cell][..., None], fill, inputs)

    scores = _scores(predict, changed(), samples + 1, progress)
    return Drops(chosen, scores[0] - scores[1:], grid)


def mu_fidelity(made: Drops, heat: np.ndarray) -> float:
    """Rank correlation of heat taken away with score lost (Bhatt et al. 2020, arXiv:2005.00631).

    Args:
        made: by `drops`, once per film and target.
        heat: (height, width) of the input.

    Returns:
        -1..1, higher is better; NaN where the map or the score never changes.
    """
    cell = _cells(heat.shape, made.grid)
    of_cell = np.bincount(cell.ravel(), heat.ravel(), made.grid[0] * made.grid[1])
    return rank_correlation(made.chosen @ of_cell, made.drop)


def stability(
    explain: Callable[[np.ndarray], np.ndarray],
    inputs: np.ndarray,
    spread: float = 0.02,
    repeats: int = 4,
    seed: int = 0,
    progress: Progress = silent,
) -> float:
    """Stability of a map: what stays when the film gets noise that nobody would see.

    Args:
        explain: one input (height, width, channels) -> its map, any shape.
        inputs: float32, (height, width, channels).
        spread: of the Gaussian noise, in shares of the input's range; the same on all channels,
            as a film is gray.
        repeats: noisy films.
        seed: of the noise.
        progress: called with (inputs done, inputs in all); may raise to stop.

    Returns:
        Mean rank correlation of the noisy films' maps with the film's own, -1..1; NaN where the
        map is constant. Noisy films whose map is constant count as 0.
    """
    random = np.random.default_rng(seed)
    own = explain(inputs)
    if not np.ptp(own) > 0:
        return float("nan")
    size = spread * float(np.ptp(inputs))
    found = []
    for i in range(repeats):
        noise = random.normal(0.0, size, (*inputs.shape[:2], 1)).astype(np.float32)
        found.append(rank_correlation(own, explain(inputs + noise)))
        progress(i + 1, repeats)
    return float(np.nan_to_num(found).mean())


def _scores(
    predict: Predict, changed: Iterator[np.ndarray], total: int, progress: Progress
) -> np.ndarray:
    """Scores of many inputs, a batch at a time."""
    scores: list[np.ndarray] = []
    for first in range(0, total, BATCH):
        count = min(BATCH, total - first)
        batch = np.stack([next(changed) for _ in range(count)]).astype(np.float32)
        scores.append(np.asarray(predict(batch), np.float64).reshape(count))
        progress(first + count, total)
    return np.concatenate(scores)


def _cells(shape: tuple[int, ...], grid: tuple[int, int]) -> np.ndarray:
    """Number of the cell that each pixel lies in, int of shape (height, width)."""
    rows = np.arange(shape[0]) * grid[0] // shape[0]
    columns = np.arange(shape[1]) * grid[1] // shape[1]
    cells: np.ndarray = rows[:, None] * grid[1] + columns[None, :]
    return cells


def _check(inputs: np.ndarray, heat: np.ndarray, fill: np.ndarray) -> None:
    if inputs.ndim != 3 or heat.shape != inputs.shape[:2] or fill.shape != inputs.shape:
        raise ValueError(
            f"The input is {inputs.shape}, the heat {heat.shape}, the fill {fill.shape}: needed "
            "are (height, width, channels), (height, width) and the input's own shape."
        )

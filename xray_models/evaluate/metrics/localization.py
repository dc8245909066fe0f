"""Localization: boxes and heat against boxes by people, film by film, and baselines.

A map that does not beat the usual place of a finding has shown nothing about the film. All corners
are float64 of shape (boxes, 4), x0, y0, x1, y1, in fractions of the film's width and height unless
said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from xray_models.evaluate.metrics import weighted

__all__ = [
    "LEVELS",
    "TOLERANCE",
    "area_share",
    "center_map",
    "iobb",
    "iou",
    "mask",
    "mean_box",
    "over_map",
    "overlap",
    "random_map",
    "usual_place",
]

LEVELS = tuple(round(0.1 * k, 1) for k in range(1, 10))
"""T(IoU) and T(IoBB) of Wang et al. 2017, table 4."""

TOLERANCE = 0.03
"""Of the pointing game, in shares of the film's longer side: 15 pixels on VOC's 500 (Zhang et al.
2018, arXiv:1608.00507)."""


def iou(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Intersection over union of each pair, float64 in 0..1, (found, true)."""
    shared = _intersection(found, true)
    union = _area(found)[:, None] + _area(true)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def iobb(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Intersection over the area of the found box, float64 in 0..1, (found, true).

    Wang et al. 2017 (arXiv:1705.02315) count with it that a small box inside a large lesion is
    right. It favors small boxes: read it beside IoU.
    """
    shared = _intersection(found, true)
    area = np.broadcast_to(_area(found)[:, None], shared.shape)
    return np.divide(shared, area, out=np.zeros_like(shared), where=area > 0)


def overlap(found: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Measures of boxes on one film.

    Args:
        found: corners of the boxes from heat; may be none.
        true: corners of the boxes by people, at least one.

    Returns:
        - "IoU", "IoBB": of each true box the best found box's, then the mean.
        - "T(IoU) 0.1" ... "T(IoBB) 0.9": share of the true boxes with a found box at that level.
        - "false boxes, T(IoU) 0.1" ...: found boxes that reach the level with no true box.
        - "boxes": how many were found.

    Raises:
        ValueError: there is no true box.
    """
    if not len(true):
        raise ValueError("Localization needs a film with at least one true box.")
    values: dict[str, float] = {"boxes": float(len(found))}
    for name, pairs in (("IoU", iou(found, true)), ("IoBB", iobb(found, true))):
        best_of_true = pairs.max(axis=0, initial=0.0)
        best_of_found = pairs.max(axis=1, initial=0.0)
        values[name] = float(best_of_true.mean())
        for level in LEVELS:
            values[f"T({name}) {level}"] = float((best_of_true >= level).mean())
            values[f"false boxes, T({name}) {level}"] = float((best_of_found < level).sum())
    return values


def over_map(heat: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Measures of a continuous map on one film.

    Args:
        heat: not negative, finite, (height, width), laid over the whole film.
        true: corners of the boxes by people, at least one.

    Returns:
        - "pointing game": whether the hottest pixel lies in a true box or within `TOLERANCE` of
          one (Zhang et al. 2018). Of equally hot pixels each counts its share; an empty map points
          nowhere.
        - "hit rate": the same without tolerance (Saporta et al. 2022, doi
          10.1038/s42256-022-00536-x).
        - "energy in box": share of all heat inside the true boxes (Wang et al. 2020,
          arXiv:1910.01279); 0 for an empty map.
        - "AUPRC": area under the precision-recall curve of pixels, heat as score. By chance it is
          the boxes' share of the film.

    Raises:
        ValueError: there is no true box, or the map is no map.
    """
    heat = np.asarray(heat, np.float64)
    if heat.ndim != 2 or not np.isfinite(heat).all() or (heat < 0).any():
        raise ValueError("Localization needs a map of finite heat, 0 or more, (height, width).")
    if not len(true):
        raise ValueError("Localization needs a film with at least one true box.")
    inside = mask(true, heat.shape)
    top, total = float(heat.max()), float(heat.sum())
    hottest = (heat == top) & (top > 0)
    pointed = max(1, int(hottest.sum()))
    margin = TOLERANCE * max(heat.shape) / np.array([heat.shape[1], heat.shape[0]])
    near = mask(true + np.concatenate([-margin, margin]), heat.shape)
    precision = weighted.average_precision(np.ones((1, heat.size)), inside.ravel(), heat.ravel())
    return {
        "pointing game": float((hottest & near).sum() / pointed),
        "hit rate": float((hottest & inside).sum() / pointed),
        "energy in box": float(heat[inside].sum() / total) if total > 0 else 0.0,
        "AUPRC": float(precision[0]),
    }


def mask(corners: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pixels whose centers lie in a box, bool of shape (height, width); at least one per box."""
    height, width = shape
    inside = np.zeros((height, width), bool)
    for x0, y0, x1, y1 in corners:
        rows = _span(y0, y1, height)
        columns = _span(x0, x1, width)
        inside[rows, columns] = True
    return inside


def random_map(shape: tuple[int, int], cells: tuple[int, int], seed: int) -> np.ndarray:
    """Uniform noise on a grid as coarse as a network's, bilinear between the cells.

    Args:
        shape: (height, width) wanted.
        cells: (rows, columns) of the grid.
        seed: of the noise; another for each film.

    Returns:
        float32 in 0..1, `shape`.
    """
    noise = np.random.default_rng(seed).random(cells, np.float32)
    image = Image.fromarray(noise).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(image)


def center_map(shape: tuple[int, int]) -> np.ndarray:
    """Round hill in the middle of the film, spread a fifth of each side; float32 in 0..1."""
    y = (np.arange(shape[0]) + 0.5) / shape[0] - 0.5
    x = (np.arange(shape[1]) + 0.5) / shape[1] - 0.5
    hill = np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / (2 * 0.2**2))
    return hill.astype(np.float32)


def usual_place(others: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Usual place of a label: the share of other films on which people boxed each pixel.

    A mean of corners would put the usual place of two-sided findings between the lungs; the mean
    of the boxed areas keeps both sides, and its hottest point is the harder one to beat; of the
    heat that lies inside boxes the mean box often has more.

    Args:
        others: corners on each of the other films, of other groups than the film judged.
        shape: (height, width) wanted.

    Returns:
        float32 in 0..1, `shape`; its maximum is 1.

    Raises:
        ValueError: there are no other films.
    """
    if not others:
        raise ValueError("A usual place needs boxes on films of other groups.")
    heat = np.zeros(shape, np.float32)
    for corners in others:
        heat += mask(corners, shape)
    return heat / heat.max()


def mean_box(others: Sequence[np.ndarray]) -> np.ndarray:
    """Mean of all boxes of a label on other films, corners of shape (1, 4).

    Raises:
        ValueError: there are no other films.
    """
    if not others:
        raise ValueError("A mean box needs boxes on films of other groups.")
    return np.concatenate(others).mean(axis=0, keepdims=True)


def area_share(films: Sequence[np.ndarray]) -> float:
    """Usual share of a film's area in the boxes of a label: the mean over films, in 0..1."""
    return float(np.mean([mask(corners, (200, 200)).mean() for corners in films]))


def _span(low: float, high: float, count: int) -> slice:
    """Pixels with centers from `low` to `high` (fractions of the side), the nearest if none."""
    first = int(np.ceil(low * count - 0.5))
    after = int(np.floor(high * count - 0.5)) + 1
    if after <= first:
        first = int((low + high) / 2 * count)
        after = first + 1
    first = min(max(first, 0), count - 1)
    return slice(first, max(min(after, count), first + 1))


def _area(corners: np.ndarray) -> np.ndarray:
    return (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])


def _intersection(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    low = np.maximum(found[:, None, :2], true[None, :, :2])
    high = np.minimum(found[:, None, 2:], true[None, :, 2:])
    return np.maximum(high - low, 0.0).prod(axis=-1)

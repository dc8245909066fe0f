"""Likeness of two maps: rank correlation and structural similarity."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

__all__ = ["rank_correlation", "similarity"]

# Wang et al. 2004 (doi 10.1109/TIP.2003.819861): window and the constants against division by zero
_WINDOW = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation of two arrays' values, ties sharing their mean rank.

    Args:
        one, other: finite numbers, same shape.

    Returns:
        -1..1; NaN where an array is constant, so that nothing can be said.

    Raises:
        ValueError: the shapes differ.
    """
    _check(one, other)
    return _correlation(rankdata(one), rankdata(other))


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Mean structural similarity (Wang et al. 2004), Gaussian window of 1.5 pixels.

    Args:
        one, other: heat in 0..1, (height, width), same shape.

    Returns:
        -1..1; 1 only for equal maps.

    Raises:
        ValueError: the shapes differ.
    """
    _check(one, other)
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    mean_a, mean_b = gaussian_filter(a, _WINDOW), gaussian_filter(b, _WINDOW)
    spread_a = gaussian_filter(a * a, _WINDOW) - mean_a**2
    spread_b = gaussian_filter(b * b, _WINDOW) - mean_b**2
    shared = gaussian_filter(a * b, _WINDOW) - mean_a * mean_b
    above = (2 * mean_a * mean_b + _C1) * (2 * shared + _C2)
    below = (mean_a**2 + mean_b**2 + _C1) * (spread_a + spread_b + _C2)
    return float((above / below).mean())


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip((a @ b) / size, -1.0, 1.0)) if size > 0 else float("nan")


def _check(one: np.ndarray, other: np.ndarray) -> None:
    if one.shape != other.shape:
        raise ValueError(f"The maps have shapes {one.shape} and {other.shape}: compare like sizes.")

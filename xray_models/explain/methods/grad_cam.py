"""Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391).

A channel's weight is the mean gradient of the target over the grid. Where the layer is pooled and
read by a linear head the gradient is the head's kernel over the number of cells: no backward pass,
and Grad-CAM equals CAM (Zhou et al. 2016) up to scale.
"""

from __future__ import annotations

import numpy as np

__all__ = ["grad_cam", "weighted"]


def grad_cam(activation: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Grad-CAM maps: channels weighted by their mean gradient.

    Args:
        activation: float32, (rows, columns, channels).
        gradients: float32, (targets, rows, columns, channels), or (targets, 1, 1, channels) where
            the gradient is the same in every cell.

    Returns:
        float32, (targets, rows, columns), positive where it speaks for the target.
    """
    return weighted(activation, gradients.mean(axis=(1, 2)))


def weighted(activation: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum of channels by weight.

    Args:
        activation: float32, (rows, columns, channels).
        weights: float32, (targets, channels).

    Returns:
        float32, (targets, rows, columns).
    """
    return np.moveaxis(activation @ weights.T, -1, 0)

"""Eigen-CAM (Muhammad & Yeasin 2020, arXiv:2008.00299).

The first principal component of the activations: where the layer sees most, whatever the label.
Channels are centered, as in the PyTorch package `grad-cam`. A component has no sign of its own;
here it points to where the activation is higher.
"""

import numpy as np

__all__ = ["eigen_cam"]


def eigen_cam(activation: np.ndarray) -> np.ndarray:
    """Eigen-CAM map: the activations on their first principal component.

    Args:
        activation: float32, (rows, columns, channels).

    Returns:
        float32, (rows, columns).
    """
    rows, columns, channels = activation.shape
    cells = activation.reshape(-1, channels).astype(np.float64)
    centered = cells - cells.mean(axis=0)
    # eigenvectors of the smaller product: a decomposition of the cells costs thirty forward passes
    if len(cells) <= channels:
        strength, axes = np.linalg.eigh(centered @ centered.T)
        heat = axes[:, -1] * np.sqrt(max(float(strength[-1]), 0.0))
    else:
        heat = centered @ np.linalg.eigh(centered.T @ centered)[1][:, -1]
    if heat @ centered.sum(axis=1) < 0:
        heat = -heat
    return heat.reshape(rows, columns).astype(np.float32)

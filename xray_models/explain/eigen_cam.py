"""Eigen-CAM (Muhammad & Yeasin 2020, arXiv:2008.00299).

The first principal component of the activations: where the layer sees most, whatever the label.
Channels are centered, as in the PyTorch package `grad-cam`. A component has no sign of its own;
here it points to where the activation is higher.
"""

import numpy as np


def eigen_cam(activation: np.ndarray) -> np.ndarray:
    """The activations on their first principal component.

    Args:
        activation: float32, (rows, columns, channels).

    Returns:
        float32, (rows, columns).
    """
    rows, columns, channels = activation.shape
    cells = activation.reshape(-1, channels).astype(np.float64)
    centered = cells - cells.mean(axis=0)
    left, strength, _ = np.linalg.svd(centered, full_matrices=False)
    heat = left[:, 0] * strength[0]
    if heat @ centered.sum(axis=1) < 0:
        heat = -heat
    return heat.reshape(rows, columns).astype(np.float32)

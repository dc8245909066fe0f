"""CAM (Zhou et al. 2016, arXiv:1512.04150).

Where a linear head reads the mean of the last activation, its kernel says how much each channel
counts: the map is the weighted sum of the channels. Nothing else is run.
"""

import numpy as np

__all__ = ["cam"]


def cam(activation: np.ndarray, head: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Class activation maps.

    Args:
        activation: float32, (rows, columns, channels): what the pooling reads.
        head: float32, (channels, labels).
        vectors: float32, (targets, labels): weights of the logits.

    Returns:
        float32, (targets, rows, columns), positive where it speaks for the target.
    """
    return np.moveaxis(activation @ (head @ vectors.T), -1, 0)

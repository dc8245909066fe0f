"""HiResCAM (Draelos & Carin 2020, arXiv:2011.08891).

Gradient times activation, cell by cell. Where all above the layer is linear the cells add up to
the logit, less its bias: what is hot is what was used.
"""

import numpy as np

__all__ = ["hirescam"]


def hirescam(activation: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """HiResCAM maps: gradient times activation.

    Args:
        activation: float32, (rows, columns, channels).
        gradients: float32, (targets, rows or 1, columns or 1, channels).

    Returns:
        float32, (targets, rows, columns), positive where it speaks for the target.
    """
    return np.stack([(activation * gradient).sum(axis=-1) for gradient in gradients])

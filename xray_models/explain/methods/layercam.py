"""LayerCAM (Jiang et al. 2021, doi 10.1109/TIP.2021.3089943).

Activation times positive gradient, cell by cell: made for layers far from the head, whose gradients
differ from cell to cell.
"""

import numpy as np

__all__ = ["layercam"]


def layercam(activation: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """LayerCAM maps: positive gradient times activation.

    Args:
        activation: float32, (rows, columns, channels).
        gradients: float32, (targets, rows or 1, columns or 1, channels).

    Returns:
        float32, (targets, rows, columns), positive where it speaks for the target.
    """
    return np.stack([(activation * np.maximum(gradient, 0)).sum(axis=-1) for gradient in gradients])

"""XGrad-CAM (Fu et al. 2020, arXiv:2008.02312).

A channel's weight is its gradient averaged where the channel is active: the choice that comes
closest to adding up to the score.
"""

import numpy as np

from xray_models.explain.grad_cam import weighted


def xgrad_cam(activation: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Channels weighted by their gradient averaged over their activation.

    Args:
        activation: float32, (rows, columns, channels).
        gradients: float32, (targets, rows or 1, columns or 1, channels).

    Returns:
        float32, (targets, rows, columns), positive where it speaks for the target. A channel whose
        activation adds up to zero has no average and does not count.
    """
    total = activation.sum(axis=(0, 1))
    used = np.stack([(gradient * activation).sum(axis=(0, 1)) for gradient in gradients])
    counts = np.broadcast_to(np.abs(total) > 1e-7, used.shape)
    weights = np.divide(used, total, out=np.zeros_like(used), where=counts)
    return weighted(activation, weights)

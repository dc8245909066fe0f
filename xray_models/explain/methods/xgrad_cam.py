"""XGrad-CAM (Fu et al. 2020, arXiv:2008.02312).

A channel's weight is its gradient averaged where the channel is active: the choice that comes
closest to adding up to the score. The paper's activations are never negative. Those of other curves
(swish) can add up to nearly nothing, and dividing by that made maps of noise: cells count by their
distance from zero, which is the same where none is below it.
"""

import numpy as np

from xray_models.explain.methods.grad_cam import weighted

__all__ = ["xgrad_cam"]


def xgrad_cam(activation: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """XGrad-CAM maps: channels weighted by their gradient averaged over their activation.

    Args:
        activation: float32, (rows, columns, channels).
        gradients: float32, (targets, rows or 1, columns or 1, channels).

    Returns:
        float32, (targets, rows, columns), positive where it speaks for the target. A channel that
        is zero everywhere has no average and does not count.
    """
    active = np.abs(activation)
    total = active.sum(axis=(0, 1))
    used = np.stack([(gradient * active).sum(axis=(0, 1)) for gradient in gradients])
    counts = np.broadcast_to(total > 1e-7, used.shape)
    weights = np.divide(used, total, out=np.zeros_like(used), where=counts)
    return weighted(activation, weights)

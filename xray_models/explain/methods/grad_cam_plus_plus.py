"""Grad-CAM++ (Chattopadhyay et al. 2018, arXiv:1710.11063).

Cells count by how much the target would gain from them (equation 19), and only where it gains. The
score is the exponential of the logit, as in the paper, which makes the second and third
derivatives powers of the first; its factor cancels.
"""

import numpy as np

from xray_models.explain.methods.grad_cam import weighted

__all__ = ["grad_cam_plus_plus"]


def grad_cam_plus_plus(activation: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Grad-CAM++ maps: channels by their positive gradients, cells by their share of the gain.

    Args:
        activation: float32, (rows, columns, channels).
        gradients: float32, (targets, rows or 1, columns or 1, channels).

    Returns:
        float32, (targets, rows, columns), positive where it speaks for the target.
    """
    # alpha = g^2 / (2 g^2 + sum(A) g^3), shortened by g^2: no small number that could outweigh it.
    # The paper's activations are never negative; those below zero (swish, a map of logits) would
    # turn the sign of the sum and with it every cell's share
    below = 2.0 + np.maximum(activation, 0).sum(axis=(0, 1)) * np.maximum(gradients, 0)
    alpha = (gradients > 0) / below
    return weighted(activation, (alpha * gradients).mean(axis=(1, 2)))

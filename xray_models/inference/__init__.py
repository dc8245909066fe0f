"""Inference: weights, compiled functions, precision, predictions."""

"""Networks at work: weights, compiled functions, precision, predictions."""

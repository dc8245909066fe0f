"""Input of a training: films decoded, drawn, augmented and batched."""

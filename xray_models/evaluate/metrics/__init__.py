"""Figures from truth and probabilities, and their intervals."""

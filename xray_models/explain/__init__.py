"""Heatmaps: what in a film speaks for a target. One method a file; targets stand apart."""

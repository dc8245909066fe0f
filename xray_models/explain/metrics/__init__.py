"""Measures of heatmaps: faithfulness, randomization checks, likeness."""

"""Training: recipes, data, run folders and the loop."""

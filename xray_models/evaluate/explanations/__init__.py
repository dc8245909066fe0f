"""How good heatmaps are: studies on held-out films and what they found."""

"""How faithful, how sane and how alike heatmaps are."""

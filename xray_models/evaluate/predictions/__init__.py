"""Truth beside probability: stored tables, imported ones, routing."""

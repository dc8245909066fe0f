"""Figures, overlays and small pieces of HTML."""

"""Sentences and documents made of measured figures."""

"""Weights made elsewhere, brought into a user's own folder of models."""

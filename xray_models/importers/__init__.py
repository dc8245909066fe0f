"""Importers of weights made elsewhere, into a user's own folder of models."""

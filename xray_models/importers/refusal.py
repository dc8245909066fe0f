"""Refusal of a file that cannot be imported."""

__all__ = ["ImportRefused"]


class ImportRefused(ValueError):
    """A file cannot be imported; the message says what is wrong with it and what to do."""

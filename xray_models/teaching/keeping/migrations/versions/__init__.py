"""Versions of the store's tables, a file each."""

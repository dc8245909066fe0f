"""Data sets: labeled films, the groups that they belong to, and their splits."""

from xray_models.datasets.films import Film, split_of
from xray_models.datasets.problems import DataSetError

__all__ = ["DataSetError", "Film", "split_of"]

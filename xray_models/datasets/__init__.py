"""Labelled radiographs: where films lie, what is true of them, what belongs together."""

from xray_models.datasets.films import Film, split_of
from xray_models.datasets.problems import DataSetError

__all__ = ["DataSetError", "Film", "split_of"]

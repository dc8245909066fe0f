"""Labelled radiographs: where films lie, what is true of them, what belongs together."""

from xray_models.datasets.films import DataSetError, Film, split_of

__all__ = ["DataSetError", "Film", "split_of"]

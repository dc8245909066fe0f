"""Sums of weights over films, for many weightings at once, by sparse products.

A dense product would be shared out to all processors by the library behind numpy. Resamples are
measured in threads already: two kinds of threads wait for each other longer than they add.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import sparse

__all__ = ["added", "adder", "matrix_of", "run_up", "weighted_sums"]

_WIDE = 32  # replicates from which on a row is worth a step of its own


def weighted_sums(weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Weights times columns, over the films.

    Args:
        weights: how often each film counts, shape (replicates, films).
        columns: numbers or bool, shape (films,) or (films, columns).

    Returns:
        float64 of shape (replicates,) or (replicates, columns).
    """
    columns = np.asarray(columns)
    found = added(matrix_of(columns), weights)
    return found[0] if columns.ndim == 1 else found.T


def matrix_of(columns: np.ndarray) -> sparse.csr_matrix:
    """Matrix for `added` that makes weighted sums of columns, shape (films,) or (films, sums)."""
    columns = np.asarray(columns)
    return sparse.csr_matrix(columns[None] if columns.ndim == 1 else columns.T, dtype=np.float64)


def adder(
    step: np.ndarray, films: np.ndarray, steps: int, of: int, shares: np.ndarray | None = None
) -> sparse.csr_matrix:
    """Matrix that adds up the weights of the films of each step.

    Args:
        step: of each entry, 0..steps - 1, ascending.
        films: of each entry, 0..of - 1; a film may stand in several entries.
        steps, of: how many there are.
        shares: how much of a film's weight each entry adds; all of it by default.
    """
    begins = np.searchsorted(step, np.arange(steps + 1))
    values = np.ones(len(films)) if shares is None else shares
    return sparse.csr_matrix((values, films, begins), shape=(steps, of))


def added(matrix: sparse.csr_matrix, weights: np.ndarray) -> np.ndarray:
    """Sums that a matrix of shape (sums, films) makes of weights, shape (sums, replicates)."""
    # resamples come with the weights of each film side by side: nothing is copied then
    found: np.ndarray = matrix @ np.ascontiguousarray(np.asarray(weights, np.float64).T)
    return found


def run_up(sums: np.ndarray) -> None:
    """Replace rows of shape (sums, replicates) by their running sums."""
    if sums.shape[1] < _WIDE:
        np.cumsum(sums, axis=0, out=sums)
        return
    for before, row in pairwise(sums):  # whole rows at once: numpy's own goes down each column
        row += before

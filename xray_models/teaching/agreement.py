"""Agreement of several readers beyond chance: Fleiss' kappa."""

from __future__ import annotations

import numpy as np

from xray_models.evaluate.metrics.bootstrap import Estimate, bootstrap
from xray_models.evaluate.metrics.counts import ratio

__all__ = ["counts_of", "fleiss_kappa"]


def fleiss_kappa(counts: np.ndarray) -> Estimate:
    """Fleiss' kappa (1971, doi 10.1037/h0031619) with its bootstrap interval over films.

    Args:
        counts: how many readers chose each answer, int of shape (films, answers); every film has
            as many readers.

    Raises:
        ValueError: films differ in their readers, or there are fewer than two.
    """
    counts = np.asarray(counts, np.float64)
    readers = counts.sum(axis=1)
    if not len(counts) or (readers != readers[0]).any() or readers[0] < 2:
        raise ValueError("Fleiss' kappa needs films that all have the same two or more readers.")
    n = readers[0]
    agreed = ((counts**2).sum(axis=1) - n) / (n * (n - 1))

    def measure(weights: np.ndarray) -> np.ndarray:
        films = weights.sum(axis=1)
        shares = weights @ counts / (films * n)[:, None]
        by_chance = (shares**2).sum(axis=1)
        return ratio(weights @ agreed / films - by_chance, 1 - by_chance)

    return bootstrap(measure, np.arange(len(counts)))


def counts_of(answers: np.ndarray, choices: int) -> np.ndarray:
    """Counts of each answer on each film.

    Args:
        answers: of each reader on each film, int in 0..choices - 1, shape (readers, films).
        choices: how many answers there are.
    """
    answers = np.asarray(answers)
    return np.stack([(answers == one).sum(axis=0) for one in range(choices)], axis=1)

"""Simulated readers, whose true ROC curve and kappa are known exactly.

A reader sees a normal number on each film, with another mean where the finding is, and says 1 to 5
by four limits (the binormal model of Green & Swets).
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

LIMITS = np.array([-0.6, 0.1, 0.8, 1.5])
YES = 1  # limit from which on a rating, 3 or more, is yes


@dataclass(frozen=True)
class Reader:
    """Reader who tells films apart by `skill` standard deviations."""

    skill: float

    def shares(self, positive):
        """True share of each of the five ratings."""
        edges = norm.cdf(LIMITS - (self.skill if positive else 0.0))
        return np.diff(np.concatenate([[0], edges, [1]]))

    @property
    def auc(self):
        """True AUC of the ratings: a tie counts half."""
        found, spared = self.shares(True), self.shares(False)
        return float(found @ (np.cumsum(spared) - spared / 2))

    def kappa(self, prevalence):
        """True kappa of yes and no with the truth."""
        hit = self.shares(True)[YES + 1 :].sum()
        alarm = self.shares(False)[YES + 1 :].sum()
        yes = prevalence * hit + (1 - prevalence) * alarm
        agreed = prevalence * hit + (1 - prevalence) * (1 - alarm)
        by_chance = prevalence * yes + (1 - prevalence) * (1 - yes)
        return (agreed - by_chance) / (1 - by_chance)

    def ratings(self, truth, random):
        """Ratings of films, 1 to 5."""
        seen = random.normal(size=len(truth)) + self.skill * np.asarray(truth)
        return 1 + np.searchsorted(LIMITS, seen)

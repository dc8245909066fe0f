"""Tally of a run, row by row: parts, decisions, failures, and how scores lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from xray_models.batch.results import POSITIVE, SET_ASIDE, Row
from xray_models.catalogue import CANNOT_TELL

__all__ = ["BINS", "MOST_FAILURES", "FindingCounts", "Tally", "tally"]

BINS = 40
MOST_FAILURES = 1000
"""Failures kept by name; the others are counted."""


@dataclass
class FindingCounts:
    """Counts of one label of one model over all films that the model read.

    Attributes:
        films: how many it read.
        positive: how many of them it called positive.
        aside: how many of them are of patients that it was not made for: none of these is called.
        unsure: of how many it cannot tell.
        threshold: operating point.
        histogram: films by probability, in `BINS` equal bins from 0 to 1.
    """

    threshold: float
    films: int = 0
    positive: int = 0
    aside: int = 0
    unsure: int = 0
    histogram: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))

    @property
    def judged(self) -> int:
        """Films that it called positive or negative."""
        return self.films - self.aside


@dataclass
class Tally:
    """Tally of a run.

    Attributes:
        files: how many.
        failed: how many could not be read.
        failures: name and reason of the first of them.
        parts: films by body part; "" where the detector abstained.
        findings: by (model, label).
    """

    files: int = 0
    failed: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    parts: Counter[str] = field(default_factory=Counter)
    findings: dict[tuple[str, str], FindingCounts] = field(default_factory=dict)


def tally(rows: Iterable[Row]) -> Tally:
    """Count rows, those of a file standing together; memory does not grow with their number."""
    found, last = Tally(), None
    for row in rows:
        if row.identity != last:
            last = row.identity
            found.files += 1
            if row.error:
                found.failed += 1
                if len(found.failures) < MOST_FAILURES:
                    found.failures.append((row.file, row.error))
            else:
                found.parts[" or ".join(filter(None, (row.part, row.also)))] += 1
        if row.probability is not None and row.threshold is not None:
            one = found.findings.setdefault((row.model, row.label), FindingCounts(row.threshold))
            one.films += 1
            one.positive += row.decision == POSITIVE
            one.aside += row.decision == SET_ASIDE
            one.unsure += row.answer == CANNOT_TELL
            one.histogram[min(BINS - 1, int(row.probability * BINS))] += 1
    return found

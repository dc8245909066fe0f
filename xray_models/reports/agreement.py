"""Agreement of a labeler with what is known of the same reports: precision, recall and F1."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Agreement", "agreement", "half", "micro"]


@dataclass(frozen=True)
class Agreement:
    """Counts of a finding over reports.

    Attributes:
        finding: its name.
        both: reports in which labeler and truth have it.
        labeler_only, truth_only: reports in which one of them has it.
    """

    finding: str
    both: int
    labeler_only: int
    truth_only: int

    @property
    def precision(self) -> float:
        """Share of the labeler's reports that have the finding; 0 without any."""
        return _share(self.both, self.both + self.labeler_only)

    @property
    def recall(self) -> float:
        """Share of the reports with the finding that the labeler calls; 0 without any."""
        return _share(self.both, self.both + self.truth_only)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _share(2 * self.both, 2 * self.both + self.labeler_only + self.truth_only)


def agreement(
    pairs: Iterable[tuple[set[str], set[str]]], findings: Sequence[str]
) -> list[Agreement]:
    """Agreement for each finding.

    Args:
        pairs: (findings by the labeler, findings in truth) of each report.
        findings: those to compare.
    """
    both, labeler, truth = (dict.fromkeys(findings, 0) for _ in range(3))
    for called, known in pairs:
        for finding in findings:
            both[finding] += finding in called and finding in known
            labeler[finding] += finding in called and finding not in known
            truth[finding] += finding not in called and finding in known
    return [Agreement(name, both[name], labeler[name], truth[name]) for name in findings]


def micro(found: Iterable[Agreement]) -> Agreement:
    """Sum over findings, whose F1 is the micro-F1."""
    rows = list(found)
    return Agreement(
        "all",
        sum(row.both for row in rows),
        sum(row.labeler_only for row in rows),
        sum(row.truth_only for row in rows),
    )


def half(report: str) -> str:
    """Half that a report belongs to by its id, the same on every machine: "tuning" or "test"."""
    return "tuning" if hashlib.sha256(report.encode()).digest()[0] < 128 else "test"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0

"""Batch of films, as a visitor's session holds it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from xray_models.batch.results import Row
    from xray_models.batch.score import Plan, Scored
    from xray_models.batch.sources import Sources

__all__ = ["Batch"]


@dataclass
class Batch:
    """Batch: films to score, and what came of them so far.

    Attributes:
        films: the files.
        plan: which models.
        total: how many files there are.
        scored: results, in the order of the files.
        running: whether there is more to do and nobody stopped it.
        seconds: spent on them.
        problem: why it ended early, as a sentence.
        key: new with every batch.
    """

    films: Sources
    plan: Plan
    total: int
    truth: pd.DataFrame | None = None
    scored: list[Scored] = field(default_factory=list)
    running: bool = True
    seconds: float = 0.0
    problem: str = ""
    key: float = field(default_factory=time.time)

    @property
    def rows(self) -> list[Row]:
        """Rows of the results, one per file and finding."""
        from xray_models.batch import results

        return [row for one in self.scored for row in results.rows(one)]

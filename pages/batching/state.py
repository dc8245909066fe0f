"""Batch of films, as the server holds it: what to score, what came of it, how well it did."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from pages.batching.scoring import Scoring
    from xray_models.batch.results import Row
    from xray_models.batch.score import Plan, Scored
    from xray_models.batch.sources import Sources
    from xray_models.batch.verdict import Verdict
    from xray_models.evaluate.analysis import ModelAnalysis
    from xray_models.evaluate.performance import Performance

__all__ = ["Batch", "Judged"]


@dataclass(frozen=True)
class Judged:
    """Comparison of the results with the truth.

    Attributes:
        analyses: model -> how good it is on the films that it read.
        over_all: all films, whichever model read them.
        performance: a row per model and finding.
        at: when, in seconds; new with every comparison.
    """

    analyses: dict[str, ModelAnalysis]
    over_all: Verdict
    performance: list[Performance]
    at: float = field(default_factory=time.time)


@dataclass
class Batch:
    """Batch: films to score, and what came of them so far.

    Attributes:
        films: the files.
        plan: which models.
        total: how many files there are.
        truth: table of it, if it was given.
        bytes: of the uploads that the batch holds in memory.
        scored: results, in the order of the files.
        seconds: spent on them.
        problem: why it ended early, as a sentence.
        columns: label -> column of its truth, as confirmed last.
        judged: the comparison with the truth, once confirmed.
        key: new with every batch.
        looked: when somebody last looked at it, by `time.monotonic`.
    """

    films: Sources
    plan: Plan
    total: int
    truth: pd.DataFrame | None = None
    bytes: int = 0
    scored: list[Scored] = field(default_factory=list)
    seconds: float = 0.0
    problem: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    judged: Judged | None = None
    key: float = field(default_factory=time.time)
    looked: float = field(default_factory=time.monotonic)
    _scoring: Scoring | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        """Whether films are being scored now."""
        return self._scoring is not None and self._scoring.alive

    @property
    def stopping(self) -> bool:
        """Whether it is running and about to stop."""
        return self.running and self._scoring is not None and not self._scoring.wanted

    @property
    def rows(self) -> list[Row]:
        """Rows of the results, one per file and finding."""
        from xray_models.batch import results

        return [row for one in list(self.scored) for row in results.rows(one)]

    def start(self) -> None:
        """Score what is left, in a thread of its own."""
        from pages.batching.scoring import Scoring

        if not self.running:
            self.problem = ""
            self._scoring = Scoring(self)

    def stop(self) -> None:
        """Leave the rest undone, for now; the films in work are finished."""
        if self._scoring is not None:
            self._scoring.stop()

    def look(self) -> None:
        """Note that somebody looks at it."""
        self.looked = time.monotonic()

    def close(self) -> None:
        """Stop, and let go of the films."""
        if self._scoring is not None:
            self._scoring.stop()
            self._scoring.wait()
        self.films.close()
        self.scored.clear()
        self.judged = self.truth = None

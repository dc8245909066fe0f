"""What the stored figures say about one map, ready to be put into words."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd

from xray_models.evaluate.explanations import results_table
from xray_models.evaluate.explanations.localization import ARMS, EVERY
from xray_models.evaluate.explanations.results_table import GAP
from xray_models.evaluate.explanations.scoreboard import POINTING, SHARE
from xray_models.explain import MethodSpec

__all__ = ["Evidence", "Localization", "Measured", "evidence"]


@dataclass(frozen=True)
class Measured:
    """A stored figure of a method against a baseline, over held-out films.

    Attributes:
        value: of the method, higher is better.
        baseline: of what it is compared with, on the same films.
        gain_low, gain_high: interval of the difference (method minus baseline).
        films: measured on.
        seen: whether the weights were trained on these films.
        others: whether the films show other findings, and few or none the one that is asked about.
        mostly: of these the one that most films show; empty where none stands out.
    """

    value: float
    baseline: float
    gain_low: float
    gain_high: float
    films: int
    seen: bool = False
    others: bool = False
    mostly: str = ""

    @property
    def better(self) -> bool:
        """The whole interval of the difference lies above 0."""
        return self.gain_low > 0

    @property
    def worse(self) -> bool:
        """The whole interval of the difference lies below 0."""
        return self.gain_high < 0


@dataclass(frozen=True)
class Localization:
    """How a method's maps did against boxes that people drew, beside the finding's usual place.

    Attributes:
        pointing: films whose hottest point lies in or beside a box.
        share: of the heat, inside the boxes.
    """

    pointing: Measured
    share: Measured


@dataclass(frozen=True)
class Evidence:
    """What is known about a map of one finding on one film.

    Attributes:
        localization: None where no boxes were there to measure with.
        faithfulness: insertion area minus deletion area, against a random map; None if unmeasured.
        positive: whether the finding's probability reaches its threshold on this film.
    """

    localization: Localization | None
    faithfulness: Measured | None
    positive: bool


def evidence(model: str, finding: str, spec: MethodSpec | str, positive: bool) -> Evidence:
    """The figures of a method for a finding of a model, as far as they were measured.

    Localization is by the hottest point and by the share of heat inside people's boxes, against the
    usual place (the mean box or the mean of the boxed areas, whichever does better): of the finding
    itself where it has films enough, else over every finding, which `Measured.others` says;
    of arms where they stand alone, because bone models are asked about arms. Faithfulness is
    insertion area minus deletion area against a random map, over all findings.

    Args:
        model: its id.
        finding: a label or combined finding.
        spec: method and layers, or their text; options and fusion do not count.
        positive: whether the finding's probability reaches its threshold on the film.

    Raises:
        MethodTableError: a stored table cannot be used.
    """
    files = tuple(_state(results_table.path(model, kind)) for kind in results_table.KINDS)
    localization, faithfulness = _stored(model, finding, MethodSpec.of(spec).name, files)
    return Evidence(localization, faithfulness, positive)


def _state(file: Path) -> tuple[str, int]:
    """What tells a file that has changed from what was read of it."""
    return str(file), file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=4096)
def _stored(
    model: str, finding: str, method: str, files: tuple[tuple[str, int], ...]
) -> tuple[Localization | None, Measured | None]:
    """What the tables hold, as long as the files stay as they are: a page asks for every label."""
    pointings, shares, uses = _rows(model, method, files)
    pointing, share = _of_finding(pointings, finding), _of_finding(shares, finding)
    return Localization(pointing, share) if pointing and share else None, uses


@lru_cache(maxsize=64)
def _rows(
    model: str,
    method: str,
    files: tuple[tuple[str, int], ...],  # noqa: ARG001 - it tells the caches apart
) -> tuple[list[Any], list[Any], Measured | None]:
    """Rows of a method: pointing and share of each finding, and the faithfulness over all."""
    places = results_table.load(model, "localization")
    uses = _of(results_table.load(model, "faithfulness"), method, GAP)
    return (
        _of(places, method, POINTING),
        _of(places, method, SHARE),
        _measured(sorted(uses, key=attrgetter("films"))),
    )


def _of_finding(places: list[Any], finding: str) -> Measured | None:
    own = [row for row in places if row.label == finding]
    own.sort(key=lambda row: (row.data.endswith(ARMS), row.films))
    return _measured(own) or _of_others(places)


def _of_others(places: list[Any]) -> Measured | None:
    """The figure over every finding, with the one that more than half of its films show."""
    together = sorted((row for row in places if row.label == EVERY), key=attrgetter("films"))
    found = _measured(together)
    if found is None:
        return None
    data = together[-1].data
    most = [
        row.label
        for row in places
        if row.label != EVERY and row.data == data and row.films > found.films / 2
    ]
    return replace(found, others=True, mostly=most[-1] if most else "")


def _of(table: pd.DataFrame, method: str, measure: str) -> list[Any]:
    rows = table[(table["method"] == method) & (table["measure"] == measure)]
    return list(rows.itertuples(index=False))


def _measured(rows: list[Any]) -> Measured | None:
    """The last row that was held against its baseline."""
    held = [row for row in rows if not math.isnan(row.gain)]
    if not held:
        return None
    best = held[-1]
    return Measured(
        value=float(best.value),
        baseline=float(best.value - best.gain),
        gain_low=float(best.gain_low),
        gain_high=float(best.gain_high),
        films=int(best.films),
        seen=bool(best.seen),
    )

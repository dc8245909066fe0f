"""What a model's maps are worth, method by method: everything that was measured, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from xray_models.evaluate.explanations import results_table, sanity_table
from xray_models.evaluate.explanations.results_table import GAP
from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.explain import METHODS, MethodSpec

__all__ = [
    "PLACES",
    "POINTING",
    "SCRAMBLED",
    "SHARE",
    "SHUFFLED",
    "USES",
    "Films",
    "Worth",
    "films",
    "spec_of",
    "worth",
]

POINTING, SHARE = "pointing game", "energy in box"
PLACES = (POINTING, SHARE, "AUPRC")
"""Measures of the map against boxes that people drew."""

USES = (GAP, "MuFidelity", "stability")
"""Measures of what the model makes of what is hot."""

SCRAMBLED, SHUFFLED = "all weights scrambled", "labels shuffled"
"""Rank correlation of the map with that of a spoiled network: a map of the model's loses it."""


@dataclass(frozen=True)
class Films:
    """Films with boxes.

    Attributes:
        data: which collection.
        label: the finding that was explained.
        count: how many.
        seen: whether the explained network had been trained on them.
    """

    data: str
    label: str
    count: int
    seen: bool


@dataclass(frozen=True)
class Worth:
    """The measured worth of one kind of map.

    Attributes:
        name: METHOD or METHOD@LAYER of `xray_models.explain`, or a baseline that sees no film.
        spec: the method and its layers; None for a baseline.
        figures: measure -> mean over films with its interval; what was not measured is missing.
        films: measure -> how many films: slow methods were run on fewer.
    """

    name: str
    spec: MethodSpec | None
    figures: dict[str, Estimate]
    films: dict[str, int]

    @property
    def baseline(self) -> bool:
        """Whether the map is made without looking at the film."""
        return self.spec is None


def films(model: str) -> list[Films]:
    """The films with boxes that a model's maps were compared on, most of them first.

    Raises:
        MethodTableError: the stored table cannot be used.
    """
    table = results_table.load(model, "localization")
    found = table.groupby(["data", "label"], sort=False)[["films", "seen"]].max().reset_index()
    return sorted(
        (Films(row.data, row.label, int(row.films), bool(row.seen)) for row in found.itertuples()),
        key=lambda one: -one.count,
    )


def worth(model: str, on: Films | None) -> list[Worth]:
    """Worth of every kind of map that was measured, best first; then the baselines.

    Args:
        model: its id.
        on: the films with boxes; None for what needs no boxes.

    Raises:
        ValueError: a stored table cannot be used.
    """
    figures: dict[str, dict[str, Estimate]] = {}
    counts: dict[str, dict[str, int]] = {}
    places = results_table.load(model, "localization")
    if on is not None:
        places = places[(places["data"] == on.data) & (places["label"] == on.label)]
        _take(figures, counts, places, PLACES)
    _take(figures, counts, results_table.load(model, "faithfulness"), USES)
    for method, rows in sanity_table.load(model).groupby("method"):
        for check, name in (("weights", SCRAMBLED), ("labels", SHUFFLED)):
            of_check = rows[rows["check"] == check].sort_values("stage")
            if len(of_check):
                left = float(of_check["correlation"].iloc[-1])
                figures.setdefault(str(method), {})[name] = Estimate(
                    left, float("nan"), float("nan")
                )
    found = [
        Worth(method, spec_of(method), figure, counts.get(method, {}))
        for method, figure in figures.items()
    ]
    return sorted(found, key=lambda one: (one.baseline, *(-_rank(one, name) for name in _ORDER)))


def spec_of(name: str) -> MethodSpec | None:
    """The method and layers that a stored name stands for; None for a baseline."""
    spec = MethodSpec.parse(name)
    return spec if spec.method in METHODS else None


_ORDER = (POINTING, GAP, SCRAMBLED)


def _rank(one: Worth, measure: str) -> float:
    value = one.figures[measure].value if measure in one.figures else float("nan")
    return -1.0 if value != value else value


def _take(
    figures: dict[str, dict[str, Estimate]],
    counts: dict[str, dict[str, int]],
    table: pd.DataFrame,
    measures: tuple[str, ...],
) -> None:
    for row in table[table["measure"].isin(measures) & (table["rule"] == "")].itertuples():
        figures.setdefault(row.method, {})[row.measure] = Estimate(row.value, row.low, row.high)
        counts.setdefault(row.method, {})[row.measure] = int(row.films)

"""Stored figures of explanation methods, a row each: assets/localisation and assets/faithfulness.

Columns:

- data, label: which films, and which finding was explained.
- seen: whether the network that was explained had been trained on these films.
- method: of `xray_models.explain`, or a baseline that looks at no film.
- rule: how boxes were cut from heat; empty for figures of the map itself.
- measure, value, low, high: mean over films, with its 95 % bootstrap interval over groups.
- gain, gain_low, gain_high: mean difference from the baseline on the same films, with its interval;
  for localization the better of mean box and usual place, measure by measure. Empty where the
  baseline was not measured on these films.
- films, groups: how many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from xray_models.catalogue import folder_of
from xray_models.evaluate.metrics import weighted
from xray_models.evaluate.metrics.bootstrap import REPLICATES, SEED, bootstraps

__all__ = [
    "COLUMNS",
    "EVERY",
    "GAP",
    "KINDS",
    "MethodFigure",
    "MethodTableError",
    "load",
    "path",
    "save",
    "save_if_more",
    "stacked",
    "summarize",
]

KINDS = {"localization": "localisation", "faithfulness": "faithfulness"}
"""Kind of figures -> the folder of their tables under assets/."""

EVERY = "every finding"
"""Label of figures over the films of all findings together."""

GAP = "insertion minus deletion"
"""The measure that sums the curves of faithfulness up: higher is better."""


class MethodTableError(ValueError):
    """A stored table of figures is malformed; the message names the file."""


@dataclass(frozen=True)
class MethodFigure:
    """A row of the table; see the top of the file for the columns."""

    data: str
    label: str
    seen: bool
    method: str
    rule: str
    measure: str
    value: float
    low: float
    high: float
    gain: float
    gain_low: float
    gain_high: float
    films: int
    groups: int


COLUMNS = tuple(field.name for field in fields(MethodFigure))
_NUMBERS = ("value", "low", "high", "gain", "gain_low", "gain_high")
_KEY = ["data", "label", "method"]


def path(model: str, kind: str) -> Path:
    """Where a model's figures of a kind ("localization" or "faithfulness") lie."""
    return folder_of(model) / KINDS[kind] / f"{model}.csv"


def load(model: str, kind: str) -> pd.DataFrame:
    """A model's stored figures; no rows where none were measured.

    Args:
        model: its id.
        kind: one of `KINDS`.

    Returns:
        The columns above: bool in `seen`, int in `films` and `groups`, float64 in the figures, str
        elsewhere.

    Raises:
        ValueError: no such kind.
        MethodTableError: the file cannot be read, or lacks a column.
    """
    if kind not in KINDS:
        raise ValueError(f"No figures of kind {kind!r} are stored. Kinds: {', '.join(KINDS)}.")
    file = path(model, kind)
    if not file.is_file():
        return pd.DataFrame(columns=list(COLUMNS))
    return _read(file, kind, file.stat().st_mtime_ns).copy()


@lru_cache(maxsize=4)  # a report and a page ask for the same one again and again
def _read(file: Path, kind: str, _changed: int) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            file,
            dtype=dict.fromkeys(COLUMNS, str) | dict.fromkeys(_NUMBERS, np.float64),
            keep_default_na=False,
            na_values=dict.fromkeys(_NUMBERS, ""),
        )
        if missing := [name for name in COLUMNS if name not in table.columns]:
            raise ValueError(f"missing column(s) {', '.join(missing)}")
        for name in ("films", "groups"):
            table[name] = table[name].astype(int)
    except (OSError, ValueError) as error:
        raise MethodTableError(
            f"{file}: cannot be used ({error}). Run `python -m xray_models measure {kind}` again."
        ) from error
    table["seen"] = table["seen"] == "True"
    return table[list(COLUMNS)]


def save(model: str, kind: str, figures: Sequence[MethodFigure]) -> Path:
    """Write figures to a model's table, in place of those of the same films, label and method.

    Args:
        model: its id.
        kind: one of `KINDS`.
        figures: to write; what other methods left in the file stays.

    Returns:
        The file.
    """
    new = pd.DataFrame([asdict(figure) for figure in figures], columns=list(COLUMNS))
    old = load(model, kind)
    replaced = set(zip(*(new[name] for name in _KEY), strict=True))
    stays = [key not in replaced for key in zip(*(old[name] for name in _KEY), strict=True)]
    tables = [table for table in (old[np.array(stays, bool)], new) if len(table)]
    file = path(model, kind)
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(tables or [new]).to_csv(file, index=False, float_format="%.4f", lineterminator="\n")
    return file


def save_if_more(model: str, kind: str, figures: Sequence[MethodFigure]) -> None:
    """`save`, unless what is stored of these methods was measured on more films.

    For baselines: they are measured again with every method, and for slow ones few films do.
    """
    stored = load(model, kind)
    of_same = stored[stored["method"].isin({row.method for row in figures})]
    if not len(of_same) or max(row.films for row in figures) >= of_same["films"].max():
        save(model, kind, figures)


def summarize(
    values: Mapping[tuple[str, str], np.ndarray],
    baseline: Mapping[tuple[str, str], np.ndarray],
    groups: np.ndarray,
    *,
    data: str,
    label: str,
    seen: bool,
    method: str,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> list[MethodFigure]:
    """Means over films and their differences from a baseline, with intervals over groups.

    Args:
        values: (rule, measure) -> one value per film, float64 of shape (films,).
        baseline: the same of the baseline, on the same films.
        groups: of the films, (films,).
        data, label, seen, method: for the rows.
        replicates: resamples of the groups.
        seed: of the resampling.

    Raises:
        ValueError: there are no films.
    """
    keys = list(values)
    own = np.stack([values[key] for key in keys])
    gain = own - np.stack([baseline[key] for key in keys])

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        found = {f"value {i}": weighted.mean(weights, row) for i, row in enumerate(own)}
        return found | {f"gain {i}": weighted.mean(weights, row) for i, row in enumerate(gain)}

    estimates = bootstraps(measure, groups, replicates, seed)
    rows = []
    for i, (rule, name) in enumerate(keys):
        mean, over = estimates[f"value {i}"], estimates[f"gain {i}"]
        row = MethodFigure(
            data=data,
            label=label,
            seen=seen,
            method=method,
            rule=rule,
            measure=name,
            value=mean.value,
            low=mean.low,
            high=mean.high,
            gain=over.value,
            gain_low=over.low,
            gain_high=over.high,
            films=len(groups),
            groups=len(np.unique(groups)),
        )
        rows.append(row)
    return rows


def stacked(films: Iterable[Mapping[tuple[str, str], float]]) -> dict[tuple[str, str], np.ndarray]:
    """Values of several films, key by key: float64 of shape (films,)."""
    films = list(films)
    return {key: np.array([film[key] for film in films], np.float64) for key in films[0]}

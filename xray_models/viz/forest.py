"""Forest plots: values with their intervals, of subgroups and of what others have published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.evaluate.references import Reference
from xray_models.evaluate.subgroups import Subgroup
from xray_models.number_text import bounds, spoken
from xray_models.viz.plotly_text import escaped
from xray_models.viz.theme import MODEL, OTHER, QUIET, SYMBOLS, Plot, laid_out

__all__ = ["Beside", "literature", "subgroups"]

_ROW = 30


def subgroups(found: Sequence[Subgroup], whole: Estimate) -> Plot:
    """Forest plot of the AUC of every subgroup; a filled square where it differs from the rest.

    Args:
        found: subgroups, of one or more columns.
        whole: AUC on all films.
    """
    rows = [escaped(f"{one.column}: {one.value or 'not known'} ({one.films:,})") for one in found]
    figure = go.Figure()
    for differs, color, symbol, name in (
        (False, MODEL, "circle", "like the others"),
        (True, OTHER, "square", "differs from the others"),
    ):
        _dots(
            figure,
            [row for row, one in zip(rows, found, strict=True) if one.differs == differs],
            [one.auc for one in found if one.differs == differs],
            color,
            symbol,
            name,
        )
    if not np.isnan(whole.value):
        figure.add_vline(x=whole.value, line={"color": QUIET, "dash": "dot", "width": 1.5})
    _laid_out(figure, rows, "AUC; dotted: all films")
    data = partial(
        pd.DataFrame,
        {
            "column": [one.column for one in found],
            "value": [one.value for one in found],
            "films": [one.films for one in found],
            "with the finding": [one.positives for one in found],
            **_columns("AUC", [one.auc for one in found]),
            **_columns("difference", [one.difference for one in found]),
            "notes": [" ".join(one.notes) for one in found],
        },
    )
    message = "; ".join(
        f"{one.column} {one.value or 'not known'} {spoken(one.auc.value)}" for one in found
    )
    return Plot("subgroups", figure, data, f"AUC by subgroup. {message}.")


@dataclass(frozen=True)
class Beside:
    """A figure of ours beside those that others have published of the same name."""

    name: str
    own: Estimate
    published: tuple[Reference, ...]


def literature(found: Sequence[Beside]) -> Plot:
    """Forest plot of our figures with published ones, open diamonds, because of other data."""
    rows = [one.name for one in found]
    figure = go.Figure()
    measured = [one for one in found if not np.isnan(one.own.value)]
    _dots(
        figure,
        [one.name for one in measured],
        [one.own for one in measured],
        MODEL,
        "circle",
        "measured here",
    )
    sources = list(dict.fromkeys(ref.source for one in found for ref in one.published))
    for place, source in enumerate(sources):
        points = [(one.name, ref) for one in found for ref in one.published if ref.source == source]
        figure.add_scatter(
            x=[ref.value for _, ref in points],
            y=[name for name, _ in points],
            mode="markers",
            marker={
                "symbol": f"{('diamond', *SYMBOLS[1:])[place % 5]}-open",
                "size": 10,
                "color": OTHER if place % 2 == 0 else QUIET,
                "line": {"width": 2},
            },
            name=f"{source.split(',')[0]} (other data)",
            hovertemplate=f"{source}<br>%{{x:.3f}}, other data<extra></extra>",
        )
    _laid_out(figure, rows, "figure as published, or as measured here")
    data = partial(
        pd.DataFrame,
        [
            (one.name, "this model", one.own.value, one.own.low, one.own.high, "", "")
            for one in found
        ]
        + [
            (one.name, ref.source, ref.value, None, None, ref.other_data, ref.url)
            for one in found
            for ref in one.published
        ],
        columns=["figure", "source", "value", "low", "high", "other data", "url"],
    )
    message = "; ".join(
        f"{one.name}: here {spoken(one.own.value)}, published "
        + ", ".join(spoken(ref.value) for ref in one.published)
        for one in found
    )
    return Plot("literature", figure, data, f"Beside published figures, of other data. {message}.")


def _dots(
    figure: go.Figure,
    rows: list[str],
    estimates: list[Estimate],
    color: str,
    symbol: str,
    name: str,
) -> None:
    if not rows:
        return
    value, low, high = (
        np.array([getattr(one, side) for one in estimates]) for side in ("value", "low", "high")
    )
    figure.add_scatter(
        x=value,
        y=rows,
        mode="markers",
        marker={"size": 9, "symbol": symbol, "color": color},
        error_x={
            "array": np.nan_to_num(high - value),
            "arrayminus": np.nan_to_num(value - low),
            "thickness": 2,
            "width": 4,
        },
        name=name,
        customdata=[bounds(one) for one in estimates],
        hovertemplate="%{y}<br>%{x:.3f}, 95 % interval %{customdata}<extra></extra>",
    )


def _laid_out(figure: go.Figure, rows: list[str], x: str) -> None:
    laid_out(
        figure,
        x,
        "",
        height=_ROW * len(rows) + 110,
        xaxis={"zeroline": False, "tickformat": ".2f"},
        yaxis={
            "categoryorder": "array",
            "categoryarray": rows,
            "autorange": "reversed",
            "automargin": True,
            "title": None,
        },
        showlegend=True,
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"},
        margin={"l": 8, "r": 16, "t": 40, "b": 48},
    )


def _columns(name: str, estimates: list[Estimate]) -> dict[str, list[float]]:
    return {
        name: [one.value for one in estimates],
        f"{name} low": [one.low for one in estimates],
        f"{name} high": [one.high for one in estimates],
    }

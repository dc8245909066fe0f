"""Figures of the scores: their spread, their calibration, the worth of acting on them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from xray_models.evaluate.metrics.calibration import Reliability
from xray_models.evaluate.metrics.decision_curve import DecisionCurve
from xray_models.evaluate.metrics.histogram import Distribution
from xray_models.number_text import spoken
from xray_models.viz.plotly_text import escaped
from xray_models.viz.theme import MODEL, OTHER, QUIET, Plot, faded, laid_out, unit_axis

__all__ = ["calibration", "decision", "distribution"]

_LEGEND_ABOVE = {
    "orientation": "h",
    "x": 0,
    "y": 1.0,
    "yanchor": "bottom",
    "font": {"size": 11},
    "bgcolor": "rgba(0,0,0,0)",
}


def distribution(found: Distribution, label: str) -> Plot:
    """Histograms of the scores of films with a finding and without.

    Shares of each kind, not films: else the more common kind would hide the other.
    """
    middle = (found.edges[1:] + found.edges[:-1]) / 2
    figure = go.Figure()
    # one kind upwards, one downwards: two colors over each other would need a third
    for name, films, color, side in (
        (f"with {escaped(label)}", found.positive, OTHER, 1),
        ("without", found.negative, QUIET, -1),
    ):
        share = films / max(int(films.sum()), 1)
        figure.add_bar(
            x=middle,
            y=(side * share).round(5),
            width=found.edges[1:] - found.edges[:-1],
            name=name,
            marker={"color": color, "line": {"width": 0}},
            customdata=films,
            hovertemplate=f"%{{customdata:,}} films {name}<br>score about %{{x:.3f}}"
            "<extra></extra>",
        )
    top = found.edges[-1]
    laid_out(
        figure,
        "score (probability)",
        "share of the films",
        height=240,
        barmode="relative",
        bargap=0,
        xaxis={"range": [-0.01 * top, 1.01 * top], "zeroline": False, "automargin": False},
        yaxis={"showticklabels": False, "zeroline": True, "automargin": False},
        legend=_LEGEND_ABOVE,
        margin={"l": 36, "r": 12, "t": 36, "b": 44},
        uirevision="distribution",
    )
    data = partial(
        pd.DataFrame,
        {
            "score from": found.edges[:-1],
            "score to": found.edges[1:],
            f"films with {label}": found.positive,
            "films without": found.negative,
        },
    )
    return Plot(
        "scores",
        figure,
        data,
        f"Spread of the scores of films with {label} (upwards) and without (downwards).",
    )


def decision(found: DecisionCurve) -> Plot:
    """Figure of the decision curve."""
    figure = go.Figure()
    for name, values, line in (
        ("by the model", found.model, {"color": MODEL, "width": 2.2}),
        ("on all films", found.treat_all, {"color": QUIET, "dash": "dash", "width": 1.6}),
        ("on none", found.treat_none, {"color": QUIET, "dash": "dot", "width": 1.6}),
    ):
        figure.add_scatter(
            x=found.threshold,
            y=values.round(5),
            mode="lines",
            line=line,
            name=name,
            hovertemplate=f"{name}<br>threshold %{{x:.2f}}<br>net benefit %{{y:.3f}}"
            "<extra></extra>",
        )
    best = float(np.nanmax(np.append(found.treat_all[:1], [0.01, *found.model])))
    laid_out(
        figure,
        "threshold probability",
        "net benefit per film",
        height=240,
        xaxis=unit_axis(automargin=False),
        yaxis={"range": [-0.25 * best, 1.1 * best], "zeroline": False, "automargin": False},
        legend=_LEGEND_ABOVE,
        margin={"l": 56, "r": 12, "t": 36, "b": 44},
        uirevision="decision",
    )
    data = partial(
        pd.DataFrame,
        {
            "threshold": found.threshold,
            "act on the model": found.model,
            "act on every film": found.treat_all,
            "act on none": found.treat_none,
        },
    )
    return Plot(
        "decision-curve", figure, data, "Decision curve: net benefit against the threshold."
    )


def calibration(found: Reliability, spread: Distribution) -> Plot:
    """Figure of the calibration curve above the histogram of the scores.

    Args:
        found: the curve, in whatever bins.
        spread: of the scores, in bins of equal width from 0 to the end of the axis.
    """
    top = float(spread.edges[-1])
    whole = unit_axis() if top == 1 else {"range": [-0.02 * top, 1.02 * top], "zeroline": False}
    some = found.films > 0
    figure = go.Figure()
    figure.add_scatter(
        x=[0, top],
        y=[0, top],
        mode="lines",
        line={"color": QUIET, "dash": "dot", "width": 1.5},
        name="perfect",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=found.score[some].round(5),
        y=found.share[some].round(5),
        mode="lines+markers",
        line={"color": MODEL, "width": 2},
        marker={"size": 8},
        error_y={
            "array": (found.high - found.share)[some].round(5),
            "arrayminus": (found.share - found.low)[some].round(5),
            "thickness": 1.2,
            "width": 3,
        },
        name="this model",
        customdata=found.films[some],
        hovertemplate="mean score %{x:.3f}<br>%{y:.3f} of %{customdata:,} films have it"
        "<extra></extra>",
    )
    figure.add_bar(
        x=(spread.edges[1:] + spread.edges[:-1]) / 2,
        y=spread.positive + spread.negative,
        width=spread.edges[1:] - spread.edges[:-1],
        marker={"color": faded(QUIET, 0.55)},
        name="films",
        yaxis="y2",
        showlegend=False,
        hovertemplate="%{y:,} films<extra></extra>",
    )
    laid_out(
        figure,
        "score (probability)",
        "share that has it",
        height=400,
        xaxis=whole | {"anchor": "y2"},
        yaxis=unit_axis(domain=[0.28, 1]) if top == 1 else {"domain": [0.28, 1], "zeroline": False},
        yaxis2={"domain": [0, 0.22], "title": {"text": "films"}, "nticks": 3, "zeroline": False},
        legend={"x": 0.02, "y": 0.99, "bgcolor": "rgba(0,0,0,0)", "font": {"size": 11}},
    )
    data = partial(
        pd.DataFrame,
        {
            "score from": found.edges[:-1],
            "score to": found.edges[1:],
            "films": found.films,
            "mean score": found.score,
            "share that has it": found.share,
            "low": found.low,
            "high": found.high,
        },
    )
    return Plot(
        "calibration",
        figure,
        data,
        "Calibration curve: share of films that have the finding against their mean score. "
        f"Expected calibration error {spoken(found.error)}, Brier score {spoken(found.brier)}.",
    )

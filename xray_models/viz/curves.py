"""ROC and precision-recall curves with their bands, operating point and published points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from xray_models.evaluate.metrics.curves import Band, Curve
from xray_models.evaluate.metrics.paired import Pair
from xray_models.number_text import spoken
from xray_models.viz.plotly_text import escaped
from xray_models.viz.theme import (
    DASHES,
    MODEL,
    QUIET,
    SERIES,
    Plot,
    faded,
    laid_out,
    unit_axis,
)

__all__ = ["overlaid", "precision_recall", "roc", "small_roc"]

_MOST_POINTS = 250
_LEGEND_INSIDE = {"bgcolor": "rgba(0,0,0,0)", "font": {"size": 11}}


def roc(
    curve: Curve,
    band: Band,
    published: Sequence[tuple[str, float, float]] = (),
) -> Plot:
    """Figure of the ROC curve.

    Args:
        curve: of `evaluate.curves.roc`.
        band: its bounds.
        published: (source, 1 - specificity, sensitivity) from the literature, of other data.
    """
    figure = _curve(curve, band, "1 − specificity", "sensitivity", f"AUC {spoken(curve.area)}")
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line=_NO_SKILL, name="no skill", hoverinfo="skip"
    )
    _published(figure, published)
    laid_out(
        figure,
        "1 − specificity",
        "sensitivity",
        xaxis=unit_axis(automargin=False),
        yaxis=unit_axis(automargin=False),
        legend=_LEGEND_INSIDE | {"x": 0.99, "y": 0.03, "xanchor": "right", "yanchor": "bottom"},
        uirevision="roc",
    )
    return Plot(
        "roc",
        figure,
        lambda: _data(curve, band, "1 - specificity", "sensitivity"),
        f"ROC curve: sensitivity against 1 minus specificity. AUC {spoken(curve.area)}.",
    )


def precision_recall(curve: Curve, band: Band) -> Plot:
    """Figure of the precision-recall curve."""
    area = f"average precision {spoken(curve.area)}"
    figure = _curve(curve, band, "sensitivity", "PPV", area)
    figure.add_scatter(
        x=[0, 1],
        y=[curve.no_skill] * 2,
        mode="lines",
        line=_NO_SKILL,
        name=f"no skill {spoken(curve.no_skill)}",
        hoverinfo="skip",
    )
    low = curve.no_skill < 0.5
    place = {"x": 0.99, "y": 0.99, "xanchor": "right", "yanchor": "top"}
    if not low or float(np.nan_to_num(curve.area)) > 0.5:
        place = {"x": 0.02, "y": 0.03, "xanchor": "left", "yanchor": "bottom"}
    laid_out(
        figure,
        "sensitivity (recall)",
        "PPV (precision)",
        xaxis=unit_axis(automargin=False),
        yaxis=unit_axis(automargin=False),
        legend=_LEGEND_INSIDE | place,
        uirevision="precision-recall",
    )
    return Plot(
        "precision-recall",
        figure,
        lambda: _data(curve, band, "recall", "precision"),
        f"Precision-recall curve: PPV against sensitivity, {area}; no skill gives "
        f"{spoken(curve.no_skill)}.",
    )


def small_roc(label: str, curve: Curve) -> go.Figure:
    """Small figure of a ROC curve without words, one of many."""
    thin = curve.thinned(80)
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=_NO_SKILL, hoverinfo="skip")
    figure.add_scatter(
        x=thin.x.round(4),
        y=thin.y.round(4),
        mode="lines",
        line={"color": MODEL, "width": 2},
        name=escaped(label),
        hovertemplate="sensitivity %{y:.3f}<br>specificity %{customdata:.3f}<extra></extra>",
        customdata=(1 - thin.x).round(4),
    )
    ticks = {"tickvals": [0, 1], "range": [-0.03, 1.03], "zeroline": False, "title": None}
    return laid_out(
        figure,
        "",
        "",
        height=150,
        showlegend=False,
        margin={"l": 18, "r": 6, "t": 6, "b": 20},
        xaxis=ticks,
        yaxis=ticks,
    )


def overlaid(films: Pair, curves: dict[str, Curve]) -> Plot:
    """Figure of the ROC curves of several models on the same films, by name."""
    figure = go.Figure()
    for place, (name, curve) in enumerate(curves.items()):
        thin = curve.thinned(_MOST_POINTS)
        figure.add_scatter(
            x=thin.x.round(4),
            y=thin.y.round(4),
            mode="lines",
            name=f"{escaped(name)}, AUC {spoken(curve.area)}",
            line={
                "color": SERIES[place % len(SERIES)],
                "dash": DASHES[place % len(DASHES)],
                "width": 2.2,
            },
            hovertemplate="sensitivity %{y:.3f}<br>1 − specificity %{x:.3f}",
        )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line=_NO_SKILL, name="no skill", hoverinfo="skip"
    )
    laid_out(
        figure,
        "1 − specificity",
        "sensitivity",
        height=420,
        xaxis=unit_axis(),
        yaxis=unit_axis(),
        legend=_LEGEND_INSIDE | {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        margin={"l": 56, "r": 12, "t": 70, "b": 48},
    )
    message = "; ".join(f"{name} {spoken(curve.area)}" for name, curve in curves.items())
    return Plot(
        "comparison",
        figure,
        lambda: _together(curves),
        f"ROC curves of {len(curves)} models on the same {len(films.truth):,} films. "
        f"AUC: {message}.",
    )


_NO_SKILL = {"color": QUIET, "dash": "dot", "width": 1.5}


def _curve(curve: Curve, band: Band, x: str, y: str, name: str) -> go.Figure:
    figure = go.Figure()
    if np.isfinite(band.low).any():
        figure.add_scatter(
            x=band.x,
            y=band.high.round(4),
            mode="lines",
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=band.x,
            y=band.low.round(4),
            mode="lines",
            line={"width": 0},
            fill="tonexty",
            fillcolor=faded(MODEL, 0.22),
            name="95 % band",
            hoverinfo="skip",
        )
    thin = curve.thinned(_MOST_POINTS)
    figure.add_scatter(
        x=thin.x.round(4),
        y=thin.y.round(4),
        mode="lines",
        line={"color": MODEL, "width": 2.2},
        name=name,
        customdata=[
            spoken(value, 4) if np.isfinite(value) else "none" for value in thin.thresholds
        ],
        hovertemplate=f"{x} %{{x:.3f}}<br>{y} %{{y:.3f}}<br>threshold %{{customdata}}"
        "<extra></extra>",
    )
    return figure


def _published(figure: go.Figure, published: Sequence[tuple[str, float, float]]) -> None:
    for source, x, y in published:
        figure.add_scatter(
            x=[x],
            y=[y],
            mode="markers",
            marker={"symbol": "diamond-open", "size": 11, "color": QUIET, "line": {"width": 2}},
            name=f"{source} (other data)",
            hovertemplate=f"{source}: other data<br>sensitivity %{{y:.3f}}<br>"
            "1 − specificity %{x:.3f}<extra></extra>",
        )


def _together(curves: dict[str, Curve]) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame(
            {
                "model": name,
                "1 - specificity": one.x,
                "sensitivity": one.y,
                "threshold": one.thresholds,
            }
        )
        for name, one in curves.items()
    )


def _data(curve: Curve, band: Band, x: str, y: str) -> pd.DataFrame:
    points = pd.DataFrame(
        {"series": "curve", x: curve.x, y: curve.y, "threshold": curve.thresholds}
    )
    bounds = [
        pd.DataFrame({"series": f"95 % band, {side}", x: band.x, y: values})
        for side, values in (("low", band.low), ("high", band.high))
    ]
    return pd.concat([points, *bounds], ignore_index=True)

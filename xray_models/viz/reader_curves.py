"""ROC curves of a reader without and with the model, beside the model's own."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from xray_models.evaluate.metrics.curves import Curve
from xray_models.number_text import spoken
from xray_models.viz.plotly_text import escaped
from xray_models.viz.theme import DASHES, QUIET, SERIES, SYMBOLS, Plot, laid_out, unit_axis

__all__ = ["reader_roc"]


def reader_roc(curves: Mapping[str, Curve]) -> Plot:
    """Figure of the ROC curves of readings of the same films.

    Args:
        curves: name -> curve; those without an area are left out.
    """
    figure = go.Figure()
    drawn = {name: one for name, one in curves.items() if len(one.x)}
    for place, (name, curve) in enumerate(drawn.items()):
        figure.add_scatter(
            x=curve.x.round(4),
            y=curve.y.round(4),
            mode="lines+markers",
            name=f"{escaped(name)}, AUC {spoken(curve.area)}",
            line={"color": SERIES[place % len(SERIES)], "dash": DASHES[place % len(DASHES)]},
            marker={"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 8},
            hovertemplate="sensitivity %{y:.3f}<br>1 − specificity %{x:.3f}",
        )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": QUIET, "dash": "dot", "width": 1.5},
        name="no skill",
        hoverinfo="skip",
    )
    laid_out(
        figure,
        "1 − specificity",
        "sensitivity",
        height=400,
        xaxis=unit_axis(),
        yaxis=unit_axis(),
        legend={"bgcolor": "rgba(0,0,0,0)", "orientation": "h", "x": 0, "y": 1.02}
        | {"yanchor": "bottom", "font": {"size": 12}},
        margin={"l": 56, "r": 12, "t": 70, "b": 48},
    )
    told = "; ".join(f"{name} {spoken(one.area)}" for name, one in drawn.items())
    return Plot(
        "reader-roc",
        figure,
        lambda: _data(drawn),
        f"ROC curves of readings of the same films. AUC: {told or 'not defined'}.",
    )


def _data(curves: Mapping[str, Curve]) -> pd.DataFrame:
    columns = ["reading", "1 - specificity", "sensitivity", "threshold"]
    parts = [
        pd.DataFrame(dict(zip(columns, (name, one.x, one.y, one.thresholds), strict=True)))
        for name, one in curves.items()
    ]
    return pd.concat(parts) if parts else pd.DataFrame(columns=columns)

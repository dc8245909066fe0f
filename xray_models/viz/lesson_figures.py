"""Figures of lessons: the spread of scores with a threshold, people by call, a sanity check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import plotly.graph_objects as go

from xray_models.evaluate.metrics.counts import Counts
from xray_models.evaluate.metrics.histogram import Distribution
from xray_models.number_text import spoken
from xray_models.viz import scores
from xray_models.viz.plotly_text import escaped
from xray_models.viz.theme import MODEL, OTHER, QUIET, Plot, laid_out

__all__ = ["cascade", "people", "spread"]


def spread(found: Distribution, label: str, threshold: float) -> Plot:
    """Histograms of the scores of films with a finding and without, and a line at the threshold."""
    plot = scores.distribution(found, label)
    plot.figure.add_vline(x=threshold, line={"color": "#d97706", "width": 2, "dash": "dash"})
    return replace(plot, alt=f"{plot.alt} The threshold stands at {spoken(threshold, 2)}.")


def people(found: Counts, label: str) -> Plot:
    """People by call and truth, as two bars.

    Args:
        found: counts of no shape.
        label: of the finding.
    """
    rows = {
        "called": (int(found.tp), int(found.fp)),
        "not called": (int(found.fn), int(found.tn)),
    }
    figure = go.Figure()
    for place, (name, color, pattern) in enumerate(
        ((f"with {escaped(label)}", OTHER, ""), ("without", QUIET, "/"))
    ):
        figure.add_bar(
            y=list(rows),
            x=[one[place] for one in rows.values()],
            name=name,
            orientation="h",
            marker={"color": color, "pattern": {"shape": pattern}},
            hovertemplate="%{x:,} people<extra>%{fullData.name}</extra>",
        )
    laid_out(
        figure,
        "people",
        "",
        height=210,
        barmode="stack",
        yaxis={"autorange": "reversed"},
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        margin={"l": 80, "r": 12, "t": 36, "b": 44},
    )
    data = partial(
        pd.DataFrame,
        [{"call": name, "with": ill, "without": well} for name, (ill, well) in rows.items()],
    )
    (ill, well), (missed, spared) = rows.values()
    return Plot(
        "people",
        figure,
        data,
        f"Of those called, {ill} have {label} and {well} do not. Of those not called, {missed} "
        f"have it and {spared} do not.",
    )


def cascade(stages: Sequence[tuple[str, float]]) -> Plot:
    """How alike a map stays while a network's layers turn to noise, the last layer first.

    Args:
        stages: name and correlation with the map of the trained network.
    """
    names, values = [one for one, _ in stages], [one for _, one in stages]
    figure = go.Figure()
    figure.add_scatter(
        x=list(range(len(names))),
        y=values,
        mode="lines+markers",
        line={"color": MODEL, "width": 2},
        marker={"size": 8},
        customdata=[escaped(one) for one in names],
        hovertemplate="%{customdata}<br>correlation %{y:.2f}<extra></extra>",
        showlegend=False,
    )
    laid_out(
        figure,
        "layers that are noise, from the last one on",
        "likeness to the first map",
        height=280,
        yaxis={"range": [-0.4, 1.05], "zeroline": True},
    )
    data = partial(pd.DataFrame, {"stage": names, "correlation": values})
    return Plot(
        "sanity",
        figure,
        data,
        f"Likeness of the map to that of the trained network: {spoken(values[0], 2)} at first, "
        f"{spoken(values[-1], 2)} when all layers are noise.",
    )

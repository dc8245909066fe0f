"""What is left of a map while the weights behind it are scrambled, layer by layer."""

from __future__ import annotations

from functools import partial

import pandas as pd
import plotly.graph_objects as go

from xray_models.plots import DASHES, SERIES, SYMBOLS, Plot, laid_out, number


def cascade(checks: pd.DataFrame) -> Plot:
    """Rank correlation with the map as trained, a line for each method.

    Args:
        checks: of `evaluate.sanity_study.load`, with rows of the check "weights", not all NaN.
    """
    rows = checks[checks["check"] == "weights"].sort_values(["method", "stage"])
    rows = rows[rows["correlation"].notna()]  # a method without heat has nothing to lose
    figure = go.Figure()
    told = []
    for place, (method, line) in enumerate(rows.groupby("method", sort=False)):
        look = place % len(SERIES)
        figure.add_scatter(
            x=line["stage"],
            y=line["correlation"],
            mode="lines+markers",
            name=str(method),
            line={"color": SERIES[look], "dash": DASHES[place // len(SERIES) % len(DASHES)]},
            marker={"symbol": SYMBOLS[look], "size": 8},
            customdata=line[["layer", "similarity"]],
            hovertemplate="scrambled down to %{customdata[0]}<br>rank correlation %{y:.2f}, "
            "structural similarity %{customdata[1]:.2f}",
        )
        told.append(f"{method} ends at {number(line['correlation'].iloc[-1], 2)}")
    last = int(rows["stage"].max())
    laid_out(
        figure,
        "",
        "rank correlation with the map as trained",
        xaxis={
            "tickvals": [0, last],
            "ticktext": ["as trained", "all weights scrambled"],
            "zeroline": False,
            "range": [-0.15 * last, 1.15 * last],
        },
        yaxis={"range": [-0.5, 1.05], "dtick": 0.5},
        legend={"orientation": "h", "y": -0.2},
    )
    return Plot(
        "sanity",
        figure,
        partial(rows.copy),
        f"What is left of maps while weights are scrambled from the top layer down: "
        f"{'; '.join(told)}.",
    )

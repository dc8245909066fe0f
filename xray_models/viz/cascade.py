"""Figure of the cascade: what is left of a map while weights are scrambled, layer by layer."""

from __future__ import annotations

from functools import partial

import pandas as pd
import plotly.graph_objects as go

from xray_models.number_text import spoken
from xray_models.viz.theme import DASHES, SERIES, SYMBOLS, Plot, laid_out

__all__ = ["cascade"]

_HOLLOW = "hollow points: maps of some films have become empty, which counts as 0"


def cascade(checks: pd.DataFrame) -> Plot:
    """Figure of the rank correlation with the map as trained, a line for each method.

    Methods may have been measured in different numbers of stages, so that stages are drawn by their
    share of each method's own way from the network as trained to one without a learned weight.

    Args:
        checks: of `sanity_table.load`, with rows of the check "weights", not all NaN.
    """
    rows = checks[checks["check"] == "weights"].sort_values(["method", "stage"])
    rows = rows[rows["correlation"].notna()]  # a method without heat has nothing to lose
    rows = rows.astype({"empty": "Int64"})
    rows["way"] = rows["stage"] / rows.groupby("method")["stage"].transform("max").clip(lower=1)
    figure = go.Figure()
    message = []
    for place, (method, line) in enumerate(rows.groupby("method", sort=False)):
        look = place % len(SERIES)
        empty = [
            f"{count} of {films} maps empty" if count else ""
            for count, films in zip(line["empty"].fillna(0), line["films"], strict=True)
        ]
        figure.add_scatter(
            x=line["way"],
            y=line["correlation"],
            mode="lines+markers",
            name=str(method),
            line={"color": SERIES[look], "dash": DASHES[place // len(SERIES) % len(DASHES)]},
            marker={
                "symbol": [SYMBOLS[look] + "-open" * bool(words) for words in empty],
                "size": 8,
            },
            customdata=line[["layer", "similarity"]].assign(
                empty=[words and f"<br>{words}" for words in empty]
            ),
            hovertemplate="scrambled down to %{customdata[0]}<br>rank correlation %{y:.2f}, "
            "structural similarity %{customdata[1]:.2f}%{customdata[2]}",
        )
        message.append(
            f"{method} ends at {spoken(line['correlation'].iloc[-1], 2)}"
            + f" ({empty[-1]})" * bool(empty[-1])
        )
    laid_out(
        figure,
        _HOLLOW * bool(rows["empty"].fillna(0).any()),
        "rank correlation with the map as trained",
        xaxis={
            "tickvals": [0, 1],
            "ticktext": ["as trained", "all weights<br>scrambled"],
            "zeroline": False,
            "range": [-0.15, 1.15],
        },
        yaxis={"range": [min(-0.5, rows["correlation"].min() - 0.05), 1.05], "dtick": 0.5},
        legend={"orientation": "h", "y": -0.2},
    )
    uncounted = " How many maps became empty was not counted." * bool(rows["empty"].isna().all())
    return Plot(
        "sanity",
        figure,
        partial(rows.copy),
        f"What is left of maps while weights are scrambled from the top layer down: "
        f"{'; '.join(message)}.{uncounted}",
    )

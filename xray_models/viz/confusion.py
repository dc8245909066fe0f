"""Confusion matrices: figure of classes that exclude each other, and any matrix as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from xray_models.evaluate.metrics.confusion import Matrix
from xray_models.number_text import percent
from xray_models.viz.plotly_text import escaped
from xray_models.viz.theme import HEIGHT, MODEL, Plot, faded, laid_out

__all__ = ["VALUES", "many_class", "table"]

VALUES = ("films", "share of the true class", "share of the called class")
"""What the cells of a many-class matrix can tell."""


def many_class(matrix: Matrix, values: str) -> Plot:
    """Figure of the confusion matrix of classes that exclude each other.

    Args:
        matrix: of all classes.
        values: one of `VALUES`.

    Raises:
        ValueError: other values.
    """
    if values not in VALUES:
        raise ValueError(f"There are no values {values!r}; known are {', '.join(VALUES)}.")
    shares = matrix.column_shares if values == VALUES[2] else matrix.row_shares
    texts = (
        [[f"{count:,}" if count else "·" for count in row] for row in matrix.counts]
        if values == VALUES[0]
        else [[percent(share, sign="") if share else "·" for share in row] for row in shares]
    )
    figure = _squares(matrix, texts, size=12, shares=shares)
    laid_out(
        figure,
        "called by the model (most probable class)",
        "truth",
        height=max(HEIGHT, 44 * len(matrix.names) + 130),
        xaxis=_axis(matrix.names, side="top", tickangle=-35),
        yaxis=_axis(matrix.names, autorange="reversed"),
        margin={"l": 8, "r": 64, "t": 8, "b": 8},  # the last name leans out to the right
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return Plot(
        "matrix-of-classes",
        figure,
        lambda: table(matrix),
        f"Confusion matrix of {len(matrix.names)} classes; rows are the truth. "
        f"{percent(matrix.accuracy, 1)} of {matrix.counts.sum():,} films are called right.",
    )


def table(matrix: Matrix) -> pd.DataFrame:
    """Table of a matrix: rows of truth, called, films, share of the row, share of the column."""
    rows, columns = matrix.row_shares, matrix.column_shares
    size = range(len(matrix.names))
    return pd.DataFrame(
        [
            (
                matrix.names[i],
                matrix.names[j],
                int(matrix.counts[i, j]),
                rows[i, j],
                columns[i, j],
            )
            for i in size
            for j in size
        ],
        columns=["truth", "called", "films", "share of the true class", "share of the called"],
    )


def _squares(
    matrix: Matrix, texts: list[list[str]], size: int, shares: np.ndarray | None = None
) -> go.Figure:
    shares = np.nan_to_num(matrix.row_shares if shares is None else shares)
    count = len(matrix.names)
    figure = go.Figure(
        go.Heatmap(
            z=shares.round(4),
            x=list(range(count)),
            y=list(range(count)),
            zmin=0,
            zmax=1,
            # see-through, so that text in the color of the theme can be read on all of it
            colorscale=[[0, faded(MODEL, 0.04)], [1, faded(MODEL, 0.6)]],
            showscale=False,
            xgap=2,
            ygap=2,
            customdata=_hovers(matrix),
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    # annotations, unlike the text of a heatmap, take the color of the theme
    figure.update_layout(
        annotations=[
            {"x": j, "y": i, "text": texts[i][j], "showarrow": False, "font": {"size": size}}
            for i in range(count)
            for j in range(count)
        ]
    )
    return figure


def _axis(names: Sequence[str], **more: object) -> dict[str, object]:
    return {
        "tickvals": list(range(len(names))),
        "ticktext": [escaped(name) for name in names],
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    } | more


def _hovers(matrix: Matrix) -> list[list[str]]:
    return [
        [
            f"truth {escaped(true)}<br>called {escaped(called)}<br>{films:,} films"
            for called, films in zip(matrix.names, row, strict=True)
        ]
        for true, row in zip(matrix.names, matrix.counts, strict=True)
    ]

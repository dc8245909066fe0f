"""Position of a value on a figure, in CSS: what moves over a figure need not be drawn with it.

To change a Plotly figure on the page is to draw it anew, tens of milliseconds each; to change where
a mark above it stands is next to nothing.
"""

from __future__ import annotations

from xray_models.viz.theme import Plot

__all__ = ["across", "down"]


def across(plot: Plot, x: float) -> str:
    """The distance of a value from the left edge of a figure.

    Args:
        plot: with margins in pixels and a range of its x axis.
        x: the value, in units of the axis.

    Returns:
        A CSS length, in percent of the width of whatever holds the figure.
    """
    margin, (low, high) = plot.figure.layout.margin, plot.figure.layout.xaxis.range
    return _length(margin.l, margin.l + margin.r, (x - low) / (high - low))


def down(plot: Plot, y: float) -> str:
    """The distance of a value from the upper edge of a figure; see `across`."""
    margin, (low, high) = plot.figure.layout.margin, plot.figure.layout.yaxis.range
    return _length(margin.t, margin.t + margin.b, (high - y) / (high - low))


def _length(start: float, margins: float, share: float) -> str:
    return f"calc({start:g}px + (100% - {margins:g}px) * {share:.5f})"

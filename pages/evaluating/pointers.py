"""Pointers to the threshold on figures that themselves stay as they are.

Each figure bears a dot or a line of its own (a pseudo-element, laid out by `FIXED`); a move sends a
few lines of CSS that say where. Nothing is drawn anew, so points and numbers arrive together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from xray_models.viz import plot_position
from xray_models.viz.theme import OTHER, Plot

__all__ = ["FIXED", "dot", "film", "line", "styled"]

_CHART = '.st-key-figure-{} [data-testid="stPlotlyChart"]'
_DOTS = ("roc", "precision-recall")
_LINES = ("scores", "decision")
_FILMS = ("scores",)


def _every(names: tuple[str, ...], after: str = "") -> str:
    return f":is({', '.join(_CHART.format(name) for name in names)}){after}"


FIXED = f"""
{_every(_DOTS + _LINES)} {{ position: relative; }}
{_every(_DOTS + _LINES, "::after")} {{ content: ""; position: absolute; display: none;
  pointer-events: none; background: {OTHER}; }}
{_every(_DOTS, "::after")} {{ width: 13px; height: 13px; margin: -8.5px 0 0 -8.5px;
  box-sizing: content-box; border: 2px solid white; border-radius: 50%; }}
{_every(_LINES, "::after")} {{ width: 2px; margin-left: -1px; }}
{_every(_FILMS, "::before")} {{ content: ""; position: absolute; display: none; z-index: 1;
  pointer-events: none; width: 0; margin-left: -1px; border-left: 2px dashed currentColor; }}
"""


def dot(name: str, plot: Plot, x: float, y: float) -> str:
    """CSS that puts the dot of a curve at a point; without one where the point has no value."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return ""
    place = f"left: {plot_position.across(plot, x)}; top: {plot_position.down(plot, y)}"
    return f"{_CHART.format(name)}::after {{ display: block; {place}; }}"


def line(name: str, plot: Plot, x: float) -> str:
    """CSS that puts the line of a figure at a threshold; without one beyond its axis."""
    low, high = plot.figure.layout.xaxis.range
    if not low <= x <= high:
        return ""
    margin = plot.figure.layout.margin
    place = f"left: {plot_position.across(plot, x)}; top: {margin.t}px; bottom: {margin.b}px"
    return f"{_CHART.format(name)}::after {{ display: block; {place}; }}"


def film(name: str, plot: Plot, x: float) -> str:
    """CSS that puts a dashed line where one film stands, at the end of the axis if beyond it."""
    low, high = plot.figure.layout.xaxis.range
    margin = plot.figure.layout.margin
    place = f"left: {plot_position.across(plot, min(max(x, low), high))}"
    place += f"; top: {margin.t}px; bottom: {margin.b}px"
    return f"{_CHART.format(name)}::before {{ display: block; {place}; }}"


def styled(rules: Mapping[str, str]) -> str:
    """CSS of all figures, by name, as an element of the page."""
    return f"<style>{FIXED}{''.join(rules.values())}</style>"

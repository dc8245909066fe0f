"""HTML in small accessible pieces that Streamlit has no element for: bars, intervals, a legend.

Their looks are in assets/style/radlens.css. Every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.evaluate.metrics.confusion import Matrix

__all__ = [
    "STYLE",
    "Measure",
    "bar",
    "facts",
    "interval",
    "legend",
    "measures",
    "percent",
    "plain",
    "two_class",
]


def facts(known: Mapping[str, str]) -> str:
    """List of names and values: what is known of something."""
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in known.items())
    return f'<dl class="rl-facts">{"".join(rows)}</dl>'


def percent(value: float) -> str:
    """A share in words: never "100 %" or "0 %" of something that is only nearly so."""
    if 0 < value < 0.001:
        return "< 0.1 %"
    if 0.999 < value < 1:
        return "> 99.9 %"
    return f"{value:.1%}".replace("%", " %")


def bar(label: str, probability: float, threshold: float | None = None) -> str:
    """Bar of a probability, with its operating threshold marked.

    Args:
        label: what is probable.
        probability: 0..1.
        threshold: 0..1, or None for a label that is no finding by itself.
    """
    over = threshold is not None and probability >= threshold
    mark = note = ""
    spoken = f"{label}: probability {percent(probability)}"
    if threshold is not None:
        side = "at or above" if over else "below"
        words = f"{side} the operating threshold of {percent(threshold)}"
        spoken += f", {words}"
        mark = f'<span class="rl-mark" style="left:{threshold:.2%}"></span>'
        note = f'<span class="rl-note">{words}</span>'
    return (
        f'<div class="rl-bar{" rl-over" if over else ""}">'
        f'<span class="rl-label">{escape(label)}</span>'
        f'<span class="rl-value">{escape(percent(probability))}</span>'
        f'<div class="rl-track" role="meter" aria-valuemin="0" aria-valuemax="1" '
        f'aria-valuenow="{probability:.3f}" aria-label="{escape(spoken)}">'
        f'<span class="rl-fill" style="width:{probability:.2%}"></span>{mark}</div>{note}</div>'
    )


def legend(colors: Iterable[str], threshold: float) -> str:
    """Legend of a color map from no heat to most, with the heat threshold marked.

    Args:
        colors: "#rrggbb", from no heat to most.
        threshold: 0..1.
    """
    stops = ", ".join(colors)
    return (
        f'<div class="rl-legend" role="img" aria-label="Colors from no heat to most heat; heat '
        f'below {threshold:.0%} is not shown">'
        f'<span>0 %</span><div class="rl-ramp" style="background:linear-gradient(90deg, {stops})">'
        f'<span class="rl-mark" style="left:{threshold:.2%}"></span></div><span>100 %</span>'
        f'<span class="rl-note">heat, relative to the hottest point</span></div>'
    )


def interval(name: str, value: float, low: float, high: float, start: float = 0.0) -> str:
    """Interval of a figure, 95 %, as numbers and as a dot on a bar.

    Args:
        name: of the figure.
        value: at most 1.
        low: lower end of the interval, at least `start`.
        high: upper end, at most 1.
        start: where the scale begins, below 1; it ends at 1.
    """
    left, dot, right = ((at - start) / (1 - start) for at in (low, value, high))
    spoken = f"{name}: {value:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    return (
        f'<div class="rl-interval"><span class="rl-label">{escape(name)}</span>'
        f'<div class="rl-scale" role="img" aria-label="{escape(spoken)}">'
        f'<span class="rl-whisker" style="left:{left:.2%};width:{right - left:.2%}"></span>'
        f'<span class="rl-dot" style="left:{dot:.2%}"></span></div>'
        f'<span class="rl-value">{value:.3f} <small>{low:.3f}–{high:.3f}</small></span></div>'
    )


@dataclass(frozen=True)
class Measure:
    """Measure: a line of a table of measures.

    Attributes:
        name: of the measure.
        estimate: value and 95 % interval.
        no_skill: what no skill would give; NaN where that is not defined.
        why: why there is no value, as a sentence; empty if there is one.
    """

    name: str
    estimate: Estimate
    no_skill: float
    why: str = ""


def measures(rows: Iterable[Measure], caption: str) -> str:
    """Table of measures with intervals and what no skill gives.

    Args:
        rows: in the order to show them.
        caption: what the measures are of; read out before the table.
    """
    body = []
    for row in rows:
        interval = (
            ""
            if row.estimate.low != row.estimate.low
            else f"{_number(row.estimate.low)} – {_number(row.estimate.high)}"
        )
        value = _number(row.estimate.value)
        if row.why:
            value = f'<span title="{escape(row.why)}">no value</span>'
        body.append(
            f'<tr><th scope="row">{escape(row.name)}</th><td>{value}</td>'
            f"<td>{interval}</td><td>{_number(row.no_skill)}</td></tr>"
        )
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("measure", "value", "95 % interval", "no skill")
    )
    return _table(caption, head, "".join(body))


def plain(columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """Table of text; the first column names its rows."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(str(row[0]))}</th>'
        + "".join(f"<td>{escape(str(cell))}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return _table(caption, head, body)


def _table(caption: str, head: str, body: str) -> str:
    return (
        f'<div class="rl-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="rl-table"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _number(value: float) -> str:
    if value != value:
        return "–"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"


_NAMES = (("true positives", "false negatives"), ("false positives", "true negatives"))


def two_class(matrix: Matrix, label: str) -> str:
    """Confusion matrix of one label: films and both shares in every cell, shaded by its share.

    Args:
        matrix: of `matrices.of_label`.
        label: what the finding is called on the page.

    Returns:
        HTML; its looks are in `STYLE`.
    """
    rows = "".join(
        f'<tr><th scope="row">{truth}</th>{"".join(_cell(matrix, i, j) for j in range(2))}</tr>'
        for i, truth in enumerate(("with", "without"))
    )
    name = escape(label)
    return (
        f'<table class="rl-matrix" aria-label="Confusion matrix of {escape(label, quote=True)}; '
        'rows are the truth."><thead><tr><th rowspan="2" scope="col">truth</th>'
        '<th colspan="2" scope="colgroup">called by the model</th></tr>'
        f'<tr><th scope="col">{name}</th><th scope="col">no {name}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _cell(matrix: Matrix, i: int, j: int) -> str:
    row, column = (float(side[i, j]) for side in (matrix.row_shares, matrix.column_shares))
    shade = 0.0 if row != row else row
    return (
        f'<td style="--share: {shade:.3f}"><b>{matrix.counts[i, j]:,}</b> {_NAMES[i][j]}'
        f"<br>{_percent(row)} of its row<br>{_percent(column)} of its column</td>"
    )


def _percent(share: float) -> str:
    return "–" if share != share else f"{100 * share:.0f} %"


STYLE = """
.rl-matrix { width: 100%; border-collapse: separate; border-spacing: 3px; font-size: 0.85rem;
  font-variant-numeric: tabular-nums; }
.rl-matrix :is(th, td) { border: 0; text-align: center; }
.rl-matrix th { font-weight: 400; padding: 0.3rem; }
.rl-matrix thead th { font-size: 0.85rem; overflow-wrap: anywhere; }
.rl-matrix td { width: 42%; padding: 0.9rem 0.3rem; line-height: 1.45; border-radius: 0.25rem;
  background: color-mix(in srgb, #1c87a8 calc(4% + var(--share) * 56%), transparent); }
.rl-matrix td b { display: block; font-size: 1.5em; font-weight: 680; }
"""

"""Tables of figures as accessible HTML, small enough to be sent at every move of a threshold.

Their looks are in assets/style/radlens.css. Every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from xray_models.evaluate.intervals import Estimate


@dataclass(frozen=True)
class Measure:
    """A line of a table of measures.

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
    """Measures with intervals and what no skill gives.

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
    """A table of text; the first column names its rows."""
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

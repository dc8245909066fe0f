"""Small accessible pieces of HTML that Streamlit has no element for: bars, intervals, tables.

The templates are in `templates/`, and everything that is put into one is escaped; `{##}` at the end
of a line keeps the line break, which a browser would show as a space, out of the page. Looks are in
assets/style/radlens.css.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.evaluate.metrics.confusion import Matrix
from xray_models.number_text import any_size, careful_percent, decimals, percent

__all__ = [
    "STYLE",
    "Measure",
    "bar",
    "facts",
    "filled",
    "interval",
    "measures",
    "table",
    "two_class",
]

_TEMPLATES = Environment(
    loader=PackageLoader("xray_models.viz"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    auto_reload=False,
)
_TEMPLATES.filters |= {
    "any_size": any_size,
    "careful_percent": careful_percent,
    "css_percent": "{:.2%}".format,
    "decimals": decimals,
    "on": lambda value, start: (value - start) / (1 - start),
    "percent": percent,
}


def facts(known: Mapping[str, str]) -> str:
    """List of names and values: what is known of something."""
    return filled("facts", known=known)


def bar(
    label: str,
    probability: float,
    threshold: float | None = None,
) -> str:
    """Probability as a bar, with its threshold marked.

    Args:
        label: what is probable.
        probability: 0..1.
        threshold: 0..1, or None for a label that is no finding by itself.
    """
    return filled(
        "bar",
        label=label,
        probability=probability,
        threshold=threshold,
    )


def interval(name: str, value: float, low: float, high: float, start: float = 0.0) -> str:
    """Figure with its 95 % interval, as numbers and as a dot on a bar.

    Args:
        name: of the figure.
        value: at most 1.
        low: lower end of the interval, at least `start`.
        high: upper end, at most 1.
        start: where the scale begins, below 1; it ends at 1.
    """
    left, dot, right = ((at - start) / (1 - start) for at in (low, value, high))
    return filled(
        "interval", name=name, value=value, low=low, high=high, left=left, dot=dot, right=right
    )


@dataclass(frozen=True)
class Measure:
    """Row of a table of measures.

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
    return filled("measures", rows=rows, caption=caption)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """Table of text; the first column names its rows.

    Args:
        columns: their headings.
        rows: a cell for each column.
        caption: what the table is of; read out before it.
    """
    return filled("table", columns=columns, rows=rows, caption=caption)


@dataclass(frozen=True)
class _Cell:
    name: str
    films: str
    shade: float
    of_row: float
    of_column: float


_CELLS = (("true positives", "false negatives"), ("false positives", "true negatives"))


def two_class(matrix: Matrix, label: str) -> str:
    """Confusion matrix of one label: films, and both shares, in every cell.

    Cells are shaded by their share of the row.

    Args:
        matrix: of `confusion.of_label`.
        label: what the finding is called on the page.

    Returns:
        HTML; its looks are in `STYLE`.
    """
    rows = [
        (truth, [_cell(matrix, i, j) for j in range(2)])
        for i, truth in enumerate(("with", "without"))
    ]
    return filled("two_class", label=label, rows=rows)


def _cell(matrix: Matrix, i: int, j: int) -> _Cell:
    row, column = (float(side[i, j]) for side in (matrix.row_shares, matrix.column_shares))
    films = f"{matrix.counts[i, j]:,}"
    return _Cell(_CELLS[i][j], films, 0.0 if row != row else row, row, column)


def filled(template: str, /, **values: object) -> str:
    """Template with its values, escaped.

    Args:
        template: name of its file in `templates/`, without the ending.
        values: what it asks for.
    """
    return _TEMPLATES.get_template(f"{template}.html.jinja").render(values)


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

"""The confusion matrix of one label as an accessible HTML table that follows a moving threshold."""

from __future__ import annotations

from html import escape

from xray_models.evaluate.matrices import Matrix

_NAMES = (("true positives", "false negatives"), ("false positives", "true negatives"))


def two_class(matrix: Matrix, label: str) -> str:
    """Films, and both shares, in every cell; cells are shaded by their share of the row.

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

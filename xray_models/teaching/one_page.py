"""Results on one page of paper: a PDF."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from xray_models.teaching.records import Record
from xray_models.teaching.result_text import curves, measure_rows, sentences
from xray_models.teaching.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["as_pdf"]

_A4 = (8.27, 11.69)  # inches
_LINES = ("-", "--", "-.")
_MOST = 14  # films that are listed
_NOTICE = "For teaching and research, not for diagnosis."


def as_pdf(title: str, found: Results, records: Sequence[Record]) -> bytes:
    """Page of a session's results.

    Args:
        title: of the set.
        found: results of the records.
        records: of the session.
    """
    # a figure of its own: pyplot keeps those of all visitors in one place
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    figure = Figure(figsize=_A4)
    FigureCanvasPdf(figure)
    figure.text(0.08, 0.95, "RadLens: a reading session", fontsize=16, weight="bold")
    figure.text(0.08, 0.925, textwrap.shorten(title, 90), fontsize=11, parse_math=False)
    _draw_table(figure.add_axes((0.08, 0.72, 0.84, 0.18)), measure_rows(found))
    _draw_curves(figure.add_axes((0.12, 0.4, 0.42, 0.28)), list(records))
    told = "\n".join(
        line for one in sentences(found) for line in textwrap.wrap(one, 44, subsequent_indent="  ")
    )
    figure.text(0.6, 0.68, told, fontsize=9, va="top", linespacing=1.5, parse_math=False)
    again = [f"{one.film} ({one.question})" for one in found.again]
    listed = ", ".join(again[:_MOST]) + (", …" if len(again) > _MOST else "")
    words = f"Films to look at again: {listed}." if again else "No film was answered wrong."
    figure.text(0.08, 0.32, textwrap.fill(words, 100), fontsize=9, va="top", parse_math=False)
    figure.text(0.08, 0.05, _NOTICE, fontsize=9)
    file = io.BytesIO()
    figure.savefig(file, format="pdf", metadata={"Title": "RadLens: a reading session"})
    return file.getvalue()


def _draw_table(axes: Axes, rows: list[tuple[str, ...]]) -> None:
    axes.axis("off")
    table = axes.table(
        [list(one) for one in rows[1:]], colLabels=list(rows[0]), loc="center", cellLoc="left"
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(1, 1.4)


def _draw_curves(axes: Axes, records: list[Record]) -> None:
    for line, (name, curve) in zip(_LINES, curves(records).items(), strict=False):
        if len(curve.x):
            label = f"{name}, AUC {curve.area:.2f}"
            axes.plot(curve.x, curve.y, line, marker="o", markersize=3, label=label)
    axes.plot([0, 1], [0, 1], ":", color="gray", linewidth=1)
    axes.set(xlabel="1 − specificity", ylabel="sensitivity", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="lower right")

"""Picture file of the confusion matrix of one label, like the table on the page."""

from __future__ import annotations

import io

from xray_models.evaluate.metrics.confusion import Matrix
from xray_models.number_text import percent

__all__ = ["picture"]

_NAMES = (("true positives", "false negatives"), ("false positives", "true negatives"))


def picture(matrix: Matrix, label: str, kind: str) -> bytes:
    """Picture of the matrix: films and both shares in every cell, shaded by its share of the row.

    Args:
        matrix: of one label, `of_label`.
        label: what the finding is called.
        kind: "png" or "svg".

    Returns:
        The file's content.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4), layout="constrained")
    axes = figure.subplots()
    shades = LinearSegmentedColormap.from_list("shares", ["#ffffff", "#6fb4c9"])
    axes.imshow(matrix.row_shares, cmap=shades, vmin=0, vmax=1)
    for i in range(2):
        for j in range(2):
            shares = [
                f"{percent(side[i, j])} of its {name}"
                for side, name in ((matrix.row_shares, "row"), (matrix.column_shares, "column"))
            ]
            axes.text(j, i - 0.14, f"{matrix.counts[i, j]:,}", ha="center", size=16, weight="bold")
            axes.text(j, i + 0.2, "\n".join([_NAMES[i][j], *shares]), ha="center", va="center")
    axes.set_xticks([0, 1], [label, f"no {label}"])
    axes.set_yticks([0, 1], ["with", "without"])
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set(xlabel="called by the model", ylabel="truth")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=200)
    return file.getvalue()

"""Rows of a list of models, as HTML: what each reads, learned from, reaches and costs."""

from __future__ import annotations

from dataclasses import dataclass

from xray_models.viz.html import filled

__all__ = ["MainFigure", "ModelRow", "head", "row"]


@dataclass(frozen=True)
class MainFigure:
    """Figure that says most about a model, with its 95 % interval.

    Attributes:
        name: of the figure.
        value, low, high: at most 1.
    """

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ModelRow:
    """Row of one model, in words.

    Attributes:
        reads: which body parts.
        data: what it was trained on.
        figure: None for a model that was not measured.
        films: how many films the figure is of.
        license: of the weights.
        speed: how long one film takes.
    """

    reads: str
    data: str
    figure: MainFigure | None
    films: str
    license: str
    speed: str


def head(start: float) -> str:
    """Headings of the columns.

    Args:
        start: where the scale of the figures begins; it ends at 1.
    """
    return filled("model_head", start=start)


def row(one: ModelRow, start: float) -> str:
    """Row of a model; its name stands before it.

    Args:
        one: the model.
        start: where the scale of the figures begins, below 1; it ends at 1.
    """
    return filled("model_row", row=one, start=start)

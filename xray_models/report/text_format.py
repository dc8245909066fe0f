"""Figures and tables as plain text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xray_models.evaluate.metrics.bootstrap import Estimate

__all__ = ["NO_SPREAD", "UNDEFINED", "grid", "interval", "number", "with_interval"]

UNDEFINED = "–"
NO_SPREAD = "no spread"


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns: the first to the left, the others to the right."""
    widths = [max(len(line[index]) for line in (header, *rows)) for index in range(len(header))]
    return [
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (header, *rows)
    ]


def with_interval(one: Estimate) -> str:
    """Like "0.812 (0.773 to 0.847)"; the value alone where it has no interval."""
    return number(one.value) if math.isnan(one.low) else f"{one.value:.3f} ({interval(one)})"


def interval(one: Estimate) -> str:
    """Like "0.773 to 0.847"."""
    if math.isnan(one.low):
        return UNDEFINED
    # an interval without width would look like certainty
    return NO_SPREAD if one.low == one.high else f"{one.low:.3f} to {one.high:.3f}"


def number(value: float) -> str:
    """Three decimals."""
    return UNDEFINED if math.isnan(value) else f"{value:.3f}"

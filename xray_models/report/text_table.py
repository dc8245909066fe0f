"""Tables as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["grid"]


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Table of aligned columns: the first to the left, the others to the right."""
    widths = [max(len(line[index]) for line in (header, *rows)) for index in range(len(header))]
    return [
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (header, *rows)
    ]

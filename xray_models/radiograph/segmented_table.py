"""Lookup tables stored in segments (DICOM PS3.3 C.7.9.2), written out no further than they need.

A few bytes can stand for a table without end; what is written out stops at the number of entries
that the table says it has.
"""

from __future__ import annotations

import numpy as np
from pydicom import Dataset, uid

__all__ = ["segmented"]

_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_DEEPEST = 4  # segments that point to segments that point to segments


def segmented(header: Dataset, name: str) -> tuple[np.ndarray, int, int]:
    """Write a segmented table out.

    Args:
        header: of the file, with its transfer syntax.
        name: of the table, such as "RedPaletteColorLookupTable".

    Returns:
        The entries (float32), the stored value that the first stands for, and bits per entry.

    Raises:
        ValueError: segments of an unknown kind, or fewer entries than the table says.
    """
    entries, first, bits = (int(value) for value in header[f"{name}Descriptor"].value)
    entries = entries or 2**16
    if bits not in (8, 16):
        raise ValueError("A segmented table has entries of 8 or 16 bits.")
    big = header.file_meta.TransferSyntaxUID == uid.ExplicitVRBigEndian
    kind = np.uint8 if bits == 8 else (">u2" if big else "<u2")
    content: bytes = header[f"Segmented{name}Data"].value
    stored = np.frombuffer(content[: len(content) // (bits // 8) * (bits // 8)], kind)
    table: list[int] = []
    _write_out([int(one) for one in stored], 0, None, entries, table, big, bits, 0)
    if len(table) < entries:
        raise ValueError("The segmented table is shorter than it says.")
    if first >= 2**15 and header.PixelRepresentation:
        first -= 2**16  # a negative number that was read as unsigned
    return np.array(table[:entries], np.float32), first, bits


def _write_out(
    stored: list[int],
    at: int,
    segments: int | None,
    entries: int,
    table: list[int],
    big: bool,
    bits: int,
    depth: int,
) -> None:
    """Append what so many segments stand for (None: all), at most up to `entries`."""
    if depth > _DEEPEST:
        raise ValueError("Segments point to segments without end.")
    done = 0
    while at + 1 < len(stored) and done != segments and len(table) < entries:
        kind, length = stored[at], stored[at + 1]
        at += 2
        done += 1
        if kind == _DISCRETE:
            table.extend(stored[at : at + length])
            at += length
        elif kind == _LINEAR and table:
            step = (stored[at] - table[-1]) / max(1, length)
            ramp = np.linspace(table[-1] + step, stored[at], length)
            table.extend(int(one) for one in np.around(ramp))
            at += 1
        elif kind == _INDIRECT and table:
            if bits == 8:
                a, b, c, d = stored[at : at + 4]
                high, low = ((c, d), (a, b)) if big else ((d, c), (b, a))
                offset = (high[0] << 8 | high[1]) << 16 | low[0] << 8 | low[1]
                at += 4
            else:
                offset = stored[at + 1] << 16 | stored[at]
                at += 2
            _write_out(stored, offset, length, entries, table, big, bits, depth + 1)
        else:
            raise ValueError("The segmented table begins wrongly, or has an unknown segment.")

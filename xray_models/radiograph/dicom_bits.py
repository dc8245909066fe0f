"""Which bits of a stored DICOM sample are its value: Bits Stored, High Bit, and files that err."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset

__all__ = ["OVERLAY_BITS", "meaningful_bits"]

OVERLAY_BITS = tuple(0x60000102 + (group << 16) for group in range(0, 0x20, 2))
"""Tags of Overlay Bit Position (retired), one for each overlay: a bit of the stored values."""

_ABOVE = (
    "Some stored values need more bits than the file says, and the bits above were cut off: the "
    "grays may be wrong. Compare the film with the original."
)
_HIGH_BIT = (
    "The file contradicts itself about which bits hold its values (High Bit and Bits Stored), so "
    "this was told by the values: the grays may be wrong. Compare the film with the original."
)


def meaningful_bits(header: Dataset, values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values without the bits that the header says belong to something else.

    Args:
        header: `BitsAllocated`, `BitsStored`, `PixelRepresentation`, and perhaps `HighBit`.
        values: integers as decoded, of any shape.

    Returns:
        Integers of the same shape and type; and sentences on what is odd.
    """
    kept, high = int(header.BitsStored), header.get("HighBit")
    size = 8 * values.dtype.itemsize
    doubts = []
    if high is not None and int(high) != kept - 1:
        doubts.append(_HIGH_BIT)
        # a value that does not end at the lowest bit reaches above the bits that are stored; the
        # bits below it are not part of it
        plain = not header.file_meta.TransferSyntaxUID.is_encapsulated
        if plain and kept <= int(high) < size and not _fit(values, kept):
            return (values << (size - 1 - int(high))) >> (size - kept), tuple(doubts)
    if kept >= size or _fit(values, kept):
        return values, tuple(doubts)
    if not (_is_plain_sign(values, kept) or _is_overlay(header, values, kept)):
        doubts.append(_ABOVE)
    return (values << (size - kept)) >> (size - kept), tuple(doubts)


def _fit(values: np.ndarray, bits: int) -> bool:
    """Whether all values lie in what so many bits hold."""
    if not values.size:
        return True
    low, high = int(values.min()), int(values.max())
    if values.dtype.kind == "u":
        return high < 2**bits
    return -(2 ** (bits - 1)) <= low and high < 2 ** (bits - 1)


def _is_overlay(header: Dataset, values: np.ndarray, kept: int) -> bool:
    """Whether all bits above those that are stored are overlays, as the header says."""
    overlays = 0
    for tag in OVERLAY_BITS:
        try:
            position = header[tag].value
        except (AttributeError, KeyError, TypeError, ValueError):  # missing, or damaged
            continue
        if isinstance(position, int) and kept <= position < 8 * values.dtype.itemsize:
            overlays |= 1 << position
    above = values.view(f"u{values.dtype.itemsize}") >> kept
    return not (above & ~np.array(overlays >> kept, above.dtype)).any()


def _is_plain_sign(values: np.ndarray, bits: int) -> bool:
    """Whether signed values only lack their sign in the bits above, as the standard allows."""
    if values.dtype.kind == "u":
        return False
    above = values >> bits
    return bool(((above == 0) | (above == -1)).all())

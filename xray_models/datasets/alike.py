"""Difference hashes: whether two pictures show the same film at other sizes."""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = ["difference_hash", "distance"]

_SIDE = 16


def difference_hash(picture: Image.Image) -> str:
    """Difference hash of a picture: where it gets lighter to the right, as 64 hex digits.

    The picture is compared on a grid of 16 x 16.

    Scaling and compression change a few bits. Mirroring changes most of them, and turning by one
    degree more than a dozen.
    """
    small = picture.convert("L").resize((_SIDE + 1, _SIDE), Image.Resampling.LANCZOS)
    gray = np.asarray(small, np.int16)
    return np.packbits(gray[:, 1:] > gray[:, :-1]).tobytes().hex()


def distance(one: str, other: str) -> int:
    """Bits in which two hashes differ, 0 to 256."""
    return (int(one, 16) ^ int(other, 16)).bit_count()

"""Samples of TIFF that Pillow refuses or misreads: white as zero, signed or very deep."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from xray_models.radiograph.picture_limits import tiff_shorts

__all__ = ["as_stored", "counted_from_black"]

_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_UNSIGNED, _SIGNED = (1,), (2,)


def counted_from_black(data: bytes) -> tuple[bytes, bool]:
    """Make a TIFF of more than 8 bits say that 0 is black; Pillow inverts only shallower ones.

    Of those that count from white it opens some and refuses others, by their byte order.

    Args:
        data: the whole file, of any format.

    Returns:
        The file, with one tag changed where it was to; and whether its samples count from white.
    """
    places = tiff_shorts(data, {_BITS, _PHOTOMETRIC})
    values = {tag: struct.unpack_from(form, data, at)[0] for tag, (at, form) in places.items()}
    if values.get(_PHOTOMETRIC) != 0 or values.get(_BITS, 0) <= 8:
        return data, False
    at, form = places[_PHOTOMETRIC]
    changed = bytearray(data)
    struct.pack_into(form, changed, at, 1)
    return bytes(changed), True


def as_stored(image: Image.Image, values: np.ndarray) -> np.ndarray:
    """Samples as their file means them, where Pillow takes signed for unsigned or the reverse.

    Args:
        image: opened; tells the format and the tags.
        values: its samples, of any shape.

    Returns:
        The same numbers, or others of the same bits: int8 for uint8, uint32 for int32.
    """
    sample_format = getattr(image, "tag_v2", {}).get(_SAMPLE_FORMAT)
    if image.format != "TIFF":
        return values
    if sample_format == _SIGNED and values.dtype == np.uint8:
        return values.view(np.int8)
    if sample_format in (None, _UNSIGNED) and values.dtype == np.int32:
        return values.view(np.uint32)
    return values

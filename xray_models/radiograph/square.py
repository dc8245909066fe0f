"""Square pixels: films whose rows and columns lie at different distances are resampled first."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PIL import Image

from xray_models.radiograph.types import MOST_PIXELS, Radiograph

__all__ = ["MOST_RATIO", "picture_ratio", "squared", "squared_shape"]

MOST_RATIO = 8.0
"""Pixels that are longer than this many times their width are taken for a mistake of the file."""
_SAME = 0.01  # a smaller difference changes no picture

_ORIENTATION, _ACROSS, _DOWN = 0x0112, 0x011A, 0x011B  # EXIF and TIFF; the last two: resolution

_IMPLAUSIBLE = (
    "The file says that its pixels are {:.0f} times as long as wide, which no film is. They were "
    "taken as square."
)


def squared(film: Radiograph, row_to_column: float | None) -> Radiograph:
    """The film with square pixels, and with the shape that it had before.

    No detail is lost: the axis whose pixels are farther apart gets more of them, unless that would
    be more than the limit of `MOST_PIXELS`.

    Args:
        film: as decoded.
        row_to_column: distance between rows over distance between columns; None if unknown.

    Returns:
        The same film where the distances are alike, unknown or absurd (then with a warning).
    """
    shape = film.height, film.width
    wanted = squared_shape(*shape, row_to_column)
    if wanted is None:
        if row_to_column is None or not _absurd(row_to_column):
            return film
        longer = max(row_to_column, 1 / row_to_column)
        return replace(film, warnings=(*film.warnings, _IMPLAUSIBLE.format(longer)))
    pixels = np.asarray(
        Image.fromarray(film.pixels).resize(wanted[::-1], Image.Resampling.BILINEAR)
    )
    return replace(film, pixels=np.clip(pixels, 0.0, 1.0), stored_shape=shape)


def squared_shape(rows: int, columns: int, row_to_column: float | None) -> tuple[int, int] | None:
    """(Height, width) with square pixels, within the limit of `MOST_PIXELS`.

    Args:
        rows: of the file.
        columns: of the file.
        row_to_column: distance between rows over distance between columns; None if unknown.

    Returns:
        The shape; None where the pixels are square already, or the distances unknown or absurd.
    """
    if row_to_column is None or _absurd(row_to_column):
        return None
    if max(row_to_column, 1 / row_to_column) <= 1 + _SAME:
        return None
    height, width = rows * max(row_to_column, 1.0), columns * max(1 / row_to_column, 1.0)
    shrink = min(1.0, math.sqrt(MOST_PIXELS / (height * width)))
    # rounded down, so that the limit holds; but not below a whole number for its last digits
    return max(1, int(height * shrink + 1e-6)), max(1, int(width * shrink + 1e-6))


def _absurd(ratio: float) -> bool:
    return not (math.isfinite(ratio) and 1 / MOST_RATIO <= ratio <= MOST_RATIO)


def picture_ratio(image: Image.Image) -> float | None:
    """Distance between rows over that between columns, by the resolution in a picture's file.

    JFIF, PNG, BMP and TIFF name pixels per length in both directions, or only their ratio; EXIF
    does where those say nothing or that both are alike.

    Args:
        image: opened, not turned yet.

    Returns:
        The ratio of the picture after turning it as EXIF says; None where it is not known.
    """
    exif = image.getexif()
    turned = exif.get(_ORIENTATION, 1) in (5, 6, 7, 8)
    across_and_down = (exif.get(_ACROSS), exif.get(_DOWN))
    named = image.info.get("aspect"), image.info.get("jfif_density"), image.info.get("dpi")
    for pair in (*named, across_and_down):
        try:
            across, down = (float(number or 0) for number in pair or ())
        except (TypeError, ValueError, ZeroDivisionError):  # missing or malformed
            continue
        # more pixels per length across than down: rows lie farther apart than columns
        if across > 0 and down > 0 and math.isfinite(across / down) and across != down:
            return down / across if turned else across / down
    return None

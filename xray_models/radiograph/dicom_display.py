"""Display of stored DICOM values as gray: rescale, lookup tables and window.

DICOM PS3.3 C.11.1 (modality LUT), C.11.2 (VOI LUT and window). Written here rather than taken from
pydicom, which works in float64 over the stored range: four times the memory, and not in 0..1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from pydicom import DataElement, Dataset, uid

from xray_models.radiograph.gray_range import gray_range
from xray_models.radiograph.segmented_table import segmented
from xray_models.radiograph.types import stretched, white_of

__all__ = ["Shown", "palette_colors", "shown"]

_USELESS_WINDOW = (
    "The window stored in the file shows nothing of its picture, so the darkest and the brightest "
    "value were taken as black and white."
)
_USELESS_TABLE = (
    "The lookup table stored in the file shows nothing of its picture or is damaged, so it was "
    "passed over."
)
_USELESS_MODALITY_TABLE = (
    "The table of the file that turns stored values into exposure is damaged, so it was passed "
    "over: the grays may differ from those of a viewer."
)

_SATURATED = 0.9  # share of pixels at black or white from which on a window is doubted
_EDGE = 0.01  # of 0..1: as good as black or white
_LEAST_CONTRAST = 0.1  # of 0..1: what a film spans at least under a window that fits
_BLANK = 0.01  # of the possible values: a film that spans less may well be blank
_TAIL = 0.5  # percent at either end that say nothing about contrast
_SAMPLE = 128  # rows and columns that a window is judged by


class Shown(NamedTuple):
    """A film as its file wants it shown.

    Attributes:
        gray: float32 in 0..1, (height, width), not inverted for MONOCHROME1.
        warnings: sentences for people.
        gray_range: what was taken as black and white, where the file does not say; or None.
    """

    gray: np.ndarray
    warnings: tuple[str, ...] = ()
    gray_range: str | None = None


def shown(header: Dataset, stored: np.ndarray) -> Shown:
    """Gray values as the header has them displayed; of several windows or tables the first.

    A table or window that is damaged or belongs to other values is passed over, with a warning.
    Without one, values of up to 8 bits are shown as they are, and for deeper ones the darkest and
    brightest value become black and white, padding, labels and single pixels aside.

    Args:
        header: elements of the modality and VOI LUT modules, `BitsStored`, `PixelRepresentation`.
        stored: integers, shape (height, width).
    """
    values, doubts = _rescaled(header, stored)
    for item in header.get("VOILUTSequence") or ():
        gray = _through_table(header, item, values)
        if gray is not None and _fits(header, stored, gray):
            return Shown(gray, (*doubts,))
        doubts.append(_USELESS_TABLE)
        break
    if header.get("WindowCenter") is not None or header.get("WindowWidth") is not None:
        windowed = _windowed(header, values)
        if windowed is not None and _fits(header, stored, windowed, values):
            return Shown(windowed, (*doubts,))
        doubts.append(_USELESS_WINDOW)
    low, high, note = _range(header, stored, values)
    return Shown(stretched(values, low, high), (*doubts,), note)


def _fits(
    header: Dataset, stored: np.ndarray, gray: np.ndarray, values: np.ndarray | None = None
) -> bool:
    """Whether a window or table belongs to the values of this film.

    It does not where hardly any contrast is left of what the values hold, or where nearly all
    pixels are black or white and these had more to tell than the window has room for. A background
    without exposure may be black, and a film of two grays black and white.

    Args:
        header: says how many bits are stored.
        stored: integers, (height, width).
        gray: the same through the window or table, in 0..1.
        values: what went into the window; None for a table.
    """
    across = tuple(slice(None, None, max(1, size // _SAMPLE)) for size in stored.shape)
    some, seen = stored[across].ravel(), gray[across].ravel()
    spread = np.ptp(np.percentile(some, (_TAIL, 100 - _TAIL)))
    if spread < _BLANK * white_of(int(np.abs(some.astype(np.int64)).max()), int(header.BitsStored)):
        # nearly blank, or all of the film lies in few pixels: then only these can tell
        return bool(np.ptp(gray) > 0 or np.ptp(stored) == 0)
    if np.ptp(np.percentile(seen, (_TAIL, 100 - _TAIL))) < _LEAST_CONTRAST:
        return False
    black, white = seen <= _EDGE, seen >= 1 - _EDGE
    if values is None or black.mean() + white.mean() < _SATURATED:
        return True
    # what lies at the least and greatest value was lost when the film was made, not by the window
    inner = ~(black | white)
    room = np.ptp(values[across].ravel()[inner]) if inner.any() else 0.0
    depth = values[across].ravel()
    lost = sum(
        float(np.ptp(np.percentile(depth[which], (5, 95))))
        for which in (black, white)
        if which.any()
    )
    return lost <= max(room, _BLANK * np.ptp(depth))


def palette_colors(header: Dataset, stored: np.ndarray) -> np.ndarray:
    """Colors that a palette gives to stored values (PS3.3 C.7.9).

    Args:
        header: elements of the palette color lookup table module.
        stored: integers, shape (height, width).

    Returns:
        float32 in 0..1, shape (height, width, 3).
    """
    channels = []
    for color in ("Red", "Green", "Blue"):
        name = f"{color}PaletteColorLookupTable"
        if f"Segmented{name}Data" in header:
            table, first, bits = segmented(header, name)
        else:
            table, first, bits = _table(header, header[f"{name}Descriptor"], header[f"{name}Data"])
        channels.append(_looked_up(stored, stretched(table, 0, 2**bits - 1), first))
    return np.stack(channels, axis=-1)


def _rescaled(header: Dataset, stored: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The values that windows and VOI tables count in, and sentences on a table passed over."""
    doubts = []
    for item in header.get("ModalityLUTSequence") or ():
        try:
            table, first, _ = _table(header, item["LUTDescriptor"], item["LUTData"])
            return _looked_up(stored, table, first), []
        except (KeyError, TypeError, ValueError):
            doubts.append(_USELESS_MODALITY_TABLE)
            break
    slope, intercept = _line(header)
    if (slope, intercept) == (1.0, 0.0):
        return stored, doubts
    values = stored.astype(np.float32)
    values *= np.float32(slope)  # in place: a film of 60 megapixels takes 240 MB
    values += np.float32(intercept)
    return values, doubts


def _through_table(header: Dataset, item: Dataset, values: np.ndarray) -> np.ndarray | None:
    """Values through a VOI table, float32 in 0..1; None if the table is damaged."""
    try:
        table, first, bits = _table(header, item["LUTDescriptor"], item["LUTData"])
    except (KeyError, TypeError, ValueError):
        return None
    # entries of more bits than it declares: then only they tell what is white
    top = int(table.max())
    white = white_of(top, bits) if 1 <= bits <= 16 and top < 2**bits else top
    return _looked_up(values, stretched(table, 0, white), first)


def _line(header: Dataset) -> tuple[float, float]:
    slope = _number(header, "RescaleSlope")
    intercept = _number(header, "RescaleIntercept")
    return slope or 1.0, intercept or 0.0  # a slope of 0 would show nothing


def _number(header: Dataset, name: str) -> float | None:
    """An element's first value, or None if that is no finite number."""
    value = header.get(name)
    if value is not None and not isinstance(value, str | int | float):
        value = next(iter(value), None)
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _table(
    header: Dataset, descriptor: DataElement, data: DataElement
) -> tuple[np.ndarray, int, int]:
    """A lookup table, the stored value that its first entry stands for, and its bits per entry.

    Its length is that of its data: the number in the descriptor is often wrong.

    Raises:
        ValueError: it has no entries, or no descriptor of three numbers.
    """
    entries, first, bits = (int(value) for value in descriptor.value)
    entries = entries or 2**16
    values = data.value
    if isinstance(values, bytes):
        order = ">" if header.file_meta.TransferSyntaxUID == uid.ExplicitVRBigEndian else "<"
        one_byte = bits <= 8 and len(values) < 2 * entries  # two entries packed into a word
        values = np.frombuffer(
            values[: len(values) // 2 * 2], np.uint8 if one_byte else f"{order}u2"
        )
    table = np.atleast_1d(np.asarray(values, np.float32))
    if len(table) <= entries + 1:  # one more may be there to make the length even
        table = table[:entries]
    if not len(table):
        raise ValueError("The lookup table has no entries.")
    if first >= 2**15 and header.PixelRepresentation:
        first -= 2**16  # a negative number that was read as unsigned
    return table[: 2**16], first, bits


def _looked_up(values: np.ndarray, table: np.ndarray, first: int) -> np.ndarray:
    index = np.rint(values).astype(np.int32) - first
    return table[np.clip(index, 0, len(table) - 1, out=index)]


def _windowed(header: Dataset, values: np.ndarray) -> np.ndarray | None:
    """Values through the first window, float32 in 0..1; None if the window makes no sense."""
    center, width = _number(header, "WindowCenter"), _number(header, "WindowWidth")
    function = str(header.get("VOILUTFunction") or "LINEAR").strip().upper()
    if center is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        return None
    if function == "SIGMOID":
        exponent = (values.astype(np.float32) - np.float32(center)) * np.float32(-4 / width)
        return 1 / (1 + np.exp(np.clip(exponent, -80, 80, out=exponent)))
    if function != "LINEAR_EXACT":
        center, width = center - 0.5, width - 1
    if width == 0:
        return (values > center).astype(np.float32)
    return stretched(values, center - width / 2, center + width / 2)


def _range(
    header: Dataset, stored: np.ndarray, values: np.ndarray
) -> tuple[float | None, float | None, str | None]:
    """What is black and what is white where the header names no window, and words on that."""
    bits, signed = int(header.BitsStored), bool(header.PixelRepresentation)
    if bits <= 8 and values.size and _is_line(header, stored, values):
        slope, intercept = _line(header)
        lowest = -(2 ** (bits - 1)) if signed else 0
        ends = [end * slope + intercept for end in (lowest, lowest + 2**bits - 1)]
        return min(ends), max(ends), None
    found = gray_range(_without_padding(header, stored, values))
    return (found.low, found.high, found.sentence) if found else (None, None, None)


def _is_line(header: Dataset, stored: np.ndarray, values: np.ndarray) -> bool:
    """Whether values were made from stored ones by slope and intercept, not by a table."""
    return not header.get("ModalityLUTSequence") or values is stored


def _without_padding(header: Dataset, stored: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values of the picture itself; all where padding is not named, or all is padding."""
    padding = _number(header, "PixelPaddingValue")
    if padding is None:
        return values
    limit = _number(header, "PixelPaddingRangeLimit")
    low, high = sorted((padding, padding if limit is None else limit))
    if header.PixelRepresentation and low >= 2**15:  # written as unsigned
        low, high = low - 2**16, high - 2**16
    picture = values[(stored < low) | (stored > high)]
    return picture if picture.size else values

"""Display of stored DICOM values as gray: rescale, lookup tables and window.

DICOM PS3.3 C.11.1 (modality LUT), C.11.2 (VOI LUT and window). Written here rather than taken from
pydicom, which works in float64 over the stored range: four times the memory, and not in 0..1.
"""

from __future__ import annotations

import math

import numpy as np
from pydicom import DataElement, Dataset, uid
from pydicom.pixels.processing import apply_color_lut

from xray_models.radiograph.types import stretched, white_of

__all__ = ["palette_colors", "shown"]

_USELESS_WINDOW = (
    "The window stored in the file shows nothing of its picture, so the darkest and the brightest "
    "value were taken as black and white."
)


def shown(header: Dataset, stored: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Gray values as the header has them displayed; of several windows or tables the first.

    Without a window or table, values of up to 8 bits are shown as they are, and for deeper ones
    the darkest and brightest value (padding aside) become black and white.

    Args:
        header: elements of the modality and VOI LUT modules, `BitsStored`, `PixelRepresentation`.
        stored: integers, shape (height, width).

    Returns:
        float32 in 0..1 of the same shape, not inverted for MONOCHROME1; and warnings for people.
    """
    values = _rescaled(header, stored)
    if header.get("VOILUTSequence"):
        item = header.VOILUTSequence[0]
        table, first, bits = _table(header, item["LUTDescriptor"], item["LUTData"])
        gray = stretched(table, 0, white_of(int(table.max()), bits))
        return _looked_up(values, gray, first), ()
    warnings: tuple[str, ...] = ()
    if header.get("WindowCenter") is not None or header.get("WindowWidth") is not None:
        windowed = _windowed(header, values)
        if windowed is not None and (np.ptp(windowed) > 0 or np.ptp(stored) == 0):
            return windowed, ()
        warnings = (_USELESS_WINDOW,)
    return stretched(values, *_range(header, stored, values)), warnings


def palette_colors(header: Dataset, stored: np.ndarray) -> np.ndarray:
    """Colors that a palette gives to stored values (PS3.3 C.7.9).

    Args:
        header: elements of the palette color lookup table module.
        stored: integers, shape (height, width).

    Returns:
        float32 in 0..1, shape (height, width, 3).
    """
    if "SegmentedRedPaletteColorLookupTableData" in header:
        colors = apply_color_lut(stored, header)[..., :3]
        return colors.astype(np.float32) / np.float32(np.iinfo(colors.dtype).max)
    channels = []
    for color in ("Red", "Green", "Blue"):
        name = f"{color}PaletteColorLookupTable"
        table, first, bits = _table(header, header[f"{name}Descriptor"], header[f"{name}Data"])
        channels.append(_looked_up(stored, stretched(table, 0, 2**bits - 1), first))
    return np.stack(channels, axis=-1)


def _rescaled(header: Dataset, stored: np.ndarray) -> np.ndarray:
    if header.get("ModalityLUTSequence"):
        item = header.ModalityLUTSequence[0]
        table, first, _ = _table(header, item["LUTDescriptor"], item["LUTData"])
        return _looked_up(stored, table, first)
    slope, intercept = _line(header)
    if (slope, intercept) == (1.0, 0.0):
        return stored
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


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
    """A lookup table, the stored value that its first entry stands for, and its bits per entry."""
    entries, first, bits = (int(value) for value in descriptor.value)
    entries = entries or 2**16
    values = data.value
    if isinstance(values, bytes):
        order = ">" if header.file_meta.TransferSyntaxUID == uid.ExplicitVRBigEndian else "<"
        one_byte = bits <= 8 and len(values) < 2 * entries  # two entries packed into a word
        values = np.frombuffer(values, np.uint8 if one_byte else f"{order}u2")
    table = np.atleast_1d(np.asarray(values, np.float32))[:entries]
    if len(table) < entries or not 8 <= bits <= 16:
        raise ValueError("The lookup table is shorter than it says, or has an impossible depth.")
    if first >= 2**15 and header.PixelRepresentation:
        first -= 2**16  # a negative number that was read as unsigned
    return table, first, bits


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
) -> tuple[float | None, float | None]:
    """Range of black and white where the header names no window; None: by the values."""
    bits, signed = int(header.BitsStored), bool(header.PixelRepresentation)
    if bits <= 8 and not header.get("ModalityLUTSequence"):
        slope, intercept = _line(header)
        lowest = -(2 ** (bits - 1)) if signed else 0
        ends = [end * slope + intercept for end in (lowest, lowest + 2**bits - 1)]
        return min(ends), max(ends)
    padding = _number(header, "PixelPaddingValue")
    if padding is None:
        return None, None
    limit = _number(header, "PixelPaddingRangeLimit")
    low, high = sorted((padding, padding if limit is None else limit))
    if signed and low >= 2**15:  # written as unsigned
        low, high = low - 2**16, high - 2**16
    picture = values[(stored < low) | (stored > high)]
    if not picture.size:
        return None, None
    return float(picture.min()), float(picture.max())

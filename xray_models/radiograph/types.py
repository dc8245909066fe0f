"""Radiograph, the type that RadLens holds, and the error of a file that is none.

The decoders (`raster`, `dicom`) and the entry that chooses between them (`radiograph`) all build
on this file. Import these names from `radiograph`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from xray_models.radiograph.ages import group_of

__all__ = [
    "CONTAINER_BITS",
    "MOST_BYTES",
    "MOST_PIXELS",
    "Radiograph",
    "UnreadableRadiograph",
    "check_size",
    "exchanged",
    "first_of",
    "stretched",
    "white_of",
]

MOST_BYTES = 25 * 2**20
MOST_PIXELS = 60_000_000

_STRIP = 2**22  # values that are worked on at once: the steps between take little memory

CONTAINER_BITS = (8, 10, 12, 14)
"""Bit depths that films in samples of 16 bits usually have."""


class UnreadableRadiograph(ValueError):
    """Error of a file that cannot be read as a radiograph; it says what, why, what to do.

    It never quotes the file's own text, which could hold a patient's name.
    """


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A radiograph and the few facts of its file that are safe to show: no name, id or date.

    Attributes:
        pixels: float32 in 0..1, shape (height, width); bright is dense, and each pixel is square.
        source_format: kind of file and of compression, such as "PNG" or "DICOM (JPEG 2000)".
        bits: meaningful bits per sample.
        modality: DICOM code, such as "DX".
        view: DICOM code of the view position, such as "PA".
        body_part: body part as tagged in the file, such as "CHEST"; often missing or wrong.
        photometric: DICOM photometric interpretation of the file; `pixels` are inverted already.
        spacing_mm: distance of the file's pixels in mm, (between rows, between columns).
        frames: pictures in the file; only the first was read.
        warnings: sentences for people.
        stored_shape: (rows, columns) of the file's own grid, where its pixels are not square and
            `pixels` was made from them; None where the two are the same.
        gray_range: what was shown as black and white, where that is not plain; words for people.
        inverted: black and white were exchanged on request.
        age_band: band of the patient's age, of `ages.BANDS`; None where the file tells none.
    """

    pixels: np.ndarray = field(repr=False)
    source_format: str
    bits: int | None = None
    modality: str | None = None
    view: str | None = None
    body_part: str | None = None
    photometric: str | None = None
    spacing_mm: tuple[float, float] | None = None
    frames: int = 1
    warnings: tuple[str, ...] = ()
    stored_shape: tuple[int, int] | None = None
    gray_range: str | None = None
    inverted: bool = False
    age_band: str | None = None

    @property
    def age_group(self) -> str | None:
        """Age group: "child", "adult", or None where the file tells no age."""
        return group_of(self.age_band)

    @property
    def height(self) -> int:
        """Height of `pixels` in rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Width of `pixels` in columns."""
        return int(self.pixels.shape[1])

    @property
    def file_shape(self) -> tuple[int, int]:
        """(Rows, columns) of the file's own grid, in whose pixels boxes are written to files."""
        return self.stored_shape or (self.height, self.width)

    def facts(self) -> dict[str, str]:
        """Facts of the file that may be shown: label -> value, only what is known."""
        spacing = self.spacing_mm and "{:.3g} × {:.3g} mm".format(*self.spacing_mm)
        known = {
            "File format": self.source_format,
            "Width × height": "{1} × {0} pixels".format(*self.file_shape),
            "Shown with square pixels": self.stored_shape and f"{self.width} × {self.height}",
            "Gray range": self.gray_range,
            "Inverted": "black and white were exchanged" if self.inverted else None,
            "Bits per sample": self.bits and str(self.bits),
            "Modality": self.modality,
            "View": self.view,
            "Age": self.age_band,
            "Body part, as tagged": self.body_part,
            "Photometric interpretation": self.photometric,
            "Pixel spacing (rows × columns)": spacing,
            "Frames": f"{self.frames} (the first is shown)" if self.frames > 1 else None,
        }
        return {label: value for label, value in known.items() if value}


def exchanged(film: Radiograph) -> Radiograph:
    """The film with black and white exchanged, which makes a positive of a negative."""
    return replace(film, pixels=1.0 - film.pixels, inverted=not film.inverted)


def check_size(width: int, height: int, most: int = MOST_PIXELS) -> None:
    """Check the size that a picture's header announces, before anything is decoded.

    Raises:
        UnreadableRadiograph: it has no pixels, or more than `most`.
    """
    if width < 1 or height < 1:
        raise UnreadableRadiograph(
            f"The file announces a picture of {width} × {height} pixels, so there is nothing to "
            "read. Export the radiograph again."
        )
    if width * height > most:
        raise UnreadableRadiograph(
            f"The picture has {width} × {height} pixels, {width * height / 1e6:.0f} megapixels; "
            f"RadLens reads up to {most / 1e6:.0f} of this kind. Export the radiograph at a "
            "smaller size, or in gray as PNG or DICOM."
        )


def first_of(frames: int) -> tuple[str, ...]:
    """Warning for a file that holds several pictures."""
    if frames == 1:
        return ()
    return (f"The file holds {frames} pictures; only the first was read.",)


def white_of(brightest: int, bits: int) -> int:
    """White value of samples of up to 16 bits.

    Films of 10, 12 or 14 bits are often stored in 16 without being scaled up; taken as 16 bits
    they would be almost black.

    Args:
        brightest: the greatest value that occurs.
        bits: size of a sample.

    Returns:
        2**n - 1, where n is the smallest usual bit depth that holds `brightest`.
    """
    if brightest == 0:
        return 2**bits - 1
    return 2 ** next((n for n in CONTAINER_BITS if n < bits and brightest < 2**n), bits) - 1


def stretched(
    values: np.ndarray, darkest: float | None = None, brightest: float | None = None
) -> np.ndarray:
    """Values from `darkest` (default: their minimum) to `brightest` (maximum), scaled to 0..1.

    Args:
        values: numbers of any type and shape; what is no number becomes 0.
        darkest: becomes 0, as does what lies below.
        brightest: becomes 1, as does what lies above.

    Returns:
        float32 in 0..1 of the same shape; 0 everywhere if all values are equal.
    """
    low, high = darkest, brightest
    if low is None or high is None or not values.size:
        known = values if values.dtype.kind in "iu" else values[np.isfinite(values)]
        if not known.size:
            return np.zeros(values.shape, np.float32)
        low = float(known.min()) if low is None else low
        high = float(known.max()) if high is None else high
    if not high > low:
        return np.zeros(values.shape, np.float32)
    found = np.empty(values.shape, np.float32)
    flat, out = values.reshape(-1), found.reshape(-1)
    once = values.dtype == np.uint8 and values.size > 256  # scale each gray level once
    levels = stretched(np.arange(256, dtype=np.uint8), low, high) if once else None
    for start in range(0, flat.size, _STRIP):
        part = slice(start, start + _STRIP)
        if levels is not None:
            out[part] = levels.take(flat[part])
            continue
        # in double precision, for 32-bit values differ by less than float32 can tell apart
        scaled: np.ndarray = flat[part].astype(
            np.float64 if values.dtype.itemsize > 2 else np.float32
        )
        scaled -= low
        scaled /= high - low
        scaled = scaled.astype(np.float32, copy=False)
        if values.dtype.kind not in "iu":
            np.nan_to_num(scaled, copy=False, nan=0.0)
        np.clip(scaled, 0.0, 1.0, out=out[part])
    return found

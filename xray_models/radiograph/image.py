"""Pictures that are not DICOM: PNG, JPEG, TIFF, BMP and WebP, decoded by Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from xray_models.radiograph.quiet import silenced
from xray_models.radiograph.types import (
    MOST_PIXELS,
    Radiograph,
    UnreadableRadiograph,
    check_size,
    first_of,
    stretched,
    white_of,
)

__all__ = ["FORMATS", "decode", "size"]

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")

_NAMES = {"WEBP": "WebP", "MPO": "JPEG"}  # MPO: what Pillow calls a phone's JPEG with a preview
_TIFF_PHOTOMETRIC = 262
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that exchange width and height
_MOST_PAGES = 1000


def decode(data: bytes) -> Radiograph:
    """Decode a picture to gray; the first page or frame where there are several.

    EXIF rotation is applied, transparency is laid on black, color becomes ITU-R 601 luma.

    Args:
        data: the whole file, in one of `FORMATS`.

    Raises:
        UnreadableRadiograph: too many pixels, damaged, truncated or in an unusual encoding.
    """
    with _opened(BytesIO(data)) as image:
        return _radiograph(image)


def size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels that `decode` would give a picture; only its header is read.

    Args:
        path: of a file in one of `FORMATS`.

    Raises:
        UnreadableRadiograph: too many pixels, or the header is damaged.
    """
    with _opened(path) as image:
        width, height = image.size
        sideways = image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
        return (height, width) if sideways else (width, height)


@contextmanager
def _opened(source: BytesIO | Path) -> Iterator[Image.Image]:
    """A picture whose header was looked at; what Pillow raises becomes a sentence."""
    with silenced():
        try:
            with Image.open(source, formats=FORMATS) as image:
                check_size(*image.size)
                yield image
        except UnreadableRadiograph:
            raise
        except Image.DecompressionBombError:  # Pillow counts before `check_size` can
            raise UnreadableRadiograph(
                f"The picture has more than {MOST_PIXELS / 1e6:.0f} megapixels, the most that "
                "RadLens reads. Export the radiograph at a smaller size."
            ) from None
        except Exception:  # on damaged files Pillow raises nearly everything
            raise UnreadableRadiograph(
                "The picture is damaged, cut short, or encoded in a way that RadLens cannot "
                "decode. Copy it again, or save it as PNG from another program."
            ) from None


def _radiograph(image: Image.Image) -> Radiograph:
    image.load()
    upright = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        values = np.asarray(upright)
        white = white_of(int(values.max()), 16)
        pixels, bits = stretched(values, 0, white), white.bit_length()
    elif image.mode in ("I", "F"):  # with no agreement on what is white
        pixels, bits = stretched(np.asarray(upright)), 32
    else:
        pixels, bits = stretched(np.asarray(_grey(upright)), 0, 255), 1 if image.mode == "1" else 8
    if (image.mode in ("I", "F") or image.mode.startswith("I;16")) and _white_is_zero(image):
        pixels = 1.0 - pixels
    frames = _pages(image)
    return Radiograph(
        pixels,
        source_format=_NAMES.get(str(image.format), str(image.format)),
        bits=bits,
        frames=frames,
        warnings=first_of(frames),
    )


def _white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF counts from white to black; Pillow inverts only those of up to 8 bits."""
    tags = getattr(image, "tag_v2", {})
    return image.format == "TIFF" and tags.get(_TIFF_PHOTOMETRIC) == 0


def _grey(image: Image.Image) -> Image.Image:
    """Gray of 8 bits; where the picture is transparent there is black."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    return image.convert("L")


def _pages(image: Image.Image) -> int:
    if image.format != "TIFF":
        return getattr(image, "n_frames", 1)
    # the pages of a TIFF are a chain that a hostile file can make very long
    for page in range(1, _MOST_PAGES):
        try:
            image.seek(page)
        except Exception:  # the end, or a page that nobody asked for is damaged
            return page
    return _MOST_PAGES

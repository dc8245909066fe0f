"""Pictures that are not DICOM: PNG, JPEG, TIFF, BMP and WebP, decoded by Pillow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from xray_models.radiograph import deep_color, jpeg_stream, tiff_samples, ycbcr
from xray_models.radiograph.gray_range import brightest, gray_range
from xray_models.radiograph.picture_limits import MOST_WEBP_PIXELS, check_picture, pages
from xray_models.radiograph.quiet import silenced
from xray_models.radiograph.square import picture_ratio, squared, squared_shape
from xray_models.radiograph.types import (
    CONTAINER_BITS,
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
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that exchange width and height
_STRIP = 2**22  # pixels
_MOST_FLOAT_PIXELS = 36_000_000  # each of which is sorted to find the range of grays
_MOST_DEEP_PIXELS = 25_000_000  # in colors of 16 bits, which are decoded twice and put together
_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).T,
    8: np.rot90,
}


def decode(data: bytes) -> Radiograph:
    """Decode a picture to gray; the first page or frame where there are several.

    EXIF rotation is applied, transparency is laid on black, color becomes ITU-R 601 luma.

    Args:
        data: the whole file, in one of `FORMATS`.

    Raises:
        UnreadableRadiograph: too many pixels, damaged, truncated or in an unusual encoding.
    """
    doubts: tuple[str, ...] = ()
    if data.startswith(b"\xff\xd8"):
        with _opened(BytesIO(data)):  # its size is checked first
            data, doubts = jpeg_stream.checked(data)
    data, white_is_zero = tiff_samples.counted_from_black(data)
    with _opened(BytesIO(data)) as image:
        film = _radiograph(image, data)
    pixels = 1.0 - film.pixels if white_is_zero else film.pixels
    return replace(film, pixels=pixels, warnings=(*film.warnings, *doubts))


def size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels that `decode` would give a picture; only its header is read.

    Args:
        path: of a file in one of `FORMATS`.

    Raises:
        UnreadableRadiograph: too many pixels, or the header is damaged.
    """
    source: BytesIO | Path = path
    with path.open("rb") as file:
        if file.read(2) in (b"II", b"MM"):
            source = BytesIO(tiff_samples.counted_from_black(path.read_bytes())[0])
    with _opened(source) as image:
        width, height = image.size
        if image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS:
            width, height = height, width
        rows, columns = squared_shape(height, width, picture_ratio(image)) or (height, width)
        return columns, rows


@contextmanager
def _opened(source: BytesIO | Path) -> Iterator[Image.Image]:
    """A picture whose header was looked at; what Pillow raises becomes a sentence."""
    with silenced():
        try:
            if isinstance(source, BytesIO):
                check_picture(source.getvalue())
            with Image.open(source, formats=FORMATS) as image:
                check_size(*image.size, MOST_WEBP_PIXELS if image.format == "WEBP" else MOST_PIXELS)
                yield image
        except (UnreadableRadiograph, MemoryError):
            raise
        except jpeg_stream.EndsEarly:
            raise UnreadableRadiograph(
                "The JPEG picture is cut short: its data end before the picture does, and what is "
                "missing would be shown as flat gray. Copy the file again from where it came from."
            ) from None
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


def _radiograph(image: Image.Image, data: bytes) -> Radiograph:
    if deep_color.is_deep(image):  # first, for to ask a PNG for its EXIF data is to load it
        check_size(*image.size, _MOST_DEEP_PIXELS)
        return squared(_deep(image, data), picture_ratio(image))
    if image.mode == "F":
        check_size(*image.size, _MOST_FLOAT_PIXELS)
    ratio, doubts = picture_ratio(image), list[str]()
    if image.format in ("JPEG", "MPO") and (gray := ycbcr.gray_of_jpeg(image, data)) is not None:
        image = gray
        doubts.append(ycbcr.MISTAKEN)
    else:
        image.load()
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    upright = ImageOps.exif_transpose(image) if turned else image
    note = None
    if image.mode.startswith("I;16"):
        values = np.asarray(upright)
        white = white_of(brightest(values, CONTAINER_BITS), 16)
        pixels, bits = stretched(values, 0, white), white.bit_length()
        if isinstance(clear := image.info.get("transparency"), int):
            pixels[values == clear] = 0
    elif image.mode in ("I", "F"):  # with no agreement on what is white
        values, bits = tiff_samples.as_stored(image, np.asarray(upright)), 32
        shown = gray_range(values)
        pixels = stretched(values, shown and shown.low, shown and shown.high)
        note = shown and shown.sentence
    else:
        values, bits = tiff_samples.as_stored(image, _grey(upright)), 1 if image.mode == "1" else 8
        lowest = np.iinfo(values.dtype).min
        pixels = stretched(values, lowest, lowest + 255)
    film = _described(image, data, pixels, bits)
    return squared(replace(film, warnings=(*film.warnings, *doubts), gray_range=note), ratio)


def _deep(image: Image.Image, data: bytes) -> Radiograph:
    """A picture whose colors have 16 bits each; where it is transparent there is black."""
    color = deep_color.read(data, FORMATS)
    white = white_of(brightest(color.gray, CONTAINER_BITS), 16)
    pixels = stretched(color.gray, 0, white)
    if color.alpha is not None:
        pixels *= stretched(color.alpha, 0, white_of(int(color.alpha.max()), 16))
    turned = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    if turned is not None:
        pixels = np.ascontiguousarray(turned(pixels))
    return _described(image, data, pixels, white.bit_length())


def _described(image: Image.Image, data: bytes, pixels: np.ndarray, bits: int) -> Radiograph:
    frames = pages(data) if image.format == "TIFF" else getattr(image, "n_frames", 1)
    return Radiograph(
        pixels,
        source_format=_NAMES.get(str(image.format), str(image.format)),
        bits=bits,
        frames=frames,
        warnings=first_of(frames),
    )


def _grey(image: Image.Image) -> np.ndarray:
    """Gray of 8 bits, uint8; where the picture is transparent there is black.

    In strips, for the steps between need four bytes a pixel each.
    """
    gray = np.empty((image.height, image.width), np.uint8)
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(image.height, top + rows)))
        if strip.has_transparency_data:
            strip = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, "black"), strip)
        gray[top : top + rows] = np.asarray(strip.convert("L"))
    return gray

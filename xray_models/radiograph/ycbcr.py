"""Gray films whose file mistakes luma and chroma for red, green and blue, or the other way round.

Read as its file says, such a film loses most of its contrast. A radiograph has no color, so the
channels themselves tell: of luma and chroma the chroma is constant in the middle, of red, green and
blue all three are alike.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

__all__ = ["MISTAKEN", "gray_of_jpeg", "is_luma_and_chroma", "is_red_green_blue"]

MISTAKEN = (
    "The file mistakes brightness and color for red, green and blue, or the other way round. "
    "The brightness alone was read."
)

_NEARLY_ALL = 0.99  # of the pixels; a colored mark may lie on a gray film
_NEAR = 4 / 255  # of white: what compression adds to a constant channel
_SIDE = 256  # pixels: the picture is judged by a grid of about so many rows and columns
_COLORFUL = 24  # of 255


def is_luma_and_chroma(channels: np.ndarray, white: int) -> bool:
    """Whether three channels are the luma of a gray film and its constant chroma.

    Args:
        channels: integers in 0..white, (height, width, 3).
        white: the greatest possible value.
    """
    luma, *chroma = _sampled(channels)
    flat = [_near(one, (white + 1) / 2, white) for one in chroma]
    return all(flat) and not _near(luma, (white + 1) / 2, white)


def is_red_green_blue(channels: np.ndarray, white: int) -> bool:
    """Whether three channels are all alike, as red, green and blue of a gray film are."""
    red, green, blue = _sampled(channels)
    alike = _near(green, red, white) and _near(blue, red, white)
    return alike and not _near(red, (white + 1) / 2, white)


def gray_of_jpeg(image: Image.Image, data: bytes) -> Image.Image | None:
    """The film in a color JPEG whose markers mistake its channels; None where they are right.

    Args:
        image: opened and not loaded; is loaded if it is in color.
        data: its file.
    """
    if image.mode != "RGB":
        return None
    image.load()
    channels = np.asarray(image)
    if is_luma_and_chroma(channels, 255):
        return _like(image, channels[..., 0])
    red, green, _ = _sampled(channels)
    # red, green and blue that went through the conversion from luma and chroma are full of color
    if np.abs(red - green).mean() < _COLORFUL:
        return None
    with Image.open(BytesIO(data), formats=("JPEG", "MPO")) as raw:
        raw.draft("YCbCr", raw.size)
        channels = np.asarray(raw)
    if channels.ndim == 3 and is_red_green_blue(channels, 255):
        return _like(image, channels[..., 0])
    return None


def _like(image: Image.Image, gray: np.ndarray) -> Image.Image:
    """A gray picture with the facts of another."""
    found = Image.fromarray(np.ascontiguousarray(gray))
    found.info, found.format = image.info, image.format
    return found


def _sampled(channels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three channels on a coarse grid, as float32."""
    down = max(1, channels.shape[0] // _SIDE)
    across = max(1, channels.shape[1] // _SIDE)
    some = channels[::down, ::across].astype(np.float32)
    return some[..., 0], some[..., 1], some[..., 2]


def _near(one: np.ndarray, other: np.ndarray | float, white: int) -> bool:
    return bool((np.abs(one - other) <= _NEAR * white).mean() >= _NEARLY_ALL)

"""Color pictures of 16 bits a channel, PNG and TIFF, with all their bits.

Pillow has no such mode and keeps the upper eight bits. Told that the bytes lie the other way round,
it keeps the lower eight: two passes through its own decoders give all sixteen.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

__all__ = ["DeepColor", "is_deep", "read"]

_PLANAR = 284
_BITS = 258
_NATIVE = ";16L" if np.little_endian else ";16B"
# raw mode as Pillow announces it -> the one that gives the lower bytes
_LOWER = {
    f"{channels};16{order}": f"{channels};16{other}"
    for channels in ("RGB", "RGBA", "RGBX")
    for order, other in ("BL", "LB")
}


class DeepColor(NamedTuple):
    """Channels of 16 bits.

    Attributes:
        gray: uint16, (height, width): the colors' ITU-R 601 luma, on the scale of the channels.
        alpha: uint16, (height, width); None where nothing is transparent.
    """

    gray: np.ndarray
    alpha: np.ndarray | None


def is_deep(image: Image.Image) -> bool:
    """Whether a picture that was opened, not yet loaded, has color (or alpha) of 16 bits."""
    return bool(_raw_mode(image)) or _is_separate(image)


def read(data: bytes, formats: tuple[str, ...]) -> DeepColor:
    """Decode such a picture."""
    with Image.open(BytesIO(data), formats=formats) as image:
        raw = _raw_mode(image)
        transparent = image.info.get("transparency")
        if _is_separate(image):
            return _color(_separate(data, formats, len(image.tile)))
        if raw == "LA;16B":
            # four bytes a pixel, which lie in a row as those of 8-bit RGBA do
            four = _loaded(data, formats, "RGBA")
            pair = _joined(four[..., 0::2], four[..., 1::2])
            return DeepColor(pair[..., 0], pair[..., 1])
        image.load()
        upper = np.asarray(image)
    lower = _loaded(data, formats, _LOWER[_as_stored(raw)])
    channels = _joined(upper, lower)
    color = _color(channels[..., :3])
    if raw.startswith("RGBA"):
        return color._replace(alpha=channels[..., 3])
    if isinstance(transparent, tuple) and len(transparent) == 3:
        seen = (channels != np.array(transparent, np.uint16)).any(axis=-1)
        return color._replace(alpha=seen.astype(np.uint16) * np.uint16(65535))
    return color


def _raw_mode(image: Image.Image) -> str:
    tiles = getattr(image, "tile", [])
    if not tiles:
        return ""
    arguments = tiles[0].args
    raw = arguments if isinstance(arguments, str) else str(arguments[0]) if arguments else ""
    known = raw == "LA;16B" or _as_stored(raw) in _LOWER
    return raw if known else ""


def _as_stored(raw: str) -> str:
    """The raw mode with "native" put in words."""
    return raw.replace(";16N", _NATIVE)


def _is_separate(image: Image.Image) -> bool:
    """Whether a TIFF keeps its channels of 16 bits in planes, which Pillow takes for 8 bits."""
    tags = getattr(image, "tag_v2", {})
    return (
        image.format == "TIFF"
        and tags.get(_PLANAR) == 2
        and set(tags.get(_BITS, ())) == {16}
        and len(tags.get(_BITS, ())) > 1
    )


def _separate(data: bytes, formats: tuple[str, ...], planes: int) -> np.ndarray:
    """The first three planes of a TIFF that lie uncompressed, one after the other.

    Raises:
        ValueError: they are compressed, or in pieces.
    """
    found = []
    for plane in range(3):
        with Image.open(BytesIO(data), formats=formats) as image:
            tile = image.tile[plane]
            if tile.codec_name != "raw" or planes not in (3, 4):
                raise ValueError("Planes of 16 bits that are compressed cannot be decoded.")
            raw = "I;16B" if data[:2] == b"MM" else "I;16"
            image._mode = "I;16"
            image.tile = [_reading(tile, raw)]
            image.load()
            found.append(np.asarray(image).astype(np.uint16))
    return np.stack(found, axis=-1)


def _loaded(data: bytes, formats: tuple[str, ...], raw: str) -> np.ndarray:
    with Image.open(BytesIO(data), formats=formats) as image:
        image.tile = [_reading(tile, raw) for tile in image.tile]
        image.load()
        return np.asarray(image)


def _reading(tile: Any, raw: str) -> Any:
    """A tile of Pillow's that is decoded in another raw mode."""
    return tile._replace(args=raw if isinstance(tile.args, str) else (raw, *tile.args[1:]))


def _joined(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    joined = upper.astype(np.uint16)
    joined <<= np.uint16(8)
    joined |= lower
    return joined


def _color(channels: np.ndarray) -> DeepColor:
    red, green, blue = (channels[..., at] for at in range(3))
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return DeepColor(np.ascontiguousarray(red), None)
    luma = channels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return DeepColor(np.rint(luma).astype(np.uint16), None)

"""Overlay of a heatmap on a radiograph, as pixels or PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

__all__ = [
    "BOX_COLOR",
    "COLORMAPS",
    "Style",
    "color_table",
    "encode",
    "film",
    "outlined",
    "overlay",
    "shrink",
    "shrunk_shape",
]

COLORMAPS = ("inferno", "viridis", "plasma", "cividis", "turbo", "jet")
"""Names to choose from. The first four are perceptually uniform (van der Walt & Smith 2015); turbo
and jet are not: their bright bands suggest edges that are not in the heat."""

BOX_COLOR = "#5ce1ff"
"""Of boxes, on the screen and in files: none of the color maps has it."""

_BOX_LINE = 0.003  # of the longer side
# of the longer side, so that a saved overlay looks like the one on the screen
_CONTOUR_WIDTH = 0.0035
_HALO = 2.2  # a dark line this much wider keeps the bright contour visible on bright bone


@dataclass(frozen=True)
class Style:
    """Style in which heat is laid over a film.

    Attributes:
        colormap: one of `COLORMAPS`.
        opacity: of the heat, 0 (film only) to 1 (heat only).
        threshold: heat below it leaves the film as it is; 0..1. Zero heat always does.
        contour: draw a line where the heat crosses the threshold.
    """

    colormap: str = COLORMAPS[0]
    opacity: float = 0.5
    threshold: float = 0.3
    contour: bool = True

    def __post_init__(self) -> None:
        if self.colormap not in COLORMAPS:
            raise ValueError(f"No color map {self.colormap!r}. Known: {', '.join(COLORMAPS)}.")
        for name in ("opacity", "threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must lie between 0 and 1.")


def overlay(gray: np.ndarray, heat: np.ndarray, style: Style) -> np.ndarray:
    """Lay heat over a film.

    Args:
        gray: float32 in 0..1, (height, width).
        heat: float32 in 0..1, same shape.
        style: colors, opacity, threshold and contour.

    Returns:
        uint8 RGB, (height, width, 3).

    Raises:
        ValueError: the shapes differ.
    """
    if gray.shape != heat.shape:
        raise ValueError(f"The film is {gray.shape}, the heat {heat.shape}: they must be the same.")
    alpha = np.where((heat >= style.threshold) & (heat > 0), style.opacity, 0.0)[..., None]
    film = np.repeat(gray[..., None], 3, axis=-1)
    mixed = film + alpha.astype(np.float32) * (_table(style.colormap)[_index(heat)] - film)
    if style.contour and style.opacity > 0:
        mixed = _draw_contour(mixed, heat, style.threshold)
    return _to_bytes(mixed)


def outlined(
    pixels: np.ndarray, boxes: Sequence[tuple[tuple[float, float, float, float], str]]
) -> np.ndarray:
    """Boxes drawn over a picture, each with its words above it.

    Args:
        pixels: uint8 RGB, (height, width, 3).
        boxes: ((x0, y0, x1, y1) in shares of the picture's width and height, words).

    Returns:
        uint8 RGB, same shape.
    """
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    height, width = pixels.shape[:2]
    line = max(1, round(_BOX_LINE * max(height, width)))
    size = max(10, 6 * line)
    font = ImageFont.load_default(size)
    for (x0, y0, x1, y1), words in boxes:
        left, right = sorted((x0 * width, x1 * width))
        top, bottom = sorted((y0 * height, y1 * height))
        # boxes end before x1 and y1, Pillow's rectangles on them
        right, bottom = max(left, right - 1), max(top, bottom - 1)
        draw.rectangle((left - line, top - line, right + line, bottom + line), None, "black", line)
        draw.rectangle((left, top, right, bottom), None, BOX_COLOR, line)
        if words:
            at = (max(0.0, left), max(0.0, top - 1.4 * size))
            draw.rectangle(draw.textbbox(at, words, font), "black")
            draw.text(at, words, BOX_COLOR, font)
    return np.asarray(image)


def film(gray: np.ndarray) -> np.ndarray:
    """A film without heat, as uint8 RGB of shape (height, width, 3)."""
    return _to_bytes(np.repeat(gray[..., None], 3, axis=-1))


def shrink(gray: np.ndarray, longest: int) -> np.ndarray:
    """A film scaled down to at most `longest` pixels on its longer side, with antialiasing.

    Args:
        gray: float32, (height, width).
        longest: in pixels.

    Returns:
        float32; the film itself where it is small enough.
    """
    height, width = shrunk_shape(gray.shape, longest)
    if (height, width) == gray.shape:
        return gray
    image = Image.fromarray(np.ascontiguousarray(gray, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def shrunk_shape(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    """Shape (height, width) that `shrink` gives a film of a shape."""
    height, width = shape
    scale = longest / max(height, width)
    if scale >= 1:
        return height, width
    return max(1, round(height * scale)), max(1, round(width * scale))


def encode(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """Encode pixels as an image file with nothing else in it: no name, no date.

    Args:
        pixels: uint8, (height, width, 3).
        kind: "PNG" to keep, "JPEG" for the screen.
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, quality=90, compress_level=4)
    return file.getvalue()


def color_table(colormap: str) -> np.ndarray:
    """Colors of a map from no heat to most, as uint8 RGB of shape (256, 3)."""
    return _to_bytes(_table(colormap))


def _draw_contour(mixed: np.ndarray, heat: np.ndarray, threshold: float) -> np.ndarray:
    """Blend in the line where heat equals the threshold, one width everywhere and antialiased."""
    slope = np.hypot(*np.gradient(heat)) if min(heat.shape) > 1 else np.zeros_like(heat)
    # distance to the line in pixels, to first order; a plateau has no line
    distance = np.full(heat.shape, np.inf, np.float32)
    np.divide(np.abs(heat - threshold), slope, out=distance, where=slope > 1e-7)
    half = max(0.75, _CONTOUR_WIDTH * max(heat.shape) / 2)
    # a peak that only touches the threshold would leave a speck, which looks like a finding
    lines, count = ndimage.label(distance < half * _HALO + 0.5)
    if count:
        sizes = np.bincount(lines.ravel())
        specks = sizes < 4 * np.pi * (half * _HALO) ** 2
        specks[0] = False
        distance[specks[lines]] = np.inf
    for color, reach in ((0.0, half * _HALO), (1.0, half)):
        line = np.clip(reach + 0.5 - distance, 0.0, 1.0)[..., None].astype(np.float32)
        mixed = mixed + line * (color - mixed)
    return mixed


def _table(colormap: str) -> np.ndarray:
    """float32 RGB in 0..1, (256, 3)."""
    colors = matplotlib.colormaps[colormap](np.arange(256))
    return np.asarray(colors[:, :3], np.float32)


def _index(heat: np.ndarray) -> np.ndarray:
    return np.clip(heat * 255 + 0.5, 0, 255).astype(np.uint8)


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)

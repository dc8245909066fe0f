"""Preprocessing: from a radiograph's pixels to a network's input, and back for heatmaps.

Training and reading both go through `resize`, so that a network sees the same geometry in both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

__all__ = ["GEOMETRIES", "SCALINGS", "Placement", "resize", "scale"]

GEOMETRIES = ("fit", "stretch")
SCALINGS = ("unit", "symmetric", "imagenet", "hed", "z-score")

_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)
# keras.applications' caffe mode: 255-scaled BGR minus these means; gray needs only the means
_CAFFE_BGR_MEAN = np.array([103.939, 116.779, 123.68], np.float32)


@dataclass(frozen=True)
class Placement:
    """Placement of the radiograph inside the network's input, in input pixels.

    A point (x, y) of the radiograph lies at (left + x * scale_x, top + y * scale_y).
    """

    left: float
    top: float
    scale_x: float
    scale_y: float
    width: int
    height: int

    def box_in_input(self) -> tuple[float, float, float, float]:
        """Corners (x0, y0, x1, y1) of the radiograph inside the input, in input pixels."""
        return (
            self.left,
            self.top,
            self.left + self.width * self.scale_x,
            self.top + self.height * self.scale_y,
        )


def resize(
    pixels: np.ndarray, input_size: tuple[int, int], geometry: str
) -> tuple[np.ndarray, Placement]:
    """Resize gray pixels to a network's input size, with antialiasing.

    Args:
        pixels: float32 in 0..1, shape (height, width).
        input_size: (height, width) of the network's input.
        geometry: "fit" keeps the aspect ratio and pads with black, centered; "stretch" fills.

    Returns:
        float32 in 0..1 of shape `input_size`, and the placement that maps points between the two.

    Raises:
        ValueError: for an unknown geometry.
    """
    if geometry not in GEOMETRIES:
        raise ValueError(f"Unknown geometry {geometry!r}. Known: {', '.join(GEOMETRIES)}.")
    rows, columns = input_size
    height, width = pixels.shape
    if geometry == "stretch":
        new_height, new_width = rows, columns
    else:
        scale = min(rows / height, columns / width)
        new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    small = np.asarray(
        Image.fromarray(np.ascontiguousarray(pixels, np.float32)).resize(
            (new_width, new_height), Image.Resampling.BILINEAR
        )
    )
    top, left = (rows - new_height) // 2, (columns - new_width) // 2
    canvas = np.zeros((rows, columns), np.float32)
    canvas[top : top + new_height, left : left + new_width] = small
    placement = Placement(left, top, new_width / width, new_height / height, width, height)
    return canvas, placement


def scale(gray: np.ndarray, scaling: str, mean_std: tuple[float, ...] = ()) -> np.ndarray:
    """Scale gray values in 0..1 to what a network was trained on, with three channels last.

    Args:
        gray: float32 in 0..1, any shape.
        scaling: "unit" (unchanged), "symmetric" (-1..1, as MobileNetV2 of keras.applications),
            "imagenet" (minus mean, over standard deviation), "hed" (VGG16's original: 0..255 minus
            the ImageNet mean, in BGR), "z-score" (0..255 minus the mean, over the standard
            deviation, of `mean_std`).
        mean_std: for "z-score", mean and standard deviation of the training films' 0..255 pixels.

    Returns:
        float32 of shape (*gray.shape, 3).

    Raises:
        ValueError: for an unknown scaling, or a "z-score" without mean and standard deviation.
    """
    gray = gray[..., None]
    if scaling == "unit":
        return np.repeat(gray, 3, axis=-1).astype(np.float32)
    if scaling == "symmetric":
        return np.repeat(2.0 * gray - 1.0, 3, axis=-1).astype(np.float32)
    if scaling == "imagenet":
        return ((gray - _IMAGENET_MEAN) / _IMAGENET_STD).astype(np.float32)
    if scaling == "hed":
        return (gray * 255.0 - _CAFFE_BGR_MEAN).astype(np.float32)
    if scaling == "z-score":
        if len(mean_std) != 2 or mean_std[1] <= 0:
            raise ValueError("The scaling z-score needs a mean and a standard deviation above 0.")
        mean, deviation = mean_std
        return np.repeat((gray * 255.0 - mean) / deviation, 3, axis=-1).astype(np.float32)
    raise ValueError(f"Unknown scaling {scaling!r}. Known: {', '.join(SCALINGS)}.")

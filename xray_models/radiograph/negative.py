"""Negatives: films stored with black and white exchanged, and nothing in the file to tell.

A film is scored by three 8 × 8 pictures of it: its gray, the same at equal contrast, and the order
of its grays. Background, lungs and bones lie at usual places, so a weighted sum tells which way
round a film is. All three turn their sign when the film is inverted, and so does the sum.
docs/reading.md says how often it errs; `python -m benchmarks.negatives` fits and measures it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from xray_models.radiograph.negative_weights import CERTAIN, LIKELY, WEIGHTS
from xray_models.radiograph.types import Radiograph

__all__ = ["SIDE", "features", "score", "thumbnail", "warning"]

SIDE = 8
"""Rows and columns of the pictures that are scored."""

_WARNING = (
    "The film looks like a negative: black and white may be exchanged. If bones are dark on it, "
    "invert it (the switch on the Read page, or --invert)."
)
_SAMPLED = 256  # rows and columns that are enough to make so small a picture from
_CONTRAST = 0.03  # standard deviation of the small picture's gray, below which it shows nothing
_SMALLEST = 64  # pixels on either side of a film that is more than a drawing


def warning(film: Radiograph) -> str | None:
    """The sentence that is due where a film looks like a negative.

    A DICOM file says which way round its film is; there the score must be higher to doubt it.
    """
    if min(film.height, film.width) < _SMALLEST:
        return None
    least = LIKELY if film.photometric is None else CERTAIN
    small = thumbnail(film.pixels)
    return _WARNING if small.std() >= _CONTRAST and score(small) >= least else None


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """A film's mean gray in each of 8 × 8 cells.

    Args:
        pixels: float32 in 0..1, (height, width).

    Returns:
        float32 in 0..1, shape (8, 8).
    """
    down, across = (max(1, size // _SAMPLED) for size in pixels.shape)
    some = np.ascontiguousarray(pixels[::down, ::across], np.float32)
    return np.asarray(Image.fromarray(some).resize((SIDE, SIDE), Image.Resampling.BOX))


def score(small: np.ndarray) -> float:
    """How much a film's thumbnail looks like a negative: above 0 if more than like a positive."""
    return float(features(small[None])[0] @ WEIGHTS)


def features(small: np.ndarray) -> np.ndarray:
    """What thumbnails are scored by.

    Args:
        small: float32 in 0..1, (films, 8, 8).

    Returns:
        float32, (films, 192): gray, gray at equal contrast, and ranks; each around 0.
    """
    gray = small.reshape(len(small), -1).astype(np.float32)
    centered = gray - gray.mean(axis=1, keepdims=True)
    even = centered / (centered.std(axis=1, keepdims=True) + 0.02)
    ranks = gray.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    return np.concatenate([gray - 0.5, even, ranks / (gray.shape[1] - 1) - 0.5], axis=1).astype(
        np.float32
    )

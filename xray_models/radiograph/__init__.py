"""Radiographs read from any upload into gray pixels: PNG, JPEG, TIFF, BMP, WebP or DICOM."""

from xray_models.radiograph.reader import begins_as_film, read, size
from xray_models.radiograph.types import (
    MOST_BYTES,
    MOST_PIXELS,
    Radiograph,
    UnreadableRadiograph,
    exchanged,
)

__all__ = [
    "MOST_BYTES",
    "MOST_PIXELS",
    "Radiograph",
    "UnreadableRadiograph",
    "begins_as_film",
    "exchanged",
    "read",
    "size",
]

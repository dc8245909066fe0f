"""Files of the Read page: the overlay, the boxes, the reading."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.shared.page import NOTICE
from pages.viewer.component import Saved
from xray_models.datasets.samples import SAMPLES
from xray_models.viz import overlay
from xray_models.viz.box_words import caption

if TYPE_CHECKING:
    from xray_models.explain.boxes import Box
    from xray_models.explain.heatmap import Heatmap
    from xray_models.pipeline import Reading
    from xray_models.radiograph import Radiograph

__all__ = ["BOXES", "PICTURE", "SAVED", "offer_reading", "saved_boxes", "saved_overlay"]

SAVED = 4096  # pixels on the longer side of a saved overlay: memory has an end
PICTURE = "picture"
BOXES = {
    "boxes json": "Boxes as JSON",
    "boxes text": "Boxes as text",
    "boxes coco": "Boxes as COCO",
}
"""Kinds of files of boxes; a box in a file names a finding, so only boxes of what speaks for it."""


def offer_reading(reading: Reading) -> None:
    """Button that saves the reading and runs nothing."""
    st.download_button(
        "Reading as JSON",
        data=json.dumps(reading.as_dict() | {"notice": NOTICE}, indent=2, ensure_ascii=False),
        file_name="radlens-reading.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
    )


def saved_overlay(
    film: Radiograph, heatmap: Heatmap | None, boxes: tuple[Box, ...], style: overlay.Style
) -> Saved:
    """Overlay at the film's own size, or at most `SAVED` pixels on its longer side, as PNG."""
    gray = overlay.shrink(film.pixels, SAVED)
    if heatmap is None:
        pixels = overlay.film(gray)
    else:
        pixels = overlay.overlay(gray, heatmap.on_radiograph(gray.shape), style)
    shares = np.array([film.width, film.height, film.width, film.height])
    drawn = [(tuple(np.array(box.corners) / shares), caption(box)) for box in boxes]
    content = overlay.encode(overlay.outlined(pixels, drawn) if drawn else pixels)
    return Saved(content, "image/png", "radlens-overlay.png")


def saved_boxes(
    kind: str, film: Radiograph, film_key: str, boxes: tuple[Box, ...], made_by: str
) -> Saved:
    """Boxes of a finding as a file.

    Args:
        kind: one of `BOXES`.
        film: the radiograph.
        film_key: of the film.
        boxes: in pixels of the film.
        made_by: model, method at its layers, rule and query.
    """
    from xray_models.explain import box_files
    from xray_models.explain.boxes import on_grid

    # an upload's name goes nowhere
    named = film_key if film_key in SAMPLES else "radiograph"
    height, width = film.file_shape
    stored = on_grid(boxes, (film.height, film.width), (height, width))
    films = [box_files.FilmBoxes(named, stored, width, height)]
    if kind == "boxes text":
        return Saved(box_files.text(films).encode(), "text/plain", "radlens-boxes.txt")
    if kind == "boxes coco":
        content = box_files.as_coco(films, made_by)
        return Saved(content.encode(), "application/json", "radlens-boxes-coco.json")
    content = box_files.as_json(films, made_by)
    return Saved(content.encode(), "application/json", "radlens-boxes.json")

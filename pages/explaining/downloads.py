"""Downloads of the Read page: the overlay, the reading, the boxes."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.shared.page import NOTICE
from xray_models.datasets.samples import SAMPLES
from xray_models.viz import film_figure, overlay

if TYPE_CHECKING:
    from xray_models.explain.boxes import Box
    from xray_models.explain.heatmap import Heatmap
    from xray_models.explain.queries import Query
    from xray_models.pipeline import Reading
    from xray_models.radiograph import Radiograph

__all__ = ["SAVED", "download", "save", "saved_overlay"]

SAVED = 4096  # pixels on the longer side of a saved overlay: memory has an end


def save(
    film: Radiograph,
    film_key: str,
    reading: Reading,
    heatmap: Heatmap | None,
    query: Query,
    boxes: tuple[Box, ...],
    style: overlay.Style,
    made_by: str,
) -> None:
    """Download buttons; a box in a file names a finding, so only boxes of what speaks for it.

    Args:
        film: the radiograph.
        film_key: of the film.
        reading: of the film.
        heatmap: what is laid over it; None where there is none yet.
        query: what the heat speaks for.
        boxes: drawn on the overlay.
        style: of the overlay.
        made_by: model, method at its layers, rule and query, for the files of boxes.
    """
    with st.container(horizontal=True):
        if heatmap is not None:
            download(
                "Overlay as PNG",
                partial(saved_overlay, film, heatmap, boxes, style),
                "radlens-overlay.png",
                "image/png",
                "At the film's own size, or 4096 pixels on its longer side if it is larger.",
            )
        download(
            "Reading as JSON",
            json.dumps(reading.as_dict() | {"notice": NOTICE}, indent=2, ensure_ascii=False),
            "radlens-reading.json",
            "application/json",
        )
        if boxes and query.direction == "for":
            from xray_models.explain import box_files
            from xray_models.explain.boxes import on_grid

            # an upload's name goes nowhere
            named = film_key if film_key in SAMPLES else "radiograph"
            height, width = film.file_shape
            stored = on_grid(boxes, (film.height, film.width), (height, width))
            films = [box_files.FilmBoxes(named, stored, width, height)]
            with st.popover("Boxes as a file", icon=":material/download:"):
                kinds = (
                    ("JSON", box_files.as_json(films, made_by), "radlens-boxes.json"),
                    ("Text", box_files.text(films), "radlens-boxes.txt"),
                    ("COCO", box_files.as_coco(films, made_by), "radlens-boxes-coco.json"),
                )
                for kind, content, name in kinds:
                    mime = "text/plain" if name.endswith(".txt") else "application/json"
                    download(f"Boxes as {kind}", content, name, mime)
    if boxes and query.direction != "for":
        st.caption(
            "Boxes are saved as files only of what speaks for a finding: whoever reads such a file "
            "takes each box for a place of the finding that it names."
        )


def download(label: str, data: object, name: str, mime: str, about: str | None = None) -> None:
    """Button that saves a file and runs nothing."""
    st.download_button(
        label,
        data=data,  # type: ignore[arg-type]
        file_name=name,
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
        help=about,
    )


def saved_overlay(
    film: Radiograph, heatmap: Heatmap, boxes: tuple[Box, ...], style: overlay.Style
) -> bytes:
    """Overlay at the film's own size, or at most `SAVED` pixels on its longer side, as PNG."""
    gray = overlay.shrink(film.pixels, SAVED)
    pixels = overlay.overlay(gray, heatmap.on_radiograph(gray.shape), style)
    shares = np.array([film.width, film.height, film.width, film.height])
    drawn = [(tuple(np.array(box.corners) / shares), film_figure.caption(box)) for box in boxes]
    return overlay.encode(overlay.outlined(pixels, drawn) if drawn else pixels)

"""Teaching films from the web (Roboflow "Science Research 2022 bone fracture detection" v7).

Nearly all show a fracture, so whole films would teach the source. Crops of their sound regions
stand beside crops of their fractures. For training only: where the films came from is unknown.
"""

from __future__ import annotations

import csv
from pathlib import Path

from xray_models.datasets import fracatlas
from xray_models.datasets.films import Film, rows

_PAINTED = ("arrow", "hardware", "multi")
"""Flags of films that point at the fracture, show metal, or show several views."""


def crops(folder: Path) -> dict[str, list[Film]]:
    """Region crops by part, cut like those of FracAtlas; no whole films.

    Args:
        folder: holds the films in images/, `labels.csv` (image), `fracture_boxes.csv` (image, x, y,
            w, h: corner and size in fractions of the film) and `landmarks.csv`, which is
            assets/annotations/webfilms_landmarks.csv.

    Raises:
        DataSetError: a table is missing or malformed.
    """
    boxed = fracatlas.fractures(folder)
    flags: dict[str, str] = {}
    with (folder / "landmarks.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            flags[row["image"]] = flags.get(row["image"], "") + row["flags"]
    every = {
        row["image"]: Film(
            path=folder / "images" / row["image"],
            image=f"webfilms/{row['image']}",
            group=f"webfilms-{row['image']}",
            truth=1,
            facts={"source": "webfilms"},
        )
        for _, row in rows(folder / "labels.csv", ("image",))
        # a film without any box may still show a fracture that nobody marked
        if row["image"] in boxed
        and not any(flag in flags.get(row["image"], "") for flag in _PAINTED)
    }
    return fracatlas.crops(folder, every, whole=False)

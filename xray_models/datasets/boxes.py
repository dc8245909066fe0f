"""Boxes drawn by people, as ground truth for localization: one record per film, source and label.

- "NIH": ChestX-ray14's own boxes of eight findings (Wang et al. 2017, arXiv:1705.02315).
- "RSNA": lung opacities suspicious for pneumonia on films of the same collection (RSNA Pneumonia
  Detection Challenge; Shih et al. 2019, doi 10.1148/ryai.2019180041).
- "FracAtlas": fractures (Abedeen et al. 2023, doi 10.1038/s41597-023-02432-4).

Where NIH and RSNA drew on the same film they often disagree: no map can be asked for more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xray_models.datasets import fracatlas, nih
from xray_models.datasets.films import Film, rows
from xray_models.datasets.problems import tell

__all__ = ["SOURCES", "BoxedFilm", "load"]

SOURCES = ("NIH", "RSNA", "FracAtlas")

# boxes are in pixels of the collection's originals, which are all of this size
_NIH_SIDE = 1024.0
# as the boxes write it -> as the labels write it
_NIH_NAMES = {"Infiltrate": "Infiltration"}


@dataclass(frozen=True, eq=False)
class BoxedFilm:
    """Boxes that one source drew for one label on one film.

    Attributes:
        film: the film; its group joins films of one patient.
        source: one of `SOURCES`.
        label: as the source's labels write it, such as "Lung Opacity" or "fracture".
        corners: float64 in fractions of width and height, (boxes, 4): x0, y0, x1, y1.
    """

    film: Film
    source: str
    label: str
    corners: np.ndarray


def load(data: Path, source: str) -> list[BoxedFilm]:
    """Every film with boxes of a source, a record for each label, in the order of the box table.

    Args:
        data: folder with the data sets, "nih" and "fracatlas" among them.
        source: one of `SOURCES`.

    Raises:
        DataSetError: a table is missing or malformed, or a box belongs to no film of the labels.
        ValueError: there is no such source.
    """
    if source not in SOURCES:
        raise ValueError(f"No source of boxes is called {source!r}. Known: {', '.join(SOURCES)}.")
    if source == "FracAtlas":
        folder, name, side = data / "fracatlas", "fracture_boxes.csv", 1.0
        columns, films = ("image", *"xywh"), fracatlas.films(folder)
    else:
        folder, name, side = data / "nih", "boxes.csv", _NIH_SIDE
        columns, films = ("image", "source", "label", *"xywh"), nih.films(folder)
    table = folder / name
    known = {film.image: film for film in films}
    found: dict[tuple[str, str], list[tuple[float, float, float, float]]] = {}
    for line, row in rows(table, columns):
        if row.get("source", source) != source:
            continue
        if row["image"] not in known:
            if row["image"] not in nih.LEFT_OUT:
                tell(table, line, f"{row['image']} is not in labels.csv.")
            continue
        try:
            x, y, width, height = (float(row[name]) / side for name in "xywh")
        except ValueError as error:
            tell(table, line, f"{error}.")
            continue
        if not (width > 0 and height > 0):
            tell(table, line, "width and height must be above 0.")
            continue
        box = (max(x, 0.0), max(y, 0.0), min(x + width, 1.0), min(y + height, 1.0))
        label = _NIH_NAMES.get(row["label"], row["label"]) if "label" in row else "fracture"
        found.setdefault((row["image"], label), []).append(box)
    return [
        BoxedFilm(known[image], source, label, np.array(boxes, np.float64))
        for (image, label), boxes in found.items()
    ]

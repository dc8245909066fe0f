"""Lungs of adults, cut out of NIH films, with radiologists' classes and boxes: training only.

Films of the RSNA pneumonia challenge (Shih et al. 2019, doi 10.1148/ryai.2019180041) as
github.com/amitlohan/covid_lungs_dataset has them: a U-Net's lung mask, and the film as a negative
inside it. The mask leaves out opaque lung, so its shape alone gives away what a film shows. Heart
and mediastinum are missing, so nobody can see there what the labels say of them.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from scipy import ndimage

from xray_models.datasets import nih
from xray_models.datasets.films import Film, film_rows
from xray_models.datasets.problems import tell

__all__ = ["CLASSES", "UNSEEN", "LungsOnly", "films"]

CLASSES = ("Normal", "No Lung Opacity / Not Normal", "Lung Opacity")
"""What radiologists of the RSNA said of a film as a whole."""

UNSEEN = ("Cardiomegaly", "Hernia")
"""Labels of what the mask leaves out."""

_SIDE = 1024.0  # boxes are in pixels of the originals
_DARK = 0.04  # what is darker lies beside the mask, but for the noise of JPEG
_COLUMNS = ("finding_labels", "patient_id", "view", "rsna_class", "rsna_boxes_1024")


class LungsOnly(Film):
    """Film of the lungs alone: black beside them, and gray as on the film within."""

    def pixels(self) -> np.ndarray:
        """Gray pixels, turned back from the negative: float32 in 0..1, (height, width).

        Raises:
            DataSetError: the file is missing or cannot be decoded.
        """
        negative = super().pixels()
        # bright lung is dark in the negative: it leaves holes in what looks like the mask
        inside = ndimage.binary_fill_holes(ndimage.binary_opening(negative > _DARK))
        return np.where(inside, 1.0 - negative, 0.0).astype(np.float32)


def films(folder: Path) -> list[Film]:
    """Films grouped by patient as those of `nih`, with its 14 labels as targets.

    Targets are 0 or 1, NaN for `UNSEEN`. Lesions are the radiologists' boxes around opacities;
    `facts["rsna"]` is one of `CLASSES`.

    Args:
        folder: with labels.csv and the images.

    Raises:
        DataSetError: the label table is missing or malformed.
    """
    table = folder / "labels.csv"
    found: list[Film] = []
    for line, row in film_rows(table, _COLUMNS, filled=("finding_labels", "patient_id")):
        if row["rsna_class"] not in CLASSES:
            tell(table, line, f"unknown class {row['rsna_class']!r}. Known: {', '.join(CLASSES)}.")
        elif row["image"] not in nih.LEFT_OUT:
            found.append(_film(folder, row, (table, line)))
    return found


def _film(folder: Path, row: dict[str, str], listed: tuple[Path, int]) -> Film:
    present = row["finding_labels"].split("|")
    return LungsOnly(
        path=folder / "images" / row["image"],
        image=f"rsna_lungs/{row['image']}",
        group=f"nih-{row['patient_id']}",
        truth=int(row["rsna_class"] == "Lung Opacity"),
        targets=tuple(
            math.nan if label in UNSEEN else float(label in present) for label in nih.LABELS
        ),
        lesions=tuple(
            (x / _SIDE, y / _SIDE, min((x + width) / _SIDE, 1.0), min((y + height) / _SIDE, 1.0))
            for x, y, width, height in json.loads(row["rsna_boxes_1024"])
        ),
        facts={"source": "rsna_lungs", "view": row["view"], "rsna": row["rsna_class"]},
        listed=listed,
    )

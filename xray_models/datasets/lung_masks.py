"""Chests with the lungs drawn by people: Kermany's children and adults with COVID-19 (V7 Labs).

The masks are those of github.com/v7labs/covid-19-xray-dataset (CC BY 4.0). The lungs go on behind
the heart there, and through opaque lung.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from xray_models.datasets.films import Film, film_rows, split_of
from xray_models.datasets.problems import DataSetError, tell

__all__ = [
    "CHECK",
    "EITHER",
    "IGNORED",
    "LEFT",
    "OUTSIDE",
    "RIGHT",
    "LungFilm",
    "adults",
    "children",
    "films",
    "sides",
    "unet_masks",
]

OUTSIDE, RIGHT, LEFT, EITHER, IGNORED = range(5)
"""Kinds of pixels: no lung, the lung on the picture's left (the patient's right, shown as usual),
the lung on the picture's right, lung of which nobody knows the side, and what is not to count."""

CHECK = 0.65
"""Least agreement of a child's mask with one predicted from its gray levels: of the 5,835 masks 263
agree less, among them those of one lung only."""

_LUNG, _DEVICE = 255, 127  # gray levels of a mask
_SHARES = (0.72, 0.12)  # of train and validation
_PIECE = 0.02  # of the lungs' area: smaller pieces of a mask are specks
_LUNG_SHARE = 0.2  # of the lungs' area: what is less is not the whole of a lung


@dataclass(frozen=True)
class LungFilm:
    """Chest film with its lungs drawn.

    Attributes:
        film: its `facts["source"]` says which data set it is from.
        mask: the image file of the mask; of the film's size or another.
    """

    film: Film
    mask: Path

    def kinds(self) -> np.ndarray:
        """Kind of each pixel of the mask: uint8, `OUTSIDE` to `IGNORED`, (height, width).

        Raises:
            DataSetError: the file is missing or is no mask.
        """
        try:
            with Image.open(self.mask) as image:
                gray = np.asarray(image.convert("L"))
        except OSError as error:
            raise DataSetError(f"{self.mask}: cannot be read as a mask ({error}).") from error
        return sides(gray == _LUNG, gray == _DEVICE)


def films(data: Path) -> dict[str, list[LungFilm]]:
    """Children's and adults' films, split by patient: "train", "validation" and "test".

    Args:
        data: folder with kermany, kermany_lungmasks and covid_adults.

    Raises:
        DataSetError: a table is missing or malformed.
    """
    parts: dict[str, list[LungFilm]] = {"train": [], "validation": [], "test": []}
    for one in (*children(data), *adults(data / "covid_adults")):
        parts[split_of(one.film.group, shares=_SHARES)].append(one)
    return parts


def children(data: Path, check: float = CHECK) -> list[LungFilm]:
    """Films of Kermany et al. with a mask, each once.

    Person numbers restart between the published splits; whoever has the same number counts as one
    patient here.

    Args:
        data: folder with kermany and kermany_lungmasks.
        check: masks that agree less with one predicted from gray levels are left out.

    Raises:
        DataSetError: a table is missing or malformed.
    """
    listed = film_rows(data / "kermany" / "labels.csv", ("md5_of_original",))
    content = {row["image"]: row["md5_of_original"] for _, row in listed}
    table = data / "kermany_lungmasks" / "labels.csv"
    columns = ("mask", "label", "patient", "ridge_iou_check")
    found, seen = [], set()
    for line, row in film_rows(table, columns, filled=columns[:-1]):
        image = row["image"]
        if image not in content:
            tell(table, line, f"{image} is not listed in kermany/labels.csv.")
        elif float(row["ridge_iou_check"] or 0) >= check and content[image] not in seen:
            seen.add(content[image])
            film = Film(
                path=data / "kermany" / image,
                image=f"kermany/{image}",
                group=f"kermany-{row['patient']}",
                facts={"source": "children", "finding": row["label"]},
                listed=(table, line),
            )
            found.append(LungFilm(film, table.parent / row["mask"]))
    return found


def adults(folder: Path) -> list[LungFilm]:
    """Frontal films of adults, nearly all with COVID-19, from many places (ieee8023 collection).

    A film without a patient is a group of its own.

    Args:
        folder: with labels.csv, images/ and masks/.

    Raises:
        DataSetError: the table is missing or malformed.
    """
    table = folder / "labels.csv"
    columns = ("mask", "finding", "patient", "view")
    found = []
    for line, row in film_rows(table, columns, filled=("mask",)):
        film = Film(
            path=folder / "images" / row["image"],
            image=f"covid_adults/{row['image']}",
            group=f"covid-{row['patient'] or row['image']}",
            facts={"source": "adults", "finding": row["finding"], "view": row["view"]},
            listed=(table, line),
        )
        found.append(LungFilm(film, folder / "masks" / row["mask"]))
    return found


def unet_masks(data: Path) -> list[LungFilm]:
    """Adults' films of the NIH with the lung area of somebody's U-Net: for checks only.

    Those masks have holes at devices and where lung is opaque.

    Args:
        data: folder with nih and nih_lungmasks.

    Raises:
        DataSetError: the table is missing or malformed.
    """
    table = data / "nih_lungmasks" / "labels.csv"
    found = []
    for line, row in film_rows(table, ("mask",), filled=("mask",)):
        film = Film(
            path=data / "nih" / "images" / row["image"],
            image=f"nih/{row['image']}",
            group=f"nih-{int(row['image'].split('_')[0])}",
            facts={"source": "NIH, U-Net"},
            listed=(table, line),
        )
        found.append(LungFilm(film, table.parent / row["mask"]))
    return found


def sides(lung: np.ndarray, ignored: np.ndarray | None = None) -> np.ndarray:
    """Kind of each pixel of a lung mask, right and left told apart where the mask shows it.

    Two lungs are two pieces, or two groups of pieces side by side, each with a fifth of the area.

    Args:
        lung: bool, (height, width).
        ignored: bool, same shape: what is not to count.

    Returns:
        uint8, same shape, `OUTSIDE` to `IGNORED`.
    """
    kinds = np.where(lung, EITHER, OUTSIDE).astype(np.uint8)
    pieces, count = ndimage.label(lung)
    if count:
        areas = ndimage.sum_labels(lung, pieces, np.arange(1, count + 1)) / lung.sum()
        large = 1 + np.flatnonzero(areas >= _PIECE)
        columns = np.flatnonzero(lung.any(axis=0))
        middle = (columns[0] + columns[-1]) / 2
        centers = [ndimage.center_of_mass(pieces == piece)[1] for piece in large]
        ways = {
            RIGHT: large[np.less(centers, middle)],
            LEFT: large[np.greater_equal(centers, middle)],
        }
        if all(areas[group - 1].sum() >= _LUNG_SHARE for group in ways.values()):
            for side, group in ways.items():
                kinds[np.isin(pieces, group)] = side
    if ignored is not None:
        kinds[ignored] = IGNORED
    return kinds

"""Teaching films from the web (Roboflow "Science Research 2022 bone fracture detection" v7).

Nearly all show a fracture, so whole films would teach the source. Crops of their sound regions
stand beside crops of their fractures. For training only: where the films came from is unknown. Who
does not have them trains without.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

from xray_models import BONE_PARTS
from xray_models.datasets import fracatlas
from xray_models.datasets.films import Film, film_rows, rows

__all__ = ["crops", "log", "studies"]

log = logging.getLogger(__name__)

_PAINTED = ("arrow", "hardware", "multi")
"""Flags of films that point at the fracture, show metal, or show several views."""


def crops(folder: Path) -> dict[str, list[Film]]:
    """Region crops by part, cut like those of FracAtlas; no whole films.

    Args:
        folder: as `prepare webfilms` writes it: the films in images/, `labels.csv` (image),
            `fracture_boxes.csv` (image, x, y, w, h: corner and size in fractions of the film) and
            `landmarks.csv`, which is assets/annotations/webfilms_landmarks.csv.

    Returns:
        Part -> films; without such a folder no film, and a warning.

    Raises:
        DataSetError: the folder is there, and a table is missing or malformed.
    """
    if _absent(folder):
        return {part: [] for part in BONE_PARTS}
    boxed, broken = fracatlas.fractures(folder)
    flags: dict[str, str] = {}
    for _, row in rows(folder / "landmarks.csv", ("image", "flags")):
        flags[row["image"]] = flags.get(row["image"], "") + row["flags"]
    every = {
        row["image"]: _film(folder, row["image"], "labels.csv", line)
        for line, row in film_rows(folder / "labels.csv", ())
        # a film without any box may still show a fracture that nobody marked
        if row["image"] in boxed.keys() - broken
        and not any(flag in flags.get(row["image"], "") for flag in _PAINTED)
    }
    return fracatlas.crops(folder, every, whole=False)


def studies(folder: Path) -> list[Film]:
    """Whole films of one view whose study is a bone part; fact "kind" names it.

    Args:
        folder: as of `crops`; without it there are none, and a warning.

    Raises:
        DataSetError: the folder is there, and a table is missing or malformed.
    """
    if _absent(folder):
        return []
    held = {row["image"] for _, row in film_rows(folder / "labels.csv", ())}
    found = []
    seen: Counter[str] = Counter()
    for line, row in rows(folder / "landmarks.csv", ("image", "study", "flags")):
        image = row["image"]
        seen[image] += 1
        single = seen[image] == 1 and "multi" not in row["flags"]
        if image in held and single and row["study"] in BONE_PARTS:
            film = _film(folder, image, "landmarks.csv", line)
            film.facts["kind"] = row["study"]
            found.append(film)
    return found


def _film(folder: Path, image: str, table: str, line: int) -> Film:
    return Film(
        path=folder / "images" / image,
        image=f"webfilms/{image}",
        group=f"webfilms-{image}",
        truth=1,
        facts={"source": "webfilms"},
        listed=(folder / table, line),
    )


def _absent(folder: Path) -> bool:
    if folder.is_dir():
        return False
    log.warning(
        "%s: no such folder, so training goes on without the teaching films from the web: three in "
        "four fractured crops of a finger, one in six of a hand or shoulder, one in twenty of an "
        "elbow, and 284 films that teach the body-part detector bones. `prepare webfilms` makes "
        "the folder.",
        folder,
    )
    return True

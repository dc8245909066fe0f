"""FracAtlas (Abedeen et al. 2023, doi 10.1038/s41597-023-02432-4): limbs, fractured or not.

With a landmark table (fingertip F, knuckles M, wrist W, elbow E, shoulder S per film and view,
percent of width and height) the films also yield region crops that look like a collimated study of
one part.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from xray_models import BONE_PARTS
from xray_models.datasets.films import Film, film_rows, rows
from xray_models.datasets.problems import tell

__all__ = ["Box", "crops", "films", "fractures", "landmarks", "region"]

_FLAGS = ("hand", "leg", "hip", "shoulder", "hardware", "multiscan", "fractured")
_POINTS = "FMWES"

Box = tuple[float, float, float, float]


def films(folder: Path) -> list[Film]:
    """Films of FracAtlas, truth 1 where fractured.

    Raises:
        DataSetError: the table of labels or of boxes is missing or malformed.
    """
    boxes, broken = fractures(folder)
    found = []
    table = folder / "labels.csv"
    for line, row in film_rows(table, ("group", *_FLAGS), filled=("group",)):
        wrong = [flag for flag in _FLAGS if row[flag] not in ("0", "1")]
        if wrong:
            said = ", ".join(repr(row[flag]) for flag in wrong)
            tell(table, line, f"{' and '.join(wrong)} must be 0 or 1, not {said}.")
        if wrong or row["image"] in broken:
            continue
        region = next((flag for flag in ("hand", "shoulder", "hip", "leg") if row[flag] == "1"), "")
        found.append(
            Film(
                path=folder / "images" / row["image"],
                image=row["image"],
                group=f"fracatlas-{row['group']}",
                truth=int(row["fractured"]),
                lesions=tuple((x, y, x + w, y + h) for x, y, w, h in boxes.get(row["image"], ())),
                facts={
                    "source": "fracatlas",
                    "region": "arm" if region == "hand" else region,
                    "hardware": row["hardware"],
                    "multiscan": row["multiscan"],
                },
                listed=(table, line),
            )
        )
    return found


def fractures(folder: Path) -> tuple[dict[str, list[Box]], set[str]]:
    """Fracture boxes by film: (x, y, width, height) in fractions, x and y of the top left corner.

    Returns:
        The boxes, and the films that have a box which cannot be used: a crop of these could pass
        for sound.

    Raises:
        DataSetError: the box table is missing, or a box is not four numbers on the film.
    """
    path = folder / "fracture_boxes.csv"
    found: dict[str, list[Box]] = {}
    broken: set[str] = set()
    for line, row in rows(path, ("image", *"xywh")):
        try:
            x, y, w, h = (float(row[name]) for name in "xywh")
        except ValueError as error:
            what = f"{error}."
        else:
            if w > 0 and h > 0 and min(x, y) >= -_SLACK and max(x + w, y + h) <= 1 + _SLACK:
                found.setdefault(row["image"], []).append((x, y, w, h))
                continue
            what = f"{x}, {y}, {w}, {h} is no box on the film in fractions of its size."
        broken.add(row["image"])
        tell(path, line, what)
    return found, broken


_SLACK = 0.01
"""How far a box may reach over the border of its film, for rounding."""


def landmarks(folder: Path) -> Iterator[tuple[str, str, dict[str, np.ndarray]]]:
    """Landmarks of each view: (image, study, points); points in fractions of width and height.

    A view that cannot be used has neither study nor points: the next one keeps its number.

    Raises:
        DataSetError: the landmark table is missing, or a landmark is not two numbers in percent.
    """
    path = folder / "landmarks.csv"
    columns = tuple(f"{point}{axis}" for point in _POINTS for axis in "xy")
    for line, row in rows(path, ("image", "study", *columns)):
        try:
            points = {
                point: _percent(row[f"{point}x"], row[f"{point}y"]) / 100
                for point in _POINTS
                if row[f"{point}x"] or row[f"{point}y"]
            }
        except ValueError as error:
            tell(path, line, f"{error}.")
            yield row["image"], "", {}
        else:
            yield row["image"], row["study"], points


def _percent(x: str, y: str) -> np.ndarray:
    values = [float(x), float(y)]
    if not all(math.isfinite(value) and -10 <= value <= 110 for value in values):
        raise ValueError(f"{x}, {y} is no place on the film in percent of its size")
    return np.array(values)


# part -> (from landmark, to landmark, share of the segment added at both ends, half width / length)
_ALONG = {
    "finger": ("M", "F", 0.25, 0.55),
    "hand": ("W", "F", 0.20, 0.50),
    "forearm": ("W", "E", 0.15, 0.35),
    "humerus": ("E", "S", 0.15, 0.35),
}
# part -> (center, other end, half side / length of the segment), the first that can be seen
_AROUND = {
    "wrist": (("W", "M", 0.95), ("W", "F", 0.45), ("W", "E", 0.35)),
    "elbow": (("E", "W", 0.40), ("E", "S", 0.35)),
    "shoulder": (("S", "E", 0.45),),
}


def region(
    part: str, points: dict[str, np.ndarray], width: int, height: int, grow: float = 1.0
) -> tuple[float, float, float, float] | None:
    """Box that a radiographer would collimate to; None where the landmarks do not tell.

    Args:
        part: one of the seven bone parts.
        points: landmarks in fractions of width and height.
        width, height: of the film in pixels (for distances).
        grow: factor on the margins, 1 for the usual box.

    Returns:
        (x0, y0, x1, y1) in fractions, clipped to the film; None where a landmark is missing, where
        less than 60 % of the box lies on the film, or where its short side is under 40 pixels.
    """
    size = np.array([width, height], float)
    if part in _ALONG:
        start, end, margin, half = _ALONG[part]
        if start not in points or end not in points:
            return None
        a, b = points[start] * size, points[end] * size
        length = float(np.linalg.norm(b - a))
        if length < 1:
            return None
        along = (b - a) / length
        across = np.array([-along[1], along[0]]) * half * length * grow
        a, b = a - along * margin * length * grow, b + along * margin * length * grow
        corners = np.stack([a + across, a - across, b + across, b - across])
        low, high = corners.min(axis=0), corners.max(axis=0)
    else:
        for center, other, half in _AROUND[part]:
            if center in points and other in points:
                middle = points[center] * size
                reach = half * float(np.linalg.norm(points[other] * size - middle)) * grow
                low, high = middle - reach, middle + reach
                break
        else:
            return None
    clipped_low, clipped_high = np.clip(low, 0, size), np.clip(high, 0, size)
    area = np.prod(np.maximum(clipped_high - clipped_low, 0))
    if area < 0.6 * np.prod(high - low) or (clipped_high - clipped_low).min() < 40:
        return None
    x0, y0 = clipped_low / size
    x1, y1 = clipped_high / size
    return float(x0), float(y0), float(x1), float(y1)


def crops(
    folder: Path, every: dict[str, Film], seed: int = 5, whole: bool = True
) -> dict[str, list[Film]]:
    """Films of each bone part: region crops from the landmarks, and whole films of that study.

    A crop is fractured where it shows most of a fracture box; crops that cut a box are left out.
    Margins vary, because people collimate differently.

    Args:
        folder: with landmarks.csv and fracture_boxes.csv.
        every: the films by image name.
        seed: of the margins.
        whole: with whole films, whose name ("wrist" ...) is the study a radiographer would give.

    Returns:
        Part -> films with box, truth and lesions; facts gain "part" and "framing".

    Raises:
        DataSetError: a table is missing or malformed, or a film cannot be read.
    """
    random = np.random.default_rng(seed)
    boxes, _ = fractures(folder)
    found: dict[str, list[Film]] = {part: [] for part in BONE_PARTS}
    studies: dict[str, list[str]] = {}
    for view, (image, study, points) in enumerate(landmarks(folder)):
        studies.setdefault(image, []).append(study)
        margin = random.uniform(0.85, 1.25, len(BONE_PARTS))
        if image not in every:
            continue
        film = every[image]
        size = film.size()
        if size is None:
            continue
        for part, grow in zip(BONE_PARTS, margin, strict=True):
            box = region(part, points, *size, float(grow))
            if box is None:
                continue
            shown = [_shown(box, one) for one in boxes.get(image, [])]
            if any(0.1 < share < 0.6 for share in shown):
                continue
            inside = [
                (x, y, x + w, y + h)
                for (x, y, w, h), share in zip(boxes.get(image, []), shown, strict=True)
                if share >= 0.6
            ]
            found[part].append(
                replace(
                    film,
                    image=f"{film.image}#{part}-{view}",
                    truth=int(bool(inside)),
                    box=box,
                    lesions=tuple(_within(box, one) for one in inside),
                    facts=film.facts | {"part": part, "framing": "region crop"},
                )
            )
    for image, names in studies.items():
        if whole and len(names) == 1 and names[0] in found and image in every:
            facts = every[image].facts | {"part": names[0], "framing": "whole film"}
            found[names[0]].append(replace(every[image], facts=facts))
    return found


def _shown(
    box: tuple[float, float, float, float], fracture: tuple[float, float, float, float]
) -> float:
    """Share of a fracture box (x, y, width, height) that lies in a crop (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = box
    x, y, w, h = fracture
    across = max(0.0, min(x1, x + w) - max(x0, x))
    down = max(0.0, min(y1, y + h) - max(y0, y))
    return across * down / (w * h) if w * h > 0 else 0.0


def _within(
    box: tuple[float, float, float, float], lesion: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """The part of a lesion that a crop shows, in fractions of the crop."""
    corner, size = np.array(box[:2]), np.array(box[2:]) - box[:2]
    low, high = np.clip((np.array(lesion).reshape(2, 2) - corner) / size, 0, 1)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])

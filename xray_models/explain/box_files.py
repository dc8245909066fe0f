"""Boxes of films as text, JSON and COCO, and the text read back.

The text format is that of CheXNet with localization, a line per film and a line per box:

    [image] [n]
    [disease] [x] [y] [width] [height]

with x and y of the upper left corner in pixels of the film. Names may hold spaces: the numbers are
read from the right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xray_models.explain.boxes import Box

__all__ = ["PURPOSE", "BoxFileError", "FilmBoxes", "as_coco", "as_json", "parse", "text"]

PURPOSE = "Boxes around heat of a model, no boxes by a person. For teaching, not for diagnosis."


class BoxFileError(ValueError):
    """Error of a malformed box file; the message names the line."""


@dataclass(frozen=True)
class FilmBoxes:
    """The boxes of one film.

    Attributes:
        image: name of the film.
        boxes: any number, in pixels of the film.
        width, height: of the film in pixels; None where a text file did not say.
    """

    image: str
    boxes: tuple[Box, ...]
    width: int | None = None
    height: int | None = None


def text(films: Iterable[FilmBoxes]) -> str:
    """Boxes in the text format: coordinates with one decimal, neither score nor mass."""
    lines = []
    for film in films:
        lines.append(f"{film.image} {len(film.boxes)}")
        lines += [
            f"{box.label} {box.x:.1f} {box.y:.1f} {box.width:.1f} {box.height:.1f}"
            for box in film.boxes
        ]
    return "".join(f"{line}\n" for line in lines)


def parse(content: str, name: str = "boxes") -> list[FilmBoxes]:
    """Films with their boxes, read from the text format.

    Args:
        content: of the file.
        name: of the file, for messages.

    Raises:
        BoxFileError: a line is not what its place asks for, or the file ends too early.
    """
    lines = [(i, line) for i, line in enumerate(content.splitlines(), 1) if line.strip()]
    films = []
    at = 0
    while at < len(lines):
        number, line = lines[at]
        image, _, count = line.strip().rpartition(" ")
        if not image or not count.isdecimal():
            raise BoxFileError(
                f"{name}, line {number}: expected '[image] [number of boxes]', found {line!r}."
            )
        following = lines[at + 1 : at + 1 + int(count)]
        if len(following) < int(count):
            raise BoxFileError(
                f"{name}, line {number}: announces {count} boxes, "
                f"but the file ends after {len(following)}."
            )
        films.append(FilmBoxes(image.strip(), tuple(_box(name, *one) for one in following)))
        at += 1 + int(count)
    return films


def as_json(films: Iterable[FilmBoxes], made_by: str = "") -> str:
    """Films with their boxes, scores and heat masses, as one JSON object.

    Args:
        films: to write.
        made_by: model, method and rule, in words.
    """
    content = {
        "purpose": PURPOSE,
        "made_by": made_by,
        "films": [asdict(film) for film in films],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def as_coco(films: Sequence[FilmBoxes], made_by: str = "") -> str:
    """Boxes in COCO detection format (Lin et al. 2014), each with its score and heat mass.

    Args:
        films: to write; their sizes must be known.
        made_by: model, method and rule, in words.

    Raises:
        ValueError: the size of a film is not known.
    """
    labels = sorted({box.label for film in films for box in film.boxes})
    categories = {label: i for i, label in enumerate(labels, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for i, film in enumerate(films, 1):
        if film.width is None or film.height is None:
            raise ValueError(f"COCO needs the size of each film; that of {film.image} is unknown.")
        images.append(
            {"id": i, "file_name": film.image, "width": film.width, "height": film.height}
        )
        for box in film.boxes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": categories[box.label],
                    "bbox": [box.x, box.y, box.width, box.height],
                    "area": box.width * box.height,
                    "iscrowd": 0,
                    "score": box.score,
                    "heat_mass": box.mass,
                }
            )
    content = {
        "info": {"description": f"{PURPOSE} {made_by}".strip()},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": i, "name": label} for label, i in categories.items()],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _box(name: str, number: int, line: str) -> Box:
    words = line.rsplit(maxsplit=4)
    try:
        label, x, y, width, height = words[0].strip(), *(float(word) for word in words[1:])
    except ValueError:
        raise BoxFileError(
            f"{name}, line {number}: expected '[disease] [x] [y] [width] [height]', found {line!r}."
        ) from None
    if not (width > 0 and height > 0):
        raise BoxFileError(f"{name}, line {number}: width and height must be above 0.")
    return Box(label, x, y, width, height)

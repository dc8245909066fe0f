"""Preparation of FracAtlas: from the download to the folder that training reads.

The published folder holds images/Fractured, images/Non_fractured, dataset.csv and the boxes in
Annotations/COCO JSON. Groups and landmarks come from assets/annotations.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from xray_models.catalogue import assets
from xray_models.datasets.films import gray_picture, rows
from xray_models.datasets.problems import DataSetError, tell
from xray_models.radiograph import UnreadableRadiograph

__all__ = ["LONG_SIDE", "fracatlas", "scaled"]

LONG_SIDE = 448
"""Pixels that films are scaled down to."""

_FLAGS = ("hand", "leg", "hip", "shoulder", "mixed", "hardware", "multiscan", "fractured")


def fracatlas(
    published: Path, out: Path, progress: Callable[[int, int], None] = lambda *_: None
) -> list[str]:
    """Write the films, labels, boxes and landmarks of FracAtlas as training wants them.

    Args:
        published: the folder FracAtlas as downloaded.
        out: folder to write; made if absent.
        progress: told (films done, films in all).

    Returns:
        Names of films that the annotations list and the download lacks, or that cannot be read;
        empty if it is complete.

    Raises:
        DataSetError: the download is not what it should be; the message names file and line.
            Within `problems.collecting` a film that cannot be read is left out instead.
    """
    annotations = assets() / "annotations"
    group = {row["image"]: row["group"] for _, row in _groups(annotations)}
    labels = {
        row["image_id"]: row for _, row in rows(published / "dataset.csv", ("image_id", *_FLAGS))
    }
    files = {path.name: path for path in sorted((published / "images").rglob("*.jpg"))}
    (out / "images").mkdir(parents=True, exist_ok=True)
    missing = [image for image in group if image not in files or image not in labels]
    there = [image for image in group if image not in set(missing)]
    size = {}
    for done, image in enumerate(there):
        before = scaled(files[image], out / "images" / image)
        if before:
            size[image] = before
        progress(done + 1, len(there))
    kept = list(size)
    if not kept:
        raise DataSetError(
            f"{published}: none of the films is there. Give the folder that holds dataset.csv and "
            "images/."
        )
    with (out / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", *_FLAGS, "group", "width", "height"])
        for image in kept:
            flags = [labels[image][flag] for flag in _FLAGS]
            writer.writerow([image, *flags, group[image], *size[image]])
    with (out / "fracture_boxes.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", "x", "y", "w", "h"])
        writer.writerows(_boxes(published, set(kept)))
    shutil.copyfile(annotations / "fracatlas_landmarks.csv", out / "landmarks.csv")
    return [image for image in group if image not in size]


def _groups(annotations: Path) -> list[tuple[int, dict[str, str]]]:
    return list(rows(annotations / "fracatlas_groups.csv", ("image", "group")))


def scaled(source: Path, target: Path) -> tuple[int, int] | None:
    """Write a film in gray, at most `LONG_SIDE` pixels long.

    Returns:
        (width, height) in pixels, as published; None, and told, if it is no image.

    Raises:
        DataSetError: it is no image, and nobody collects problems.
    """
    try:
        gray = gray_picture(source)
    except UnreadableRadiograph as error:
        tell(source, 0, f"cannot be read as an image. {error} Or download it again.")
        return None
    before = gray.size
    gray.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    gray.save(target, quality=90)
    return before


def _boxes(published: Path, kept: set[str]) -> list[list[str]]:
    path = published / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json"
    try:
        coco = json.loads(path.read_text(encoding="utf-8"))
        images = {one["id"]: one for one in coco["images"]}
        found = []
        for one in coco["annotations"]:
            image = images[one["image_id"]]
            x, y, w, h = (float(value) for value in one["bbox"])
            across, down = float(image["width"]), float(image["height"])
            if image["file_name"] in kept:
                parts = (x / across, y / down, w / across, h / down)
                found.append([image["file_name"], *(f"{value:.5f}" for value in parts)])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataSetError(f"{path}: not the boxes of FracAtlas ({error}).") from error
    return found

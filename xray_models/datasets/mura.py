"""MURA-v1.1 (Rajpurkar et al. 2018, arXiv:1712.06957): upper limbs, abnormal or normal by study.

The folder is read as published: four CSV files without a header, and films at
`MURA-v1.1/train/XR_WRIST/patient00001/study1_positive/image1.png`. A study is one visit for one
part and has one label, 1 for abnormal; its films are its views.
"""

from __future__ import annotations

import csv
import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from xray_models import BONE_PARTS, radiograph
from xray_models.datasets.films import Film, split_of, why_unreadable
from xray_models.datasets.problems import MOST_NAMED, DataSetError, Problem, summary
from xray_models.radiograph import UnreadableRadiograph

__all__ = ["LABEL", "MURA", "SPLITS", "VALIDATION_SHARE", "films", "log", "read"]

log = logging.getLogger(__name__)

LABEL = "abnormal"
SPLITS = ("train", "valid")
"""The published splits; the published test split was never given out."""

VALIDATION_SHARE = 0.1
"""Share of the patients of the published train split that choices are made on."""

_PATH = re.compile(
    r"[^/]+/(?P<inside>(?P<split>train|valid)/XR_(?P<part>[A-Z]+)/(?P<patient>patient\d+)/"
    r"(?P<visit>study\d+)_(?P<sign>positive|negative))/(?P<view>[^/]*)"
)


@dataclass(frozen=True)
class MURA:
    """Published split as it was found: its films, and what was left out."""

    films: list[Film]
    problems: list[Problem]


def read(data: Path, split: str) -> MURA:
    """Films of a published split that can be used; lines that cannot are left out and told.

    Args:
        data: MURA-v1.1, or the folder that holds it.
        split: "train" or "valid".

    Returns:
        Films with truth 1 where the study is abnormal, grouped by patient; their facts are
        `source`, `part`, `study` (id of the study) and `views` (films of the study).

    Raises:
        DataSetError: a table is missing, or no film is left.
    """
    root = _root(data)
    problems: list[Problem] = []
    labels = _labels(root, split, problems)
    films: dict[str, Film] = {}
    path = root / f"{split}_image_paths.csv"
    for line, cells in _lines(path):
        found = _PATH.fullmatch(cells[0]) if len(cells) == 1 else None
        if found is None or not found["view"] or _part(found) is None or found["split"] != split:
            what = (
                f"{','.join(cells)!r} is not of the form "
                f"MURA-v1.1/{split}/XR_PART/patientN/studyN_positive/imageN.png."
            )
        elif cells[0] in films:
            what = f"{cells[0]} is listed a second time."
        elif found["inside"] not in labels:
            what = f"the study of {cells[0]} has no usable label in {split}_labeled_studies.csv."
        elif problem := _unreadable(root / found["inside"] / found["view"]):
            what = problem
        else:
            films[cells[0]] = replace(
                _film(root, found, labels[found["inside"]]), listed=(path, line)
            )
            continue
        problems.append(Problem(path, line, what))
    if not films:
        raise DataSetError(f"{path}: no film can be used. {summary(problems)}")
    views = Counter(film.facts["study"] for film in films.values())
    counted = [
        replace(film, facts=film.facts | {"views": str(views[film.facts["study"]])})
        for film in films.values()
    ]
    return MURA(counted, problems)


def films(
    data: Path, parts: tuple[str, ...] = BONE_PARTS, strict: bool = True
) -> dict[str, list[Film]]:
    """Films for training: the published train split divided by patient, the published valid split.

    Args:
        data: MURA-v1.1, or the folder that holds it.
        parts: body parts to keep.
        strict: stop where anything is missing or malformed; otherwise log it and go on without.

    Returns:
        {"train", "validation", "test"} -> films. "test" is the published valid split: the figures
        published for MURA models are mostly measured there.

    Raises:
        DataSetError: a table is missing, no film is left, or `strict` and something is wrong.
    """
    published = {split: read(data, split) for split in SPLITS}
    problems = [problem for found in published.values() for problem in found.problems]
    tested = {film.group for film in published["valid"].films}
    shared = sorted({film.group for film in published["train"].films} & tested)
    if problems and strict:
        raise DataSetError(
            f"{summary(problems)} Mend the data, or go on without these films (--lenient)."
        )
    if shared and strict:
        raise DataSetError(
            f"{_root(data)}: {len(shared)} patient(s), {shared[0]} first, are in both published "
            "splits. Mend the data, or go on without their training films (--lenient)."
        )
    for problem in problems[:MOST_NAMED]:
        log.warning("left out: %s", problem)
    if len(problems) > MOST_NAMED:
        log.warning("left out: %d more", len(problems) - MOST_NAMED)
    if shared:
        log.warning("left out of training: %d patients of both splits", len(shared))

    found: dict[str, list[Film]] = {"train": [], "validation": [], "test": []}
    shares = (1 - VALIDATION_SHARE, VALIDATION_SHARE)
    for film in published["train"].films:
        if film.facts["part"] in parts and film.group not in tested:
            found[split_of(film.group, shares=shares)].append(film)
    found["test"] = [film for film in published["valid"].films if film.facts["part"] in parts]
    for split, kept in found.items():
        if not kept:
            raise DataSetError(
                f"{_root(data)}: no film of {', '.join(parts)} is left for {split}. Is the folder "
                "complete?"
            )
    return found


def _root(data: Path) -> Path:
    for folder in (data, data / "MURA-v1.1"):
        if (folder / "train_image_paths.csv").is_file():
            return folder
    raise DataSetError(
        f"{data / 'train_image_paths.csv'}: no such file. Point --data at the folder MURA-v1.1."
    )


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    if not path.is_file():
        raise DataSetError(f"{path}: no such file. MURA-v1.1 comes with it; unpack it again.")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            for cells in reader:
                if cells:
                    yield reader.line_num, [cell.strip() for cell in cells]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataSetError(f"{path}: cannot be read as CSV ({error}).") from error


def _labels(root: Path, split: str, problems: list[Problem]) -> dict[str, int]:
    """Folder of a study -> 1 for abnormal, 0 for normal."""
    path = root / f"{split}_labeled_studies.csv"
    labels: dict[str, int] = {}
    for line, cells in _lines(path):
        found = _PATH.fullmatch(cells[0].rstrip("/") + "/") if len(cells) == 2 else None
        if found is None or _part(found) is None or cells[1] not in ("0", "1"):
            what = (
                f"{','.join(cells)!r} is not of the form "
                f"MURA-v1.1/{split}/XR_PART/patientN/studyN_positive/,1 (or ..._negative/,0)."
            )
        elif (found["sign"] == "positive") != (cells[1] == "1"):
            what = f"the folder says {found['sign']}, the label is {cells[1]}."
        elif labels.setdefault(found["inside"], int(cells[1])) != int(cells[1]):
            what = "this study has two labels."
        else:
            continue
        problems.append(Problem(path, line, what))
    return labels


def _unreadable(path: Path) -> str | None:
    try:
        radiograph.size(path)
    except UnreadableRadiograph as error:
        return why_unreadable(path, error)
    return None


def _part(found: re.Match[str]) -> str | None:
    part = found["part"].lower()
    return part if part in BONE_PARTS else None


def _film(root: Path, found: re.Match[str], truth: int) -> Film:
    part = found["part"].lower()
    return Film(
        path=root / found["inside"] / found["view"],
        image=f"{found['inside']}/{found['view']}",
        group=f"mura-{found['patient']}",
        truth=truth,
        facts={
            "source": "mura",
            "part": part,
            "study": f"{part}/{found['patient']}/{found['visit']}_{found['sign']}",
        },
    )

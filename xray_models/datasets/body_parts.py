"""Films for the body-part detector, put together so that no hospital stands for a class.

Kermany and NIH show only chests, so close-ups cut from their films are "none of these"; UNIFESP and
FracAtlas fill many classes each. FracAtlas gives region crops for every bone part.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from xray_models import BONE_PARTS, NONE_OF_THESE, PARTS
from xray_models.datasets import drawn, fracatlas, kermany, nih
from xray_models.datasets.films import Film, rows, split_of

LABELS = (*PARTS, NONE_OF_THESE)
_NONE = LABELS.index(NONE_OF_THESE)
_AMBIGUOUS = {"clavicle", "abdomen|chest", "chest|pelvis", "hand|wrist"}
_UNSEEN_KIND = "BreastMRI"
"""One kind of slice that training never sees, to test abstaining on something new."""


def films(data: Path, seed: int = 3) -> dict[str, list[Film]]:
    """Films by split; the truth indexes `LABELS`.

    Args:
        data: folder with unifesp, fracatlas, webfilms, kermany, nih and not_radiographs.
        seed: for subsampling and crops.

    Returns:
        {"train", "validation", "test"} -> films; no group is in two of them. Web films only train.

    Raises:
        DataSetError: a table is missing or malformed.
    """
    random = np.random.default_rng(seed)
    splits: dict[str, list[Film]] = {"train": [], "validation": [], "test": []}

    found = _unifesp(data / "unifesp")
    found += _fracatlas(data / "fracatlas", random)
    chests = [
        *_sample(kermany.films(data / "kermany", "train"), 700, random),
        *_sample(nih.films(data / "nih"), 800, random),
    ]
    found += [replace(film, truth=0) for film in chests]
    found += [_close_up(film, random) for film in _sample(chests, 200, random)]
    for film in found:
        splits[split_of(film.group)].append(film)
    _slices(data / "not_radiographs", splits, random)
    _drawn(splits)
    splits["train"] += _webfilms(data / "webfilms")
    return splits


def _sample(films: list[Film], count: int, random: np.random.Generator) -> list[Film]:
    chosen = random.choice(len(films), size=min(count, len(films)), replace=False)
    return [films[index] for index in sorted(chosen)]


def _unifesp(folder: Path) -> list[Film]:
    found = []
    for _, row in rows(folder / "labels.csv", ("image", "parts", "patient_id")):
        parts = row["parts"].split("|")
        ours = [part for part in parts if part in PARTS]
        if row["parts"] in _AMBIGUOUS or (ours and len(parts) > 1):
            continue
        found.append(
            Film(
                path=folder / "images" / row["image"],
                image=f"unifesp/{row['image']}",
                group=f"unifesp-{row['patient_id']}",
                truth=LABELS.index(ours[0]) if ours else _NONE,
                facts={"source": "unifesp", "kind": row["parts"]},
            )
        )
    return found


def _fracatlas(folder: Path, random: np.random.Generator) -> list[Film]:
    every = {film.image: film for film in fracatlas.films(folder)}
    views = [view for view in fracatlas.landmarks(folder) if view[0] in every]
    found: list[Film] = []

    studies: dict[str, set[str]] = {}
    for image, study, _ in views:
        studies.setdefault(image, set()).add(study)
    for image, names in studies.items():
        study = next(iter(names))
        if len(names) == 1 and study in BONE_PARTS:
            found.append(_as(every[image], study, "whole film", study))

    for view, (image, _, points) in enumerate(views):
        film = every[image]
        with Image.open(film.path) as picture:
            width, height = picture.size
        for part in BONE_PARTS:
            grow = float(random.uniform(0.8, 1.3))
            box = fracatlas.region(part, points, width, height, grow)
            if box is not None:
                crop = _as(film, part, "region crop", part)
                found.append(replace(crop, image=f"{crop.image}#{part}-{view}", box=box))

    # a lower leg is easily taken for a forearm: every one counts, and tight crops of some
    lower = [
        _as(film, NONE_OF_THESE, "whole film", film.facts["region"])
        for film in every.values()
        if film.facts["region"] in ("leg", "hip") and film.image not in studies
    ]
    crops = [_tighter(film, random) for film in _sample(lower, 800, random)]
    return found + lower + crops


def _tighter(film: Film, random: np.random.Generator) -> Film:
    width, height = random.uniform(0.45, 0.9, 2)
    x, y = random.uniform(0, 1 - width), random.uniform(0, 1 - height)
    box = (float(x), float(y), float(x + width), float(y + height))
    facts = film.facts | {"framing": "random crop"}
    return replace(film, image=f"{film.image}#crop", box=box, facts=facts)


def _as(film: Film, label: str, framing: str, kind: str) -> Film:
    facts = {"source": "fracatlas", "kind": kind, "framing": framing}
    name = f"fracatlas/{film.image}"
    return replace(film, truth=LABELS.index(label), image=name, lesions=(), facts=facts)


def _close_up(film: Film, random: np.random.Generator) -> Film:
    side = float(random.uniform(0.15, 0.28))
    x, y = random.uniform(0.15, 0.85 - side, 2)
    return replace(
        film,
        image=f"{film.image}#close-up",
        truth=_NONE,
        box=(float(x), float(y), float(x) + side, float(y) + side),
        facts=film.facts | {"kind": "close-up"},
    )


def _slices(folder: Path, splits: dict[str, list[Film]], random: np.random.Generator) -> None:
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        images = sorted(kind.iterdir())
        for index in random.permutation(len(images)):
            path = images[index]
            image = f"{kind.name}/{path.name}"
            # the slices carry no patient ids: blocks of neighboring numbers stay together
            number = "".join(character for character in path.stem if character.isdigit()) or "0"
            group = f"{kind.name}-{int(number) // 50}"
            split = "test" if kind.name == _UNSEEN_KIND else split_of(group)
            facts = {"source": "slices", "kind": kind.name}
            splits[split].append(Film(path, image, group, _NONE, facts=facts))


def _drawn(splits: dict[str, list[Film]]) -> None:
    paths = drawn.photographs()
    held_out, rest = paths[::3], [path for path in paths if path not in paths[::3]]
    splits["train"] += drawn.films("photograph", range(240), _NONE, rest)
    splits["validation"] += drawn.films("photograph", range(1000, 1040), _NONE, held_out[::2])
    splits["test"] += drawn.films("photograph", range(2000, 2060), _NONE, held_out[1::2])
    for kind in ("text", "noise"):
        splits["train"] += drawn.films(kind, range(150), _NONE)
        splits["validation"] += drawn.films(kind, range(1000, 1040), _NONE)
        splits["test"] += drawn.films(kind, range(2000, 2060), _NONE)


def _webfilms(folder: Path) -> list[Film]:
    found = []
    seen: Counter[str] = Counter()
    with (folder / "landmarks.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            seen[row["image"]] += 1
            if row["study"] not in BONE_PARTS or "multi" in row["flags"] or seen[row["image"]] > 1:
                continue
            found.append(
                Film(
                    path=folder / "images" / row["image"],
                    image=f"webfilms/{row['image']}",
                    group=f"webfilms-{row['image']}",
                    truth=LABELS.index(row["study"]),
                    facts={"source": "webfilms", "kind": row["study"]},
                )
            )
    return found

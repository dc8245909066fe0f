"""Films for the body-part detector, put together so that no hospital stands for a class.

Kermany and NIH show only chests, so close-ups cut from their films are "none of these"; UNIFESP and
FracAtlas fill many classes each. FracAtlas gives region crops for every bone part.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from xray_models import BONE_PARTS, NONE_OF_THESE, PARTS
from xray_models.datasets import drawn, fracatlas, kermany, nih, webfilms
from xray_models.datasets.films import Film, film_rows, split_of
from xray_models.datasets.problems import DataSetError

__all__ = ["LABELS", "films"]

LABELS = (*PARTS, NONE_OF_THESE)
_NONE = LABELS.index(NONE_OF_THESE)
_AMBIGUOUS = {"clavicle", "abdomen|chest", "chest|pelvis", "hand|wrist"}
_UNSEEN_KIND = "BreastMRI"
"""One kind of slice that training never sees, to test abstaining on something new."""


def films(data: Path, seed: int = 3) -> dict[str, list[Film]]:
    """Films by split; the truth indexes `LABELS`.

    Args:
        data: folder with unifesp, fracatlas, kermany, nih and not_radiographs, and, if at hand,
            webfilms.
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
        *_sample(nih.films(data / "nih", every=True), 800, random),
    ]
    found += [replace(film, truth=0) for film in chests]
    found += [_close_up(film, random) for film in _sample(chests, 200, random)]
    for film in found:
        if film.path.name in nih.LEFT_OUT:  # only now: the draws for all others stay the same
            continue
        splits[split_of(film.group)].append(film)
    _slices(data / "not_radiographs", splits, random)
    _drawn(splits)
    splits["train"] += [
        replace(film, truth=LABELS.index(film.facts["kind"]))
        for film in webfilms.studies(data / "webfilms")
    ]
    return splits


def _sample(films: list[Film], count: int, random: np.random.Generator) -> list[Film]:
    chosen = random.choice(len(films), size=min(count, len(films)), replace=False)
    return [films[index] for index in sorted(chosen)]


def _unifesp(folder: Path) -> list[Film]:
    found = []
    table = folder / "labels.csv"
    columns = ("parts", "patient_id")
    for line, row in film_rows(table, columns, filled=columns):
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
                listed=(table, line),
            )
        )
    return found


def _fracatlas(folder: Path, random: np.random.Generator) -> list[Film]:
    every = {film.image: film for film in fracatlas.films(folder)}
    views = list(fracatlas.landmarks(folder))
    found: list[Film] = []

    studies: dict[str, set[str]] = {}
    for image, study, _ in views:
        if image in every:
            studies.setdefault(image, set()).add(study)
    for image, names in studies.items():
        study = next(iter(names))
        if len(names) == 1 and study in BONE_PARTS:
            found.append(_as(every[image], study, "whole film", study))

    for view, (image, _, points) in enumerate(views):
        margins = random.uniform(0.8, 1.3, len(BONE_PARTS))
        film = every.get(image)
        size = film.size() if film else None
        if film is None or size is None:
            continue
        for part, grow in zip(BONE_PARTS, margins, strict=True):
            box = fracatlas.region(part, points, *size, float(grow))
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
    if not folder.is_dir():
        raise DataSetError(f"{folder}: no such folder. It holds a folder for each kind of slice.")
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        images = sorted(path for path in kind.iterdir() if not path.name.startswith("."))
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

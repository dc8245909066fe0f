"""How well negatives are told apart from films the right way round, and where that was learned.

    python -m benchmarks.negatives --data FOLDER          # the figures of docs/reading.md
    python -m benchmarks.negatives --data FOLDER --fit    # learn the weights anew first

The films of seven sets, each as it is and with black and white exchanged. Groups (patients, or
near-duplicates) are split by a checksum of their name: six tenths to learn from, two to choose the
thresholds on, two held out. One film of each kind is one case.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from xray_models.radiograph import UnreadableRadiograph, negative, negative_weights, read

_SETS = {
    # folder: (table, folder of the films, column of the group)
    "kermany": ("labels.csv", "", "patient"),
    "nih": ("labels.csv", "images", "patient_id"),
    "fracatlas": ("labels.csv", "images", "group"),
    "unifesp": ("labels.csv", "images", "patient_id"),
    "covid_adults": ("labels.csv", "images", "patient"),
    "webfilms": ("labels.csv", "images", "image"),
    "dental_panoramic": ("labels.csv", "", "image"),
}
_FALSE_ALARMS = 0.006  # of films the right way round, on validation films, at LIKELY
_SEED = 0
_ROUNDS = 3  # each film as it is, and twice changed


def _films(data: Path) -> Iterator[tuple[str, str, Path]]:
    """(Set, group, file) of every film."""
    for name, (table, folder, group) in _SETS.items():
        if (data / name).is_dir():
            with (data / name / table).open(encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    yield name, f"{name}:{row[group]}", data / name / folder / row["image"]


def _thumbnails(data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures of 32 x 32 pixels, the sets and the tenths they fall into."""
    small, sets, tenths = [], [], []
    films = list(_films(data))
    with typer.progressbar(films, label="films") as bar:
        for name, group, path in bar:
            try:
                pixels = read(path).pixels
            except UnreadableRadiograph as error:
                typer.echo(f"\n{path.name}: {error}", err=True)
                continue
            box = Image.Resampling.BOX
            small.append(np.asarray(Image.fromarray(pixels).resize((32, 32), box)))
            sets.append(name)
            tenths.append(zlib.crc32(group.encode()) % 10)
    return np.array(small), np.array(sets), np.array(tenths)


def _scores(pictures: np.ndarray) -> np.ndarray:
    return negative.features(_eighths(pictures)) @ negative_weights.WEIGHTS


def _eighths(pictures: np.ndarray) -> np.ndarray:
    side = negative.SIDE
    return pictures.reshape(len(pictures), side, 32 // side, side, 32 // side).mean(axis=(2, 4))


def _changed(pictures: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Other contrast and brightness, and now and then a collimated border."""
    found = pictures.copy()
    for index, picture in enumerate(found):
        if random.random() < 0.5:
            low, high = random.random() * 0.5, 0.5 + random.random() * 0.5
            picture = low + (high - low) * picture
        if random.random() < 0.7:
            picture = picture ** np.exp(random.normal(0, 0.4))
        if random.random() < 0.2:
            gray = random.choice([1.0, 0.9, 0.0])
            top, bottom, left, right = random.integers(0, 9, 4) * (random.random(4) < 0.6)
            framed = np.full((32, 32), gray, np.float32)
            height, width = 32 - top - bottom, 32 - left - right
            inner = Image.fromarray(picture.astype(np.float32))
            inner = inner.resize((width, height), Image.Resampling.BOX)
            framed[top : top + height, left : left + width] = np.asarray(inner)
            picture = framed
        found[index] = picture
    return found


def _fit(pictures: np.ndarray, sets: np.ndarray, tenths: np.ndarray) -> None:
    """Learn the weights by logistic regression, choose the thresholds, write the module."""
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(_SEED)
    learn, choose = tenths < 6, (tenths >= 6) & (tenths < 8)
    shown = np.concatenate(
        [pictures[learn]] + [_changed(pictures[learn], random) for _ in range(_ROUNDS - 1)]
    )
    # large sets count less than their films, or they alone would decide
    rarity = {name: 1 / np.sqrt((sets == name).sum()) for name in np.unique(sets)}
    weight = np.tile([rarity[name] for name in sets[learn]], 2 * _ROUNDS)
    model = LogisticRegression(C=0.003, fit_intercept=False, max_iter=2000)
    model.fit(
        negative.features(_eighths(np.concatenate([shown, 1 - shown]))),
        np.repeat([0, 1], len(shown)),
        sample_weight=weight / weight.mean(),
    )
    negative_weights.WEIGHTS = np.round(model.coef_[0], 3).astype(np.float32)
    known = _scores(pictures[choose])
    likely = round(float(np.quantile(known, 1 - _FALSE_ALARMS)), 2)
    certain = round(float(_scores(pictures[learn | choose]).max()) + 0.5, 2)
    Path(negative_weights.__file__).write_text(_module(likely, certain), encoding="utf-8")
    negative_weights.LIKELY, negative_weights.CERTAIN = likely, certain


def _module(likely: float, certain: float) -> str:
    rows = negative_weights.WEIGHTS.reshape(-1, negative.SIDE)
    lines = "\n".join("    " + " ".join(f"{value:.3f}" for value in row) for row in rows)
    first = (
        "Weights of `negative` for three 8 x 8 pictures: `python -m benchmarks.negatives --fit`."
    )
    return f'''"""{first}"""

from __future__ import annotations

import numpy as np

__all__ = ["CERTAIN", "LIKELY", "WEIGHTS"]

LIKELY = {likely}
"""Score from which on a picture is said to look like a negative."""
CERTAIN = {certain}
"""The same for a DICOM file, which says itself which way round it is."""

_ROWS = """
{lines}
"""
WEIGHTS = np.array(_ROWS.split(), np.float32)
'''


def _table(pictures: np.ndarray, sets: np.ndarray, tenths: np.ndarray) -> None:
    held_out = tenths >= 8
    right, wrong = _scores(pictures), _scores(1 - pictures)
    typer.echo(
        "| films held out | number | negatives told | of films the right way round, said to be "
        "negatives | precision |\n|---|---|---|---|---|"
    )
    for name in ("all", *_SETS):
        which = held_out if name == "all" else held_out & (sets == name)
        if not which.any():
            continue
        told = int((wrong[which] >= negative_weights.LIKELY).sum())
        false = int((right[which] >= negative_weights.LIKELY).sum())
        precision = f"{told / (told + false):.3f}" if told + false else "-"
        count = int(which.sum())
        typer.echo(
            f"| {name} | {count:,} | {told / count:.3f} | {false / count:.4f} ({false}) | "
            f"{precision} |"
        )
    certain = negative_weights.CERTAIN
    typer.echo(
        f"At the score for DICOM: {(wrong[held_out] >= certain).mean():.3f} told, "
        f"{int((right[held_out] >= certain).sum())} false."
    )


def main(
    data: Annotated[Path, typer.Option(help="The data folder.", envvar="RADLENS_DATA")],
    fit: Annotated[bool, typer.Option("--fit", help="Learn the weights anew first.")] = False,
) -> None:
    """Print how well negatives are told, on held-out films."""
    pictures, sets, tenths = _thumbnails(data)
    if fit:
        _fit(pictures, sets, tenths)
    _table(pictures, sets, tenths)


if __name__ == "__main__":
    typer.run(main)

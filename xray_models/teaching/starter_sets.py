"""Starter sets that come with RadLens: two of gallery films, and one that needs no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from xray_models.datasets.samples import SAMPLES, Sample
from xray_models.teaching.sets import Box, DrawnSpot, Question, TeachingFilm, TeachingSet

__all__ = ["STARTER_SETS"]

_FRACTURE = Question("fracture", "Is there a fracture?", ("fracture",))
_SPOT = Question("spot", "Is there a drawn spot?", ("nodule", "Nodule", "Mass"))


@dataclass(frozen=True)
class _Ground:
    """Film that comes with pydicom-data, and the spots (x, y, radius, contrast) drawn into it."""

    sample: str
    part: str
    shape: tuple[int, int]  # (width, height) in pixels
    spots: tuple[tuple[float, float, float, float], ...]


_GROUNDS = (
    _Ground(
        "chest",
        "chest",
        (1841, 1955),
        (
            (0.25, 0.33, 0.022, 0.16),
            (0.72, 0.42, 0.020, 0.15),
            (0.30, 0.56, 0.018, 0.12),
            (0.68, 0.28, 0.016, 0.12),
            (0.21, 0.47, 0.015, 0.11),
            (0.77, 0.56, 0.013, 0.10),
        ),
    ),
    _Ground("lower-leg", "", (1760, 1760), ((0.61, 0.33, 0.015, 0.12), (0.47, 0.42, 0.014, 0.10))),
)


def _bones() -> TeachingSet:
    films = []
    for name, sample in SAMPLES.items():
        if "FracAtlas" not in sample.source:
            continue
        broken = bool(sample.boxes)
        note = (
            "The radiologists of FracAtlas marked a fracture in the box."
            if broken
            else "The radiologists of FracAtlas saw no fracture."
        )
        films.append(_of_sample(name, sample, {"fracture": broken}, "fracture", note))
    return TeachingSet(
        id="gallery-bones",
        title="Bones: is there a fracture?",
        license="CC BY 4.0",
        source="FracAtlas (Abedeen et al. 2023)",
        about="13 films of arms and shoulders, about half of them fractured.",
        questions=(_FRACTURE,),
        films=tuple(films),
    )


def _chests() -> TeachingSet:
    films = []
    for name, sample in SAMPLES.items():
        if "ChestX-ray14" not in sample.source:
            continue
        truth = not sample.truth.lower().startswith("no finding")
        films.append(_of_sample(name, sample, {"abnormal": truth}, "abnormal", sample.truth))
    from xray_models.catalogue import get  # a card is read, which the other sets do without

    return TeachingSet(
        id="gallery-chests",
        title="Chests: is there a finding?",
        license="Free to use with attribution to the NIH Clinical Center",
        source="ChestX-ray14 (Wang et al. 2017)",
        about="8 films. Their truth was mined from reports by a program, so it may be wrong.",
        questions=(
            Question("abnormal", "Is there any finding?", tuple(get("chest-14").thresholds)),
        ),
        films=tuple(films),
    )


def _drawn_spots() -> TeachingSet:
    films = [film for ground in _GROUNDS for film in _on(ground)]
    return TeachingSet(
        id="drawn-spots",
        title="Find the drawn spot",
        license="Test films of the NEMA working group 4 (public), from pydicom-data",
        source="pydicom-data",
        about="A chest and a leg, with or without a small spot drawn in by a program. "
        "The chest has round shadows of its own. The models know real nodules, not drawn spots.",
        questions=(_SPOT,),
        films=tuple(films),
    )


def _on(ground: _Ground) -> Iterator[TeachingFilm]:
    """Films made of one: plain and mirrored, and with each spot."""
    plain = TeachingFilm(
        id=f"{ground.sample}-1",
        sha256=SAMPLES[ground.sample].sha256,
        sample=ground.sample,
        part=ground.part,
        truth={_SPOT.id: False},
        note="Nothing was drawn into this film.",
    )
    yield plain
    yield replace(plain, id=f"{ground.sample}-2", mirrored=True)
    width, height = ground.shape
    for number, (x, y, radius, contrast) in enumerate(ground.spots, 3):
        tall = radius * width / height
        place = (round(one, 4) for one in (x - radius, y - tall, 2 * radius, 2 * tall))
        yield replace(
            plain,
            id=f"{ground.sample}-{number}",
            truth={_SPOT.id: True},
            boxes=(Box(_SPOT.id, *place),),
            note="A program drew this spot. Small and faint ones hide beside bright lines.",
            mirrored=number % 2 == 0,
            drawn=DrawnSpot(x, y, radius, contrast),
        )


def _of_sample(
    name: str, sample: Sample, truth: dict[str, bool], question: str, note: str
) -> TeachingFilm:
    return TeachingFilm(
        id=name,
        sha256=sample.sha256,
        sample=name,
        part=sample.part,
        truth=truth,
        boxes=tuple(Box(question, *box) for box in sample.boxes),
        note=note,
    )


STARTER_SETS: dict[str, Callable[[], TeachingSet]] = {
    "drawn-spots": _drawn_spots,
    "gallery-bones": _bones,
    "gallery-chests": _chests,
}
"""Id of a starter set -> what makes it."""

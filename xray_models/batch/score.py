"""Score many films through the one pipeline: decoding runs ahead, models answer in batches.

The answers are those of `pipeline.read` for each film. Memory does not grow with the number of
films: a window of them is in work and the next is being decoded, each film kept only at the size
of the networks' inputs.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from xray_models import PARTS, catalogue, radiograph
from xray_models.batch.sources import Source
from xray_models.catalogue import Card
from xray_models.inference import predict
from xray_models.pipeline import (
    DETECTOR,
    CannotClassify,
    Finding,
    about_part,
    check_age,
    findings_of,
    route,
)
from xray_models.radiograph import Radiograph, UnreadableRadiograph
from xray_models.radiograph.preprocess import resize, scale
from xray_models.viz import overlay

__all__ = ["BATCH", "WINDOW", "Plan", "Scored", "plan", "score"]

BATCH = 16
"""Films that go through a network together."""
WINDOW = 32
"""Films that are answered before the first of them is given out."""

_MATTERS = (
    "architecture input_size geometry scaling mean_std activation labels combined parts "
    "calibration thresholds bands"
).split()
_Input = tuple[tuple[int, int], str]
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Scored:
    """Score of one file: part, findings, or why it failed.

    Attributes:
        file: its name.
        part: the body part, or None where the detector abstains or the file failed.
        part_probability: of the most probable part, in 0..1; None where the file failed.
        findings: of the models that read it, in the order of their cards.
        error: why the file failed; empty if it did not.
        thumbnail: small JPEG, if asked for.
        warnings: sentences for people, those of `Reading.warnings`.
        also: a second part that is about as likely; else None.
        key: what tells the file from every other; by default its name.
        set_aside: ids of models whose answers are no calls: `Reading.set_aside`.
    """

    file: str
    part: str | None = None
    part_probability: float | None = None
    findings: tuple[Finding, ...] = ()
    error: str = ""
    thumbnail: bytes | None = None
    warnings: tuple[str, ...] = ()
    also: str | None = None
    key: str = ""
    set_aside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", self.file)


@dataclass(frozen=True)
class Plan:
    """Models that are asked: those that fit each film's part, or those named.

    Attributes:
        detector: tells the part.
        models: ids of the models to ask whatever the part; empty for those that fit.
        part: named by the user for all films, or None.
        age: "child" or "adult", named by the user for all patients; None for what each file says.
    """

    detector: Card
    models: tuple[str, ...] = ()
    part: str | None = None
    age: str | None = None

    def cards(self, parts: Sequence[str]) -> list[Card]:
        """Models that read a film of some parts: none, one, or two that are close."""
        if self.models:
            return [catalogue.get(model) for model in self.models]
        return catalogue.for_parts(parts)

    def candidates(self) -> list[Card]:
        """Every model that may be asked."""
        return self.cards([self.part] if self.part else PARTS)

    def settings(self) -> dict[str, Any]:
        """Settings that the answers depend on, ready for JSON; a run goes on with the same ones."""
        cards = [self.detector, *self.candidates()]
        return {
            "models": list(self.models),
            "part": self.part,
            "age": self.age,
            "arithmetic": {card.id: predict.arithmetic(card) for card in cards},
            "cards": {card.id: _fingerprint(card) for card in cards},
        }


@dataclass(frozen=True, eq=False)
class _Film:
    """A file at the size of the networks' inputs: float32 in 0..1 by (input size, geometry)."""

    file: str
    key: str
    inputs: dict[_Input, np.ndarray]
    error: str = ""
    thumbnail: bytes | None = None
    warnings: tuple[str, ...] = ()
    age_group: str | None = None


def plan(models: Sequence[str] = (), part: str | None = None, age: str | None = None) -> Plan:
    """Decide which models are asked.

    Args:
        models: ids of models to ask whatever the part.
        part: named by the user for all films.
        age: "child" or "adult", named by the user for all patients.

    Raises:
        CannotClassify: unknown part, model or age group.
        CatalogueError: the catalogue cannot be used.
    """
    cards = catalogue.catalogue()
    readers = [name for name, card in cards.items() if card.task != "body-part"]
    if part is not None and part not in PARTS:
        raise CannotClassify(f"There is no part {part!r}. Parts: {', '.join(PARTS)}.")
    for model in models:
        if model not in readers:
            raise CannotClassify(f"No model {model!r} reads films. Models: {', '.join(readers)}.")
    check_age(age)
    return Plan(catalogue.get(DETECTOR), tuple(dict.fromkeys(models)), part, age)


def score(
    sources: Iterable[Source],
    asked: Plan,
    *,
    window: int = WINDOW,
    threads: int | None = None,
    thumbnail: int = 0,
    read: Callable[[bytes | Path], Radiograph] = radiograph.read,
) -> Generator[Scored, None, None]:
    """Score files one after the other, in their order; close the iterator to stop.

    Args:
        sources: the files; taken as they are needed.
        asked: which models.
        window: films answered together: more are quicker, fewer come sooner.
        threads: that decode and resize; by default one per processor, at most four.
        thumbnail: longer side of a small picture of each film, in pixels; 0 for none.
        read: decodes a file, in any thread: by default in this process.

    Yields:
        One result per file; a file that cannot be read gives its error.

    Raises:
        WeightsError, CatalogueError: a model cannot be used.
    """
    wanted = _inputs([asked.detector, *asked.candidates()])

    def prepare(source: Source) -> _Film:
        return _prepared(source, wanted, thumbnail, read)

    films: list[_Film] = []
    for film in _ahead(prepare, sources, threads or min(4, os.cpu_count() or 1), window):
        films.append(film)
        if len(films) == window:
            yield from _answers(films, asked)
            films = []
    yield from _answers(films, asked)


def _ahead(
    make: Callable[[_Item], _Made], items: Iterable[_Item], threads: int, ahead: int
) -> Iterator[_Made]:
    """`map` in threads, in order, with at most `ahead` items in work or waiting to be taken."""
    waiting: deque[Future[_Made]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(make, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _prepared(
    source: Source,
    wanted: set[_Input],
    thumbnail: int,
    read: Callable[[bytes | Path], Radiograph],
) -> _Film:
    """Decode a file and resize it to every input that a model may ask for."""
    try:
        film = read(source.load())
        small = _thumbnail(film, thumbnail) if thumbnail else None
        return _Film(
            source.file,
            source.key,
            {(size, how): resize(film.pixels, size, how)[0] for size, how in wanted},
            thumbnail=small,
            warnings=film.warnings,
            age_group=film.age_group,
        )
    except UnreadableRadiograph as error:
        return _Film(source.file, source.key, {}, str(error))
    except MemoryError:
        return _Film(source.file, source.key, {}, "There is not enough memory to decode this film.")


def _answers(films: Sequence[_Film], asked: Plan) -> Iterator[Scored]:
    """What `pipeline.read` finds for each film, a batch at a time."""
    readable = [film for film in films if not film.error]
    seen = dict(zip(readable, _probabilities(asked.detector, readable), strict=True))
    parts = {
        film: (asked.part,) if asked.part else route(asked.detector, seen[film])
        for film in readable
    }
    cards = {film: asked.cards(parts[film]) for film in readable}
    found: dict[_Film, dict[str, tuple[list[Finding], list[str]]]] = {film: {} for film in readable}
    for card in {card.id: card for several in cards.values() for card in several}.values():
        those = [film for film in readable if card in cards[film]]
        for film, probability in zip(those, _probabilities(card, those), strict=True):
            found[film][card.id] = findings_of(
                card, parts[film], probability, asked.age or film.age_group, bool(asked.models)
            )
    for film in films:
        if film.error:
            yield Scored(film.file, error=film.error, key=film.key)
        else:
            several = [found[film][card.id] for card in cards[film]]
            doubts = [*film.warnings, *about_part(parts[film], bool(several), bool(asked.models))]
            of_parts = {label: seen[film][label] for label in PARTS}
            first, also = (*parts[film], None, None)[:2]
            yield Scored(
                film.file,
                first,
                of_parts[first or max(of_parts, key=of_parts.__getitem__)],
                tuple(one for findings, _ in several for one in findings),
                thumbnail=film.thumbnail,
                warnings=(*doubts, *(doubt for _, own in several for doubt in own)),
                also=also,
                key=film.key,
                set_aside=_set_aside(film, cards[film], asked),
            )


def _set_aside(film: _Film, cards: Sequence[Card], asked: Plan) -> tuple[str, ...]:
    """Models that were not made for the patient's age; none of those asked for by name."""
    if asked.models:
        return ()
    age = asked.age or film.age_group
    return tuple(card.id for card in cards if catalogue.misfit(card, age))


def _probabilities(card: Card, films: Sequence[_Film]) -> list[dict[str, float]]:
    """Probability by label and combined finding, per film."""
    found = []
    for first in range(0, len(films), BATCH):
        gray = np.stack(
            [film.inputs[card.input_size, card.geometry] for film in films[first : first + BATCH]]
        )
        logits = predict.logits(card, scale(gray, card.scaling, card.mean_std))
        for row in predict.calibrated(logits, card.calibration, card.activation):
            found.append(card.with_combined(dict(zip(card.labels, map(float, row), strict=True))))
    return found


def _inputs(cards: Iterable[Card]) -> set[_Input]:
    return {(card.input_size, card.geometry) for card in cards}


def _thumbnail(film: Radiograph, longest: int) -> bytes:
    return overlay.encode(overlay.film(overlay.shrink(film.pixels, longest)), "JPEG")


def _fingerprint(card: Card) -> str:
    """Of everything on a card that an answer depends on."""
    what = asdict(card)
    relevant = {name: what[name] for name in _MATTERS} | {"weights": card.weights.sha256}
    return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()[:16]

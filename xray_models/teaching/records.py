"""Records of a session: a row per film and question, for results, tables and the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from xray_models.teaching.places import PlaceResult, compare
from xray_models.teaching.session import AIDED, UNAIDED, YES_FROM, Session

__all__ = ["Record", "records_of", "table"]


@dataclass(frozen=True)
class Record:
    """What came of one question on one film.

    Attributes:
        film: id within the set.
        film_hash: SHA-256 that stands for the film.
        question: id within the set.
        truth: the true answer.
        unaided: confidence without the model, 1 to 5.
        aided: confidence with it; None where it was not shown.
        model: score of the model, 0..1 with its threshold at 0.5; None where no model answers.
        shown: score that was shown as the model's; None where none was.
        wrong: whether that answer was a wrong one made on purpose.
        place: the reader's place against the true ones; None without either.
        boxed: whether people marked a true place.
        seconds: for the first answer.
        aided_seconds: for the second one.
        note: of the reader.
    """

    film: str
    film_hash: str
    question: str
    truth: bool
    unaided: int
    aided: int | None = None
    model: float | None = None
    shown: float | None = None
    wrong: bool = False
    place: PlaceResult | None = None
    boxed: bool = False
    seconds: float = 0.0
    aided_seconds: float = 0.0
    note: str = ""

    @property
    def final(self) -> int:
        """The last confidence."""
        return self.unaided if self.aided is None else self.aided

    @property
    def right(self) -> bool:
        """Whether the last answer is right."""
        return (self.final >= YES_FROM) == self.truth


def records_of(session: Session) -> tuple[Record, ...]:
    """Records of the films that were answered, in the order they were read."""
    found = []
    by_step = {(one.film, one.question, one.step): one for one in session.answers}
    for name in session.plan.films:
        film = session.teaching_set.film(name)
        for question, truth in film.truth.items():
            first = by_step.get((name, question, UNAIDED))
            if first is None:
                continue
            second = by_step.get((name, question, AIDED))
            model = session.models.get((name, question))
            shown = session.shown.get((name, question))
            place = second.place if second and second.place else first.place
            boxes = film.boxes_of(question)
            found.append(
                Record(
                    film=name,
                    film_hash=film.hash,
                    question=question,
                    truth=truth,
                    unaided=first.confidence,
                    aided=second.confidence if second else None,
                    model=model.score if model else None,
                    shown=shown.score if shown and second else None,
                    wrong=bool(shown and shown.wrong and second),
                    place=compare(place, boxes) if place and boxes else None,
                    boxed=bool(boxes),
                    seconds=first.seconds,
                    aided_seconds=second.seconds if second else 0.0,
                    note=" ".join(one.note for one in (first, second) if one and one.note),
                )
            )
    return tuple(found)


def table(records: Iterable[Record]) -> pd.DataFrame:
    """Table of records, for CSV: a row each."""
    return pd.DataFrame(
        [
            {
                "film": one.film,
                "film sha256": one.film_hash,
                "question": one.question,
                "truth": int(one.truth),
                "confidence alone": one.unaided,
                "confidence with model": one.aided,
                "model score": one.model,
                "shown score": one.shown,
                "shown wrong on purpose": int(one.wrong),
                "place hit": None if one.place is None else int(one.place.hit),
                "place IoU": None if one.place is None else one.place.iou,
                "seconds alone": round(one.seconds, 1),
                "seconds with model": round(one.aided_seconds, 1) if one.aided else None,
                "note": one.note,
            }
            for one in records
        ]
    )

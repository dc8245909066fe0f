"""Spaced repetition: a film that was answered wrong comes back sooner (FSRS, the package fsrs)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from fsrs import Card, Rating, Scheduler

from xray_models.teaching.records import Record

__all__ = ["rating_of", "reviewed"]

_SURE = (1, 5)
# without chance: the same answers bring the same films
_SCHEDULER = Scheduler(enable_fuzzing=False)


def rating_of(records: Iterable[Record]) -> Rating:
    """Rating of a film: again where an answer is wrong, hard where one is unsure, else good.

    Args:
        records: of the film's questions, at least one.
    """
    answers = list(records)
    if not all(one.right for one in answers):
        return Rating.Again
    return Rating.Good if all(one.final in _SURE for one in answers) else Rating.Hard


def reviewed(
    card: Mapping[str, Any] | None, rating: Rating, now: float
) -> tuple[dict[str, Any], float]:
    """Card of a film after an answer, and when it is due again.

    Args:
        card: for JSON, as this function gave it; None for a film that was never read.
        rating: of the answer.
        now: seconds since 1970.
    """
    # a number of its own would make fsrs wait for the clock
    before = Card(card_id=0) if card is None else Card.from_dict(dict(card))  # type: ignore[arg-type]
    after, _ = _SCHEDULER.review_card(before, rating, datetime.fromtimestamp(now, UTC))
    return dict(after.to_dict()), after.due.timestamp()

"""Rows of the store as JSON: a session's plan, and the answers to one film."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from xray_models.teaching.model_answers import ModelAnswer
from xray_models.teaching.places import Place
from xray_models.teaching.session import Answer, Plan, Session
from xray_models.teaching.sets import TeachingSet

__all__ = ["film_row", "plan_from", "plan_row", "resumed"]


def plan_row(plan: Plan) -> dict[str, Any]:
    """Plan for JSON."""
    return asdict(plan) | {"films": list(plan.films), "wrong": sorted(plan.wrong)}


def plan_from(row: Mapping[str, Any]) -> Plan:
    """Plan of what `plan_row` made."""
    return Plan(**{**row, "films": tuple(row["films"]), "wrong": frozenset(row["wrong"])})


def film_row(session: Session, film: str) -> dict[str, Any]:
    """Answers to one film for JSON: the reader's, the model's, and those shown as its."""
    return {
        "reader": [asdict(one) for one in session.of_film(film)],
        "model": _of_film(session.models, film),
        "shown": _of_film(session.shown, film),
    }


def resumed(
    teaching_set: TeachingSet, plan: Plan, rows: Iterable[tuple[str, Mapping[str, Any]]]
) -> Session:
    """Session as it stood after the last film that was kept.

    Args:
        teaching_set: that is read.
        plan: of the session.
        rows: film and what `film_row` made of it, in the order they were read.
    """
    answers: list[Answer] = []
    models: dict[tuple[str, str], ModelAnswer] = {}
    shown: dict[tuple[str, str], ModelAnswer] = {}
    read: list[str] = []
    for film, row in rows:
        for one in row["reader"]:
            place = Place(**one["place"]) if one["place"] else None
            answers.append(Answer(**{**one, "place": place}))
        for kept, found in ((row["model"], models), (row["shown"], shown)):
            found.update({(film, key): ModelAnswer(**one) for key, one in kept.items()})
        read.append(film)
    # films that were left out lie before the last one that was read
    reached = max((plan.films.index(one) + 1 for one in read), default=0)
    plan = replace(plan, films=(*read, *plan.films[reached:]))
    return Session(teaching_set, plan, tuple(answers), len(read), models, shown)


def _of_film(answers: Mapping[tuple[str, str], ModelAnswer], film: str) -> dict[str, Any]:
    return {key: asdict(one) for (name, key), one in answers.items() if name == film}

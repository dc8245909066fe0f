"""Guided lessons: text, questions, and live figures of our own tables, as data files.

A lesson is a TOML file in assets/lessons: its title, its minutes, and its steps. A step has a text,
with a live figure if it names one, or a question with choices.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xray_models.catalogue import assets

__all__ = ["LIVE", "Lesson", "LessonError", "Step", "lessons", "parsed"]

LIVE = ("threshold", "prevalence", "sanity", "shortcut", "far")
"""Live figures that a step may name."""


class LessonError(ValueError):
    """Error of a lesson that cannot be used; it says where and what."""


@dataclass(frozen=True)
class Step:
    """Step of a lesson: a text, or a question.

    Attributes:
        text: what is told; empty for a question.
        live: one of `LIVE`, or empty.
        settings: of the live figure, such as its model.
        question: what is asked; empty for a text.
        choices: answers to choose from.
        right: place of the right one.
        why: told after the answer.
    """

    text: str = ""
    live: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    question: str = ""
    choices: tuple[str, ...] = ()
    right: int = 0
    why: str = ""


@dataclass(frozen=True)
class Lesson:
    """Lesson of a few minutes.

    Attributes:
        id: name of its file, without its number.
        title: for people.
        minutes: that it takes.
        steps: in their order.
    """

    id: str
    title: str
    minutes: int
    steps: tuple[Step, ...]


def lessons() -> tuple[Lesson, ...]:
    """Lessons that ship, in the order of their files' numbers.

    Raises:
        LessonError: one of them cannot be used.
    """
    found = sorted((assets() / "lessons").glob("*.toml"))
    return tuple(parsed(path.read_bytes(), path) for path in found)


def parsed(content: bytes, path: Path) -> Lesson:
    """Lesson of a file's content.

    Raises:
        LessonError: no TOML, or a field is missing, misspelled or of another kind.
    """
    try:
        table = tomllib.loads(content.decode("utf-8"))
        steps = tuple(_step(dict(one)) for one in table["steps"])
        found = Lesson(
            path.stem.partition("-")[2], str(table["title"]), int(table["minutes"]), steps
        )
    except KeyError as error:
        raise LessonError(f"{path.name}: lacks {error}.") from None
    except (ValueError, TypeError) as error:
        raise LessonError(f"{path.name}: {error}") from None
    if extra := set(table) - {"title", "minutes", "steps"}:
        raise LessonError(f"{path.name}: has no field {min(extra)!r}; is it misspelled?")
    return found


def _step(table: dict[str, Any]) -> Step:
    if "question" in table:
        question, why = str(table.pop("question")), str(table.pop("why"))
        choices, right = tuple(map(str, table.pop("choices"))), int(table.pop("right"))
        if table:
            raise ValueError(f"a question has no field {min(table)!r}.")
        if len(choices) < 2 or not 0 <= right < len(choices):
            raise ValueError(f"the question {question!r} needs two choices and a right one.")
        return Step(question=question, choices=choices, right=right, why=why)
    text, live = str(table.pop("text")), str(table.pop("live", ""))
    if live and live not in LIVE:
        raise ValueError(f"there is no figure {live!r}; figures are {', '.join(LIVE)}.")
    if table and not live:
        raise ValueError(f"a text has no field {min(table)!r}.")
    return Step(text, live, {key: str(value) for key, value in table.items()})

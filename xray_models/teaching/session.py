"""Reading session: which film is read, what is asked, and what was answered.

It never changes: every step gives a new one, so that a page, a test and a store see the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from xray_models.teaching.model_answers import ModelAnswer
from xray_models.teaching.places import Place
from xray_models.teaching.sets import TeachingFilm, TeachingSet

__all__ = [
    "AIDED",
    "ALONE",
    "CONFIDENCES",
    "DONE",
    "DOUBTED",
    "LISTED",
    "MODES",
    "ORDERS",
    "SHUFFLED",
    "TRUTH",
    "UNAIDED",
    "YES_FROM",
    "Answer",
    "Plan",
    "Session",
    "SessionError",
    "planned",
]

ALONE, AIDED, DOUBTED = "alone", "aided", "doubted"
MODES = {
    ALONE: "Alone",
    AIDED: "Alone, then with the model",
    DOUBTED: "The model may be wrong",
}
"""Way to read -> its words."""

UNAIDED, TRUTH, DONE = "unaided", "truth", "done"
"""Steps of a film besides `AIDED`: the first answer, the truth; and the end of the session."""

CONFIDENCES = {1: "surely not", 2: "probably not", 3: "possibly", 4: "probably", 5: "surely"}
"""Confidence that the answer is yes, in words."""
YES_FROM = 3
"""Confidence from which on an answer counts as yes."""

SHUFFLED, LISTED = "shuffled", "as listed"
ORDERS = (SHUFFLED, LISTED)
_WRONG = 1 / 3  # share of films with a wrong answer of the model


class SessionError(ValueError):
    """Error of a step that does not fit where the session stands."""


@dataclass(frozen=True)
class Answer:
    """Answer of the reader to one question on one film.

    Attributes:
        film: id within the set.
        question: id within the set.
        step: `UNAIDED` or `AIDED`.
        confidence: 1 (surely not) to 5 (surely).
        place: what was marked; None for nothing.
        note: of the reader.
        seconds: from when the film was shown for this step.
    """

    film: str
    question: str
    step: str
    confidence: int
    place: Place | None = None
    note: str = ""
    seconds: float = 0.0

    @property
    def yes(self) -> bool:
        """Whether it counts as yes."""
        return self.confidence >= YES_FROM


@dataclass(frozen=True)
class Plan:
    """What is read, and how.

    Attributes:
        set: id of the teaching set.
        mode: one of `MODES`.
        films: ids within the set, in their order.
        wrong: those on which a wrong answer of the model is shown.
        limit: seconds for a film; None for as long as it takes.
    """

    set: str
    mode: str
    films: tuple[str, ...]
    wrong: frozenset[str] = frozenset()
    limit: float | None = None


def planned(
    teaching_set: TeachingSet,
    mode: str = ALONE,
    count: int | None = None,
    parts: Sequence[str] = (),
    order: str = SHUFFLED,
    limit: float | None = None,
    seed: int = 0,
    first: Sequence[str] = (),
) -> Plan:
    """Plan of a session.

    Args:
        teaching_set: that is read.
        mode: one of `MODES`.
        count: how many films at most; None for all.
        parts: body parts to read; none for all.
        order: one of `ORDERS`.
        limit: seconds for a film.
        seed: of the order, and of the films with a wrong answer.
        first: films that come before all others, such as those that are due again.

    Raises:
        SessionError: unknown mode or order, or no film is left.
    """
    if mode not in MODES:
        raise SessionError(f"There is no mode {mode!r}. Modes: {', '.join(MODES)}.")
    if order not in ORDERS:
        raise SessionError(f"There is no order {order!r}. Orders: {', '.join(ORDERS)}.")
    films = [one.id for one in teaching_set.films if not parts or one.part in parts]
    if not films:
        raise SessionError("The set has no film of these parts. Choose others.")
    chance = random.Random(seed)  # noqa: S311 - an order is no secret
    if order == SHUFFLED:
        chance.shuffle(films)
    early = [one for one in first if one in films]
    films = [*early, *(one for one in films if one not in early)][:count]
    wrong = frozenset[str]()
    if mode == DOUBTED:
        wrong = frozenset(chance.sample(films, max(1, round(_WRONG * len(films)))))
    return Plan(teaching_set.id, mode, tuple(films), wrong, limit)


@dataclass(frozen=True)
class Session:
    """Session as it stands.

    Attributes:
        teaching_set: that is read.
        plan: what is read, and how.
        answers: of the reader, in their order.
        told: films whose truth was seen.
        models: (film, question) -> what the model said.
        shown: (film, question) -> what was shown as its answer; the same but for wrong ones.
        silent: films on which no model answers; they are not answered a second time.
    """

    teaching_set: TeachingSet
    plan: Plan
    answers: tuple[Answer, ...] = ()
    told: int = 0
    models: Mapping[tuple[str, str], ModelAnswer] = field(default_factory=dict)
    shown: Mapping[tuple[str, str], ModelAnswer] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()

    @property
    def film(self) -> TeachingFilm:
        """Film that is read now.

        Raises:
            SessionError: the session is done.
        """
        if self.told >= len(self.plan.films):
            raise SessionError("The session is done: there is no film left.")
        return self.teaching_set.film(self.plan.films[self.told])

    @property
    def step(self) -> str:
        """What comes next: `UNAIDED`, `AIDED`, `TRUTH`, or `DONE`."""
        if self.told >= len(self.plan.films):
            return DONE
        if self.open_questions(UNAIDED):
            return UNAIDED
        twice = self.plan.mode != ALONE and self.film.id not in self.silent
        return AIDED if twice and self.open_questions(AIDED) else TRUTH

    @property
    def questions(self) -> tuple[str, ...]:
        """Questions on this film: those whose truth is known."""
        return tuple(one.id for one in self.teaching_set.questions if one.id in self.film.truth)

    def open_questions(self, step: str) -> tuple[str, ...]:
        """Questions on this film that lack an answer of a step."""
        done = {one.question for one in self.of_film(self.film.id) if one.step == step}
        return tuple(one for one in self.questions if one not in done)

    def of_film(self, film: str) -> tuple[Answer, ...]:
        """Answers on one film."""
        return tuple(one for one in self.answers if one.film == film)

    def answered(self, answer: Answer) -> Session:
        """Session with one answer more.

        Raises:
            SessionError: it is of another film, step or question than the session waits for, or its
                confidence is out of range.
        """
        if self.step not in (UNAIDED, AIDED) or answer.step != self.step:
            raise SessionError(f"The session waits for {self.step!r}, not for {answer.step!r}.")
        if answer.film != self.film.id or answer.question not in self.open_questions(self.step):
            raise SessionError("The session waits for the answer to another question.")
        if answer.confidence not in CONFIDENCES:
            raise SessionError(f"A confidence is 1 to 5, and this one is {answer.confidence!r}.")
        return replace(self, answers=(*self.answers, answer))

    def with_models(
        self, answers: Mapping[str, ModelAnswer], shown: Mapping[str, ModelAnswer]
    ) -> Session:
        """Session with what the model says of this film, and what is shown as its answer.

        Args:
            answers: question -> answer of the model; empty where none answers.
            shown: question -> what is shown.
        """
        name = self.film.id
        return replace(
            self,
            silent=self.silent if shown else self.silent | {name},
            models={**self.models, **{(name, key): one for key, one in answers.items()}},
            shown={**self.shown, **{(name, key): one for key, one in shown.items()}},
        )

    def went_on(self) -> Session:
        """Session after the truth of this film was seen.

        Raises:
            SessionError: its truth is not due yet.
        """
        if self.step != TRUTH:
            raise SessionError(f"The session waits for {self.step!r}.")
        return replace(self, told=self.told + 1)

    def skipped(self) -> Session:
        """Session without this film, whose file cannot be read."""
        name = self.film.id
        films = tuple(one for one in self.plan.films if one != name)
        return replace(
            self,
            plan=replace(self.plan, films=films, wrong=self.plan.wrong - {name}),
            answers=tuple(one for one in self.answers if one.film != name),
        )

    def ended(self) -> Session:
        """Session that ends here: a film that has only a first answer of two does not count."""
        if self.step == TRUTH:
            return self.went_on().ended()
        films = self.plan.films[: self.told]
        return replace(
            self,
            plan=replace(self.plan, films=films, wrong=self.plan.wrong & set(films)),
            answers=tuple(one for one in self.answers if one.film in films),
        )

"""Film of a session: opened once, and what the models say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import decoding
from xray_models import catalogue
from xray_models.teaching import films
from xray_models.teaching.model_answers import ModelAnswer, answer_of, shown_wrong
from xray_models.viz.viewer_data import FilmData, MapSprite

if TYPE_CHECKING:
    from xray_models.explain.heatmap import Heatmap
    from xray_models.radiograph import Radiograph
    from xray_models.teaching.session import Session

__all__ = ["Opened", "heat", "judged", "opened", "sprite"]

_OPENED = "teaching film"


@dataclass
class Opened:
    """Film that is open, with what was made of it so far.

    Attributes:
        hash: stands for the film.
        film: its pixels.
        data: its gray for the viewer.
        answers: question -> the model's answer; None before it was asked.
        heats: question -> map of the finding that answers; None where it has none.
    """

    hash: str
    film: Radiograph
    data: FilmData
    answers: Mapping[str, ModelAnswer] | None = None
    heats: dict[str, Heatmap | None] = field(default_factory=dict)


def opened(session: Session) -> Opened:
    """Film that is read now.

    Raises:
        SetError, UnreadableRadiograph: its file is missing, is another one, or cannot be read.
    """
    told = session.film
    kept: Opened | None = st.session_state.get(_OPENED)
    if kept is None or kept.hash != told.hash:
        with st.spinner("Opening the film …"):
            content = films.content(session.teaching_set, told)
            film = films.prepared(decoding.read(content), told)
            kept = Opened(told.hash, film, FilmData.of(film))
        st.session_state[_OPENED] = kept
    return kept


def judged(session: Session, shown: Opened) -> Session:
    """Session with the models' answers to this film; some are shown wrong where the plan says so.

    Args:
        session: whose film is open.
        shown: that film.
    """
    name = session.film.id
    if name in session.silent or any(film == name for film, _ in session.models):
        return session
    if shown.answers is None:
        with st.spinner("Asking the models …"):
            shown.answers = _asked(session, shown)
    told = {
        question: shown_wrong(answer, session.film.truth[question])
        if name in session.plan.wrong
        else answer
        for question, answer in shown.answers.items()
    }
    return session.with_models(shown.answers, told)


def heat(session: Session, shown: Opened, question: str) -> Heatmap | None:
    """Map of the finding that answers a question; None where there is none.

    Args:
        session: whose film is open, after `judged`.
        shown: that film.
        question: id of the question.
    """
    answer = session.models.get((session.film.id, question))
    if answer is None:
        return None
    if question not in shown.heats:
        from xray_models import pipeline

        try:
            with st.spinner("Explaining …"):
                shown.heats[question] = pipeline.explain(shown.film, answer.model, answer.label)
        except (ValueError, RuntimeError):  # the answer stands without its map
            shown.heats[question] = None
    return shown.heats[question]


def sprite(answer: ModelAnswer, heatmap: Heatmap | None) -> tuple[MapSprite, ...]:
    """Map for the viewer, if there is one."""
    if heatmap is None:
        return ()
    return (MapSprite.of({f"{answer.model}:{answer.label}": heatmap}),)


def _asked(session: Session, shown: Opened) -> dict[str, ModelAnswer]:
    told = session.film
    known = {label for card in catalogue.catalogue().values() for label in card.thresholds}
    asked = [session.teaching_set.question(name) for name in session.questions]
    if not any(known & set(one.labels) for one in asked):
        return {}  # no model knows any of it, so none is loaded
    from xray_models import pipeline

    try:
        reading = pipeline.read(shown.film, part=told.part or None, age=told.age or None)
    except (ValueError, RuntimeError):  # a card or weights that cannot be used
        return {}
    found = {}
    for question in asked:
        answer = answer_of(reading, question)
        if answer is not None:
            found[question.id] = answer
    return found

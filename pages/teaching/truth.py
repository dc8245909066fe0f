"""What is told of a film after the answer: the truth, the place, the model, what to learn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.plain import plain
from pages.teaching import film as films
from xray_models import catalogue
from xray_models.catalogue.display_names import display_name
from xray_models.teaching.places import PlaceResult, compare
from xray_models.teaching.records import Record, records_of
from xray_models.teaching.session import CONFIDENCES, Session
from xray_models.viz import html

if TYPE_CHECKING:
    import numpy as np

__all__ = ["place_in_words", "show_model", "show_truth"]


def show_truth(session: Session, question: str, opened: films.Opened) -> None:
    """Truth of one question, beside the reader's answer, the place and the model's answer."""
    film = session.film
    asked = session.teaching_set.question(question)
    (record,) = [
        one for one in records_of(session) if (one.film, one.question) == (film.id, question)
    ]
    truth = "yes" if record.truth else "no"
    answer = f"You said: {CONFIDENCES[record.final]}."
    if record.right:
        st.success(f"**Right. The truth is {truth}.** {answer}", icon=":material/check:")
    else:
        st.error(f"**The truth is {truth}.** {answer}", icon=":material/close:")
    if len(session.questions) > 1:
        st.caption(plain(asked.text))
    if boxes := film.boxes_of(question):
        if record.place is None:
            st.markdown("You marked no place. The true one is boxed.")
        else:
            st.markdown(place_in_words(_in_pixels(session, record, question, opened), opened))
        st.caption(f"{len(boxes)} true {'box' if len(boxes) == 1 else 'boxes'} on the film.")
    show_model(session, question, record.truth)
    _show_heat(session, question, opened)
    if film.note:
        st.info(plain(film.note), icon=":material/school:")


def show_model(session: Session, question: str, truth: bool | None = None) -> None:
    """Model's answer as it is shown; with the truth also whether it is right.

    Args:
        session: whose film is open.
        question: id of the question.
        truth: the true answer; None while it must not be told.
    """
    answer = session.shown.get((session.film.id, question))
    if answer is None:
        st.caption("No model here answers this question on this film.")
        return
    said = "yes" if answer.yes else "no"
    told = "" if truth is None else ", and is right" if answer.yes == truth else ", and is wrong"
    st.markdown(f"**The model says {said}{told}.**")
    st.html(
        html.bar(
            display_name(answer.label),
            answer.probability,
            answer.threshold,
        )
    )
    st.caption(f"Model: {plain(catalogue.get(answer.model).name)}")


def place_in_words(place: PlaceResult, opened: films.Opened) -> str:
    """Sentence on how far the reader's place is from the true one."""
    if place.hit:
        words = "Your place lies in the true box."
    else:
        spacing = opened.data.spacing_mm
        far = f"{place.distance:.0f} pixels"
        if spacing:
            far = f"{place.distance * sum(spacing) / 2:.0f} mm"
        words = f"Your place is {far} from the middle of the true box."
    if not math.isnan(place.iou):
        words += f" Your box and the true one overlap by {100 * place.iou:.0f} % (IoU)."
    return words


def _in_pixels(
    session: Session, record: Record, question: str, opened: films.Opened
) -> PlaceResult:
    """The reader's place against the true ones, in pixels of the film."""
    marked = [one.place for one in session.of_film(record.film) if one.place]
    boxes = session.film.boxes_of(question)
    return compare(marked[-1], boxes, opened.film.width, opened.film.height)


def _show_heat(session: Session, question: str, opened: films.Opened) -> None:
    """Sentence on whether the heat is hottest in a true box."""
    boxes = session.film.boxes_of(question)
    heatmap = films.heat(session, opened, question) if boxes else None
    if heatmap is None:
        return
    from pages.explaining import maps

    heat: np.ndarray = maps.small(opened.film, heatmap)
    if not heat.any():
        return
    row, column = divmod(int(heat.argmax()), heat.shape[1])
    x, y = (column + 0.5) / heat.shape[1], (row + 0.5) / heat.shape[0]
    inside = any(
        one.x <= x <= one.x + one.width and one.y <= y <= one.y + one.height for one in boxes
    )
    where = "in the true box" if inside else "outside the true box"
    st.caption(f"The model's heat is hottest {where}.")

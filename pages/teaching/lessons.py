"""Guided lessons on the page: their list, and one lesson from its first to its last step."""

from __future__ import annotations

import streamlit as st

from pages.shared.plain import plain
from pages.teaching import live
from xray_models.teaching.lessons import Lesson, LessonError, Step, lessons

__all__ = ["LINK", "chosen", "offer", "show"]

LINK = "lesson"
"""What names a lesson in the link."""


def chosen() -> Lesson | None:
    """Lesson that the link names; None without one."""
    name = st.query_params.get(LINK)
    if not name:
        return None
    try:
        return next((one for one in lessons() if one.id == name), None)
    except LessonError:
        return None  # its list will tell


def offer() -> None:
    """Lessons to choose from."""
    st.subheader("Lessons", anchor=False)
    try:
        found = lessons()
    except LessonError as error:
        st.warning(plain(error), icon=":material/error:")
        return
    for number, one in enumerate(found, 1):
        st.button(
            f"{number}. {one.title} ({one.minutes} min)",
            key=f"lesson {one.id}",
            type="tertiary",
            icon=":material/menu_book:",
            on_click=_open,
            args=(one.id,),
        )


def show(lesson: Lesson) -> None:
    """One lesson: all its steps under each other; a question tells why once it is answered."""
    st.subheader(plain(lesson.title), anchor=False)
    asked = [one for one in lesson.steps if one.question]
    with st.container(width=760):
        for number, step in enumerate(lesson.steps):
            if step.question:
                _ask(step, f"{lesson.id} {number}")
                continue
            st.markdown(plain(step.text))
            if step.live:
                live.show(step.live, step.settings)
        right = sum(
            st.session_state.get(f"lesson {lesson.id} {number}") == step.choices[step.right]
            for number, step in enumerate(lesson.steps)
            if step.question
        )
        st.caption(f"{right} of {len(asked)} questions answered right.")
        st.button("Back to the start", icon=":material/arrow_back:", on_click=_close)


def _ask(step: Step, key: str) -> None:
    with st.container(border=True):
        answer = st.radio(plain(step.question), step.choices, index=None, key=f"lesson {key}")
        if answer is None:
            return
        if answer == step.choices[step.right]:
            st.success(f"Right. {plain(step.why)}", icon=":material/check:")
        else:
            st.error(f"Not quite. {plain(step.why)}", icon=":material/close:")


def _open(name: str) -> None:
    st.query_params[LINK] = name


def _close() -> None:
    st.query_params.pop(LINK, None)

"""Film of a session on the screen: the questions, then the model, then the truth."""

from __future__ import annotations

import time
from functools import partial

import streamlit as st

from pages.shared.page import show_notice
from pages.shared.plain import plain
from pages.teaching import film as films
from pages.teaching import state
from pages.teaching.truth import show_model, show_truth
from pages.viewer import component
from xray_models.radiograph import UnreadableRadiograph
from xray_models.teaching.places import Place
from xray_models.teaching.session import (
    AIDED,
    CONFIDENCES,
    TRUTH,
    UNAIDED,
    Answer,
    Session,
)
from xray_models.teaching.sets import SetError
from xray_models.viz.viewer_data import BoxData, MapSprite, View

__all__ = ["show"]

_STEP = "teaching step "
_MOST = 500  # signs of a note


def show(running: state.Running) -> None:
    """One film: the viewer, and beside it what is asked or told."""
    session = running.session
    head = st.container()
    try:
        opened = films.opened(session)
        if session.step != UNAIDED:
            session = state.change(films.judged(session, opened)).session
    except (SetError, UnreadableRadiograph) as error:
        st.error(plain(error), icon=":material/broken_image:")
        st.button(
            "Leave this film out", icon=":material/skip_next:", on_click=_skip, args=(session,)
        )
        return
    _begin_step(session)
    with head:
        _show_head(session)
    if session.step == TRUTH:
        _keep(state.running())
    pictures, panel = st.columns([10, 4], gap="medium")
    with pictures:
        if _time_is_up(session):
            st.info("Time is up. Answer without the film.", icon=":material/timer_off:")
        else:
            _show_film(session, opened)
    with panel:
        if session.step == TRUTH:
            for question in session.questions:
                show_truth(session, question, opened)
            _show_next(session)
        else:
            if session.step == AIDED:
                for question in session.questions:
                    show_model(session, question)
            _ask(session)


def _show_head(session: Session) -> None:
    done, films_in_all = session.told, len(session.plan.films)
    with st.container(horizontal=True, vertical_alignment="center", key="teaching head"):
        st.markdown(f"**Film {done + 1} of {films_in_all}** · {plain(session.teaching_set.title)}")
        if session.plan.limit and session.step != TRUTH:
            _countdown(session.plan.limit, float(st.session_state[f"{_STEP}began"]))
        st.button(
            "End here",
            icon=":material/flag:",
            type="tertiary",
            help="Shows the results of the films so far.",
            on_click=_end,
        )
        show_notice()
    st.progress(done / films_in_all)


def _show_film(session: Session, opened: films.Opened) -> None:
    asked = session.step != TRUTH
    first = session.questions[0]
    told = session.shown.get((session.film.id, first))
    sprites: tuple[MapSprite, ...] = ()
    if told is not None and session.step != UNAIDED:
        sprites = films.sprite(told, films.heat(session, opened, first))
    boxes: tuple[BoxData, ...] = ()
    if not asked:
        boxes = tuple(
            BoxData(one.x, one.y, one.width, one.height, "truth", "truth")
            for one in session.film.boxes
        )
    place = _place(session)
    view = View(
        film=opened.data,
        title="Radiograph",
        sprites=sprites,
        boxes=boxes,
        selected=sprites[0].ids[0] if sprites else None,
        names={sprites[0].ids[0]: "where the model looked"} if sprites else {},
        marking=asked,
        mark=(place.x, place.y, place.width, place.height) if place else None,
    )
    component.show(view, "teaching viewer", opened.film, on_mark=_mark)


def _ask(session: Session) -> None:
    """Questions of this step, and the button that commits to the answers."""
    given: dict[str, int] = st.session_state[f"{_STEP}answers"]
    waiting = [one for one in session.questions if one not in given]
    current = waiting[0] if waiting else session.questions[-1]
    if session.step == AIDED:
        st.markdown("**Your second answer**")
    for name in session.questions:
        st.markdown(f"**{plain(session.teaching_set.question(name).text)}**")
        with st.container(gap="xsmall", key=f"teaching answers {name}"):
            for level, words in CONFIDENCES.items():
                st.button(
                    words.capitalize(),
                    key=f"teaching {session.step} {name} {level}",
                    type="primary" if given.get(name) == level else "secondary",
                    width="stretch",
                    shortcut=str(level) if name == current else None,
                    on_click=partial(_choose, name, level),
                )
    if _place(session) is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("You marked a place.")
            st.button("Take it away", type="tertiary", on_click=_mark, args=(None,))
    else:
        st.caption("Click the film where you suspect it, or drag a box.")
    st.text_input("Note", key=f"teaching note {session.film.id} {session.step}", max_chars=_MOST)
    st.button(
        "Commit",
        key="teaching commit",
        type="primary",
        width="stretch",
        disabled=bool(waiting),
        shortcut="Enter",
        on_click=_commit,
    )


def _show_next(session: Session) -> None:
    last = session.told + 1 == len(session.plan.films)
    st.button(
        "Results" if last else "Next film",
        key="teaching next",
        type="primary",
        width="stretch",
        shortcut="Enter",
        on_click=_go_on,
    )


@st.fragment(run_every=1.0)
def _countdown(limit: float, began: float) -> None:
    left = limit - (time.time() - began)
    st.caption(f"{max(0, round(left))} s left")
    if left <= 0 and not st.session_state.get(f"{_STEP}over"):
        st.session_state[f"{_STEP}over"] = True
        st.rerun()


def _begin_step(session: Session) -> None:
    """Begin a step of a film anew: no answer, no time gone; the place stays for the second one."""
    of = session.film.id, session.step
    before = st.session_state.get(f"{_STEP}of")
    if before == of:
        return
    st.session_state[f"{_STEP}of"] = of
    st.session_state[f"{_STEP}answers"] = {}
    st.session_state[f"{_STEP}began"] = time.time()
    st.session_state[f"{_STEP}over"] = False
    if before is None or before[0] != session.film.id:
        st.session_state[f"{_STEP}place"] = None


def _time_is_up(session: Session) -> bool:
    return session.step != TRUTH and bool(st.session_state[f"{_STEP}over"])


def _place(session: Session) -> Place | None:
    if session.step == TRUTH:
        marked = [one.place for one in session.of_film(session.film.id) if one.place]
        return marked[-1] if marked else None
    found: Place | None = st.session_state.get(f"{_STEP}place")
    return found


def _mark(place: tuple[float, float, float, float] | None) -> None:
    st.session_state[f"{_STEP}place"] = place and Place(*place)


def _choose(question: str, level: int) -> None:
    st.session_state[f"{_STEP}answers"][question] = level


def _commit() -> None:
    """Take the answers; what was pressed twice is taken once."""
    running = state.running()
    if running is None or running.session.step not in (UNAIDED, AIDED):
        return
    session, step = running.session, running.session.step
    given: dict[str, int] = st.session_state[f"{_STEP}answers"]
    if set(given) != set(session.questions):
        return
    note = str(st.session_state.get(f"teaching note {session.film.id} {step}") or "")
    seconds = time.time() - st.session_state[f"{_STEP}began"]
    place = _place(session)
    film = session.film.id
    for question, level in given.items():
        session = session.answered(Answer(film, question, step, level, place, note, seconds))
    state.change(session)


def _go_on() -> None:
    running = state.running()
    if running is not None and running.session.step == TRUTH:
        state.change(running.session.went_on())


def _skip(session: Session) -> None:
    state.change(session.skipped())


def _end() -> None:
    running = state.running()
    if running is not None:
        state.change(running.session.ended())


def _keep(running: state.Running | None) -> None:
    """Keep the film whose truth is shown; a store that fails does not stop the reading."""
    if running is None or running.number is None:
        return
    store = state.the_store()
    if store is None:
        return
    from xray_models.teaching.keeping.store import StoreError

    try:
        store.keep(running.number, running.session)
    except StoreError as error:
        st.warning(plain(error), icon=":material/cloud_off:")

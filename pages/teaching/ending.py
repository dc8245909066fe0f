"""End of a session: its results, the films to look at again, and files to take along."""

from __future__ import annotations

import streamlit as st

from pages.shared import figure, tables
from pages.shared.plain import plain
from pages.teaching import state
from xray_models.spreadsheet import safe_csv
from xray_models.teaching import one_page, result_text
from xray_models.teaching.group import Group, grouped
from xray_models.teaching.records import Record, records_of, table
from xray_models.teaching.results import results
from xray_models.teaching.session import CONFIDENCES, DOUBTED, Plan, Session
from xray_models.viz.reader_curves import reader_roc

__all__ = ["show"]


def show(running: state.Running) -> None:
    """Results of the films that were read."""
    session = running.session
    records = list(records_of(session))
    st.subheader(f"Results: {plain(session.teaching_set.title)}", anchor=False)
    if not records:
        st.info("No film was answered, so there are no results.", icon=":material/info:")
        _offer_start()
        return
    found = results(records)
    _tell_wrong(session, records)
    left, right = st.columns(2, gap="large")
    with left:
        names, *rows = result_text.measure_rows(found)
        tables.show([dict(zip(names, row, strict=True)) for row in rows])
        st.caption("In brackets: 95 % intervals. Few films give wide ones.")
        for sentence in result_text.sentences(found):
            st.markdown(f"- {plain(sentence)}")
    with right:
        figure.show(reader_roc(result_text.curves(records)), "reader roc", zoom=False)
    _show_again(session, found.again)
    with st.container(horizontal=True):
        st.download_button(
            "Answers as CSV",
            data=lambda: safe_csv(table(records)),
            file_name="radlens-session.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "One page as PDF",
            data=lambda: one_page.as_pdf(session.teaching_set.title, found, records),
            file_name="radlens-session.pdf",
            mime="application/pdf",
            icon=":material/picture_as_pdf:",
            on_click="ignore",
        )
        _offer_start()
    _show_group(session)


def _tell_wrong(session: Session, records: list[Record]) -> None:
    """Films on which the model was shown wrong on purpose: told now."""
    if session.plan.mode != DOUBTED:
        return
    wrong = [one for one in records if one.wrong]
    if not wrong:
        st.info("No answer of the model was changed on these films.", icon=":material/info:")
        return
    misled = [one for one in wrong if not one.right]
    st.warning(
        f"On {len(wrong)} of these films a wrong answer of the model was shown on purpose. "
        f"You ended up wrong on {len(misled)} of them.",
        icon=":material/psychology_alt:",
    )


def _show_again(session: Session, again: tuple[Record, ...]) -> None:
    if not again:
        st.success("No film was answered wrong.", icon=":material/check:")
        return
    st.subheader("Films to look at again", anchor=False)
    tables.show(
        [
            {
                "film": one.film,
                "question": session.teaching_set.question(one.question).text,
                "truth": "yes" if one.truth else "no",
                "you said": CONFIDENCES[one.final],
                "what to learn": session.teaching_set.film(one.film).note,
            }
            for one in again
        ]
    )
    films = tuple(dict.fromkeys(one.film for one in again))
    st.button(
        "Read these again",
        icon=":material/replay:",
        on_click=_read_again,
        args=(session, films),
    )


def _read_again(session: Session, films: tuple[str, ...]) -> None:
    state.drop()
    state.change(Session(session.teaching_set, Plan(session.teaching_set.id, "alone", films)))


def _offer_start() -> None:
    st.button("Back to the start", icon=":material/arrow_back:", on_click=state.drop)


def _show_group(session: Session) -> None:
    """All readers of this set, where progress is kept."""
    store = state.the_store()
    if store is None:
        return
    from xray_models.teaching.keeping.store import StoreError

    with st.expander("All readers of this set", icon=":material/groups:"):
        try:
            latest = dict(store.sessions_on(session.teaching_set))  # the last one of each reader
            _show_agreement(grouped([records_of(one) for one in latest.values()]))
        except (StoreError, ValueError) as error:
            st.caption(plain(error))


def _show_agreement(group: Group) -> None:
    st.markdown(
        f"{group.readers} readers answered {group.films} questions in common. Their agreement: "
        f"Fleiss' kappa {result_text.estimate(group.kappa)}."
    )
    if group.table is None:
        st.caption(plain(group.why))
        return
    alone, aided = group.table.means
    (pair,) = group.table.comparisons
    tables.show(
        [
            {"reading": "alone, mean AUC", "value": result_text.estimate(alone)},
            {"reading": "with the model, mean AUC", "value": result_text.estimate(aided)},
            {"reading": "difference", "value": result_text.estimate(pair.difference)},
            {"reading": "p", "value": f"{pair.p:.3f}"},
        ]
    )
    st.caption("Obuchowski and Rockette: readers and films stand for all others like them.")

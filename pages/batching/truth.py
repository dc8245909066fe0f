"""Truth beside the results: which columns tell it, and how good the models are on these films."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.batching.state import Batch, Judged
from pages.shared import tables
from pages.shared.cell_meanings import ask_meanings
from pages.shared.page import show_problem
from pages.shared.plain import plain
from xray_models import catalogue
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.csv_import import PredictionsError
from xray_models.number_text import percent

if TYPE_CHECKING:
    import pandas as pd

    from xray_models.batch.results import Row
    from xray_models.batch.verdict import Verdict
    from xray_models.evaluate.performance import Performance
    from xray_models.evaluate.predictions.truth_columns import TruthColumn

__all__ = [
    "NOBODY_KNOWS",
    "choose_columns",
    "confirm",
    "forget_truth",
    "show_performance",
    "show_truth",
    "show_verdict",
    "take_truth",
]

NOBODY_KNOWS = "(not in the table)"


def show_truth(batch: Batch) -> None:
    """Comparison with the truth: how good the models are on these films."""
    from xray_models.batch import truth

    st.header("Compared with the truth", anchor=False)
    if batch.truth is None:
        take_truth(batch)
    table = batch.truth
    every = batch.rows
    rows = [row for row in every if row.label]
    if table is None:
        return
    files = list(dict.fromkeys(row.file for row in every))
    if not rows:
        st.info("No model read any of these films, so there is nothing to compare.")
        return
    names = list(map(str, table.columns))
    try:
        guessed = truth.match(table, files)
    except PredictionsError as error:
        st.error(plain(error), icon=":material/table_view:")
        st.button("Give another table", on_click=forget_truth, args=(batch,))
        return
    with st.container(border=True):
        column = st.selectbox(
            "Column with the file names",
            names,
            names.index(guessed.column),
            key=f"batch file column {batch.key}",
        )
        try:
            matched = truth.match(table, files, column)
        except PredictionsError as error:
            st.error(plain(error), icon=":material/table_view:")
            return
        for note in matched.notes:
            st.caption(plain(note))
        where = choose_columns(batch, rows, table, matched.column)
        meanings = ask_meanings(
            table, [one.column for one in where.values()], f"batch meanings {batch.key}"
        )
        left, right = st.columns(2)
        with left:
            st.button(
                "Compare with these columns", type="primary", width="stretch", on_click=confirm
            )
        with right:
            st.button("Give another table", on_click=forget_truth, args=(batch,), width="stretch")
    if st.session_state.pop("batch confirmed", False):
        from xray_models.batch.verdict import verdict
        from xray_models.evaluate.analysis import analyze
        from xray_models.evaluate.performance import performance

        try:
            predictions = truth.predictions_of(rows, table, matched, where, meanings)
            over_all = verdict(every, table, matched, where, meanings)
        except PredictionsError as error:
            st.error(plain(error), icon=":material/table_view:")
            return
        if not predictions:
            st.info("Choose a column for at least one label.")
            return
        batch.columns = {label: str(column) for label, column in where.items()}
        batch.judged = Judged(
            {str(one.model): analyze(one) for one in predictions},
            over_all,
            [one for each in predictions for one in performance(each)],
        )
    if batch.judged is not None:
        show_performance(batch.judged)


def take_truth(batch: Batch) -> None:
    """Upload of a table of truth, after the films."""
    file = st.file_uploader(
        "Truth (CSV): file names, and a label or labels",
        key=f"late truth {batch.key}",
        max_upload_size=csv_import.MOST_BYTES // 2**20,
    )
    if file is not None:
        try:
            batch.truth = csv_import.read(file.getvalue(), file.name)
        except PredictionsError as error:
            st.error(plain(error), icon=":material/table_view:")


def confirm() -> None:
    """Note that the columns are right."""
    st.session_state["batch confirmed"] = True


def forget_truth(batch: Batch) -> None:
    """Forget the table of truth, to take another."""
    batch.truth = batch.judged = None
    batch.columns = {}
    st.session_state.pop(f"late truth {batch.key}", None)


def choose_columns(
    batch: Batch, rows: list[Row], table: pd.DataFrame, column: str
) -> dict[str, TruthColumn]:
    """Columns of the truth of each label: guessed, to be confirmed or corrected."""
    from xray_models.batch import truth
    from xray_models.evaluate.predictions.truth_columns import TruthColumns

    truths = TruthColumns(table.drop(columns=column))
    labels = list(dict.fromkeys(row.label for row in rows))
    guessed = truth.proposal(labels, truths)
    for doubt in truth.doubts(labels, truths):
        st.warning(f"{plain(doubt)} Choose below.", icon=":material/help:")
    options = {str(one): one for one in (*truths.choices(), *guessed.values())}
    names = [NOBODY_KNOWS, *options]
    where = {}
    for k, side in enumerate(st.columns(min(3, len(labels))) * len(labels)):
        if k < len(labels):
            label = labels[k]
            known = batch.columns or {one: str(column) for one, column in guessed.items()}
            start = known.get(label, NOBODY_KNOWS)
            with side:
                chosen = st.selectbox(
                    f"Truth of {plain(display_name(label))}",
                    names,
                    names.index(start) if start in names else 0,
                    key=f"batch truth {label} {batch.key}",
                )
            if chosen != NOBODY_KNOWS:
                where[label] = options[chosen]
    return where


def show_verdict(over_all: Verdict, models: list[Performance]) -> None:
    """Verdict over all films, those named that were not read; then a row per model and finding."""
    from xray_models.batch.verdict import HEAD

    st.subheader("All films, whichever model read them", anchor=False)
    tables.show(
        [dict(zip(HEAD, one.cells, strict=True)) for one in over_all.labels],
        width="stretch",
        alt="Films of known truth that were called right, called wrong, and not read.",
    )
    if over_all.unread:
        count = len(over_all.unread)
        title = f"{count:,} {'film' if count == 1 else 'films'} of known truth not read"
        with st.expander(title, icon=":material/broken_image:"):
            tables.show(
                [{"file": name, "why": why} for name, why in over_all.unread],
                width="stretch",
                alt="Films of known truth that no model read, and why.",
            )
    st.subheader("Each model on the films that it read", anchor=False)
    tables.show(
        [
            {
                "model": one.model,
                "finding": display_name(one.label),
                "films": one.films,
                "with it": one.positives,
                "AUC (95 % interval)": one.auc_in_words,
                "sensitivity": percent(one.counts.sensitivity, 1),
                "specificity": percent(one.counts.specificity, 1),
            }
            for one in models
        ],
        width="stretch",
        alt="AUC, sensitivity and specificity of each model and finding.",
    )


def show_performance(judged: Judged) -> None:
    """Performance screen of a model on these films."""
    from pages.evaluating import screen

    show_verdict(judged.over_all, judged.performance)
    analyses = judged.analyses
    names = {card.id: card.name for card in catalogue.catalogue().values()}
    model = next(iter(analyses))
    if len(analyses) > 1:
        model = st.selectbox(
            "Judge", list(analyses), format_func=lambda one: names[one], key="batch model"
        )
    try:
        screen.show(f"batch {judged.at} {model}", analyses[model])
    except ValueError as error:
        show_problem(f"{names[model]} cannot be judged in full.", error)

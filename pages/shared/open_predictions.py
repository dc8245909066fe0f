"""Predictions that a page shows: a model's held-out films, or a table of a visitor's own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from pages.shared import tables
from pages.shared.cell_meanings import ask_meanings
from pages.shared.plain import plain
from xray_models import catalogue
from xray_models.evaluate.analysis import ModelAnalysis, analyze
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.csv_import import Columns, LabelColumns, PredictionsError
from xray_models.evaluate.predictions.predictions import Predictions, from_card
from xray_models.evaluate.predictions.truth_columns import (
    CellMeanings,
    minus_one_is_unclear,
)
from xray_models.spreadsheet import safe_names
from xray_models.train.locate_films import data_folder

__all__ = [
    "HANDED_OVER",
    "NO_COLUMN",
    "PUBLISHED",
    "Table",
    "confirm",
    "of_model",
    "offer_published",
    "own_table",
    "second_table",
    "with_classes",
]

HANDED_OVER = "table_from_elsewhere"
"""Where another page leaves dict(name=str, content=bytes of a CSV) before it switches here."""
PUBLISHED = Path("nih/reproduce_chexnet_test.csv.gz")
"""In the data folder: predictions of jrzech/reproduce-chexnet, a model that is not ours."""
NO_COLUMN = "(none)"


class Table(NamedTuple):
    """Table that was opened: its name, its cells, and a key that changes with its content."""

    name: str
    cells: pd.DataFrame
    key: str


def of_model(model: str) -> ModelAnalysis:
    """Analysis of a model on its held-out films; kept while the table on disk stays as it is.

    Raises:
        CatalogueError, TableError: card or table cannot be used.
    """
    file = catalogue.table_path(catalogue.get(model))
    stamp = file.stat().st_mtime_ns if file.is_file() else 0
    return _of_model(model, str(file), stamp)


@st.cache_resource(show_spinner="Opening the held-out table …", max_entries=32)
def _of_model(model: str, file: str, stamp: int) -> ModelAnalysis:  # noqa: ARG001 - they make the key
    return analyze(from_card(catalogue.get(model)))


def own_table() -> ModelAnalysis | None:
    """Analysis of a visitor's table: upload it, confirm its columns. It stays in memory."""
    state = st.session_state
    if handed := state.pop(HANDED_OVER, None):
        _open(handed["name"], handed["content"])
    done: ModelAnalysis | None = state.get("own analysis")
    with st.expander(
        "Open a predictions table", expanded=done is None, icon=":material/table_view:"
    ):
        st.file_uploader(
            "Table of truth and probabilities (CSV, or CSV packed with gzip)",
            key="own file",
            max_upload_size=csv_import.MOST_BYTES // 2**20,
            on_change=_take_upload,
        )
        st.caption(
            "A row per film; for each label a column of truth (1 or 0) and one of probability "
            "(0 to 1). It stays in memory and is not kept."
        )
        offer_published()
        if problem := state.get("own problem"):
            st.error(plain(problem), icon=":material/table_view:")
        table: Table | None = state.get("own table")
        if table is not None:
            confirm(table, prefix="own")
    done = state.get("own analysis")
    return done


def _take_upload() -> None:
    file = st.session_state["own file"]
    if file is not None:
        _open(file.name, file.getvalue())


def _open(name: str, content: bytes) -> None:
    """Read the table; what was open is closed, and a problem is kept to be shown."""
    state = st.session_state
    state["own analysis"] = state["own table"] = state["own problem"] = None
    try:
        cells = csv_import.read(content, name)
    except PredictionsError as error:
        state["own problem"] = str(error)
        return
    state["own table"] = Table(name, cells, hashlib.sha256(content).hexdigest())
    try:
        csv_import.guess(cells)
    except PredictionsError as error:
        state["own problem"] = str(error)


def offer_published() -> None:
    """Button that opens reproduce-chexnet's predictions, where the data folder holds them."""
    folder = data_folder()
    if folder is None or not (folder / PUBLISHED).is_file():
        return
    if st.button(
        "Open reproduce-chexnet's predictions from your data folder",
        key="open published",
        icon=":material/folder_open:",
        help="22,312 films of ChestX-ray14 and 14 labels, published by J. Zech.",
    ):
        with st.spinner("Reading 22,312 films …"):
            _open("reproduce-chexnet", (folder / PUBLISHED).read_bytes())
        st.rerun()


def confirm(table: Table, prefix: str) -> None:
    """Show what the columns are taken for, let it be corrected, and analyze on confirmation."""
    columns, meanings = _ask(table, prefix)
    if st.button("Judge these films", key=f"{prefix} judge", type="primary"):
        _analyze(table, columns, meanings, prefix)


def _ask(table: Table, prefix: str) -> tuple[Columns, CellMeanings]:
    """Columns of a table as guessed, with a warning where two could be meant, and as corrected."""
    try:
        guessed = csv_import.guess(table.cells)
    except PredictionsError:
        guessed = Columns(())
    st.markdown(f"**{plain(table.name)}**: {len(table.cells):,} films. What are its columns?")
    tables.show(table.cells.head(3), width="stretch", alt="The first rows of the table.")
    for doubt in guessed.doubts:
        st.warning(f"{plain(doubt)} Choose below.", icon=":material/help:")
    names = list(map(str, table.cells.columns))
    first, second, third = st.columns(3)
    with first:
        image = _column("Film", names, guessed.image, f"{prefix} image {table.key}")
    with second:
        group = _column(
            "Patient, or what belongs together", names, guessed.group, f"{prefix} group {table.key}"
        )
    with third:
        subgroups = st.multiselect(
            "Subgroups", names, list(guessed.subgroups), key=f"{prefix} subgroups {table.key}"
        )
    labels = _labels(guessed, names, f"{prefix} labels {table.key}")
    meanings = ask_meanings(
        table.cells, [one.truth for one in labels], f"{prefix} meanings {table.key}"
    )
    columns = replace(guessed, labels=labels, image=image, group=group, subgroups=tuple(subgroups))
    return columns, meanings


def _column(title: str, names: list[str], guessed: str | None, key: str) -> str | None:
    options = [NO_COLUMN, *names]
    chosen = st.selectbox(title, options, options.index(guessed or NO_COLUMN), key=key)
    return None if chosen == NO_COLUMN else chosen


def _labels(guessed: Columns, names: list[str], key: str) -> tuple[LabelColumns, ...]:
    """The pairs of columns; those of a table that tells none are chosen by hand."""
    if len(guessed.labels) <= 1:
        one = guessed.labels[0] if guessed.labels else LabelColumns("finding", "", "")
        first, second, third = st.columns(3)
        with first:
            label = st.text_input("Label", one.label, key=f"{key} label")
        with second:
            truth = _column("Truth", names, one.truth or None, f"{key} truth")
        with third:
            score = _column("Probability", names, one.probability or None, f"{key} score")
        return (LabelColumns(label, truth, score),) if truth and score else ()
    shown = dict(zip(safe_names(names), names, strict=True))
    safe = {name: one for one, name in shown.items()}
    labels = [one.label for one in guessed.labels]
    named = dict(zip(safe_names(labels), labels, strict=True))
    edited = tables.edit(
        pd.DataFrame(
            {
                "judge": True,
                "label": list(named),
                "truth": [safe[one.truth] for one in guessed.labels],
                "probability": [safe[one.probability] for one in guessed.labels],
            }
        ),
        width="stretch",
        key=key,
        alt="The columns of each label: truth and probability. Both can be changed.",
        column_config={
            "truth": st.column_config.SelectboxColumn(options=list(shown), required=True),
            "probability": st.column_config.SelectboxColumn(options=list(shown), required=True),
        },
    )
    return tuple(
        LabelColumns(
            named.get(str(row.label), str(row.label)),
            shown[str(row.truth)],
            shown[str(row.probability)],
        )
        for row in edited.itertuples()
        if row.judge
    )


def _analyze(table: Table, columns: Columns, meanings: CellMeanings, prefix: str) -> None:
    state = st.session_state
    try:
        with st.spinner("Checking every cell …"):
            found = csv_import.as_predictions(table.cells, columns, table.name, meanings)
            predictions = with_classes(found)
    except PredictionsError as error:
        state[f"{prefix} analysis"], state[f"{prefix} problem"] = None, str(error)
    else:
        state[f"{prefix} analysis"], state[f"{prefix} problem"] = analyze(predictions), None
        state[f"{prefix} key"] = f"{table.key} {columns} {meanings}"
    st.rerun()


def with_classes(predictions: Predictions) -> Predictions:
    """Take labels as classes where all films have exactly one of them."""
    if len(predictions.labels) < 2 or not (np.nansum(predictions.truth, axis=1) == 1).all():
        return predictions
    if np.isnan(predictions.truth).any():
        return predictions
    note = "Every film has exactly one of the labels, so they are taken as classes."
    return replace(predictions, classes=predictions.labels, notes=(*predictions.notes, note))


def second_table() -> Predictions | None:
    """Predictions to compare with, from a table read with its columns as guessed.

    Where a guess could be wrong, its columns are asked for first.
    """
    file = st.file_uploader(
        "Table to compare with (CSV)",
        key="second file",
        max_upload_size=csv_import.MOST_BYTES // 2**20,
    )
    if file is None:
        return None
    try:
        cells = csv_import.read(file.getvalue(), file.name)
        columns, meanings = csv_import.guess(cells), CellMeanings()
        unclear = any(minus_one_is_unclear(cells[one.truth]) for one in columns.labels)
        if columns.doubts or unclear:
            content = hashlib.sha256(file.getvalue()).hexdigest()
            columns, meanings = _ask(Table(file.name, cells, content), "second")
            if not st.toggle("These columns are right", key=f"second sure {content}"):
                return None
        predictions = csv_import.as_predictions(cells, columns, file.name, meanings)
    except PredictionsError as error:
        st.error(plain(error), icon=":material/table_view:")
        return None
    message = "; ".join(
        f"{one.label}: {one.truth}, {one.probability}" for one in columns.labels[:4]
    )
    st.caption(
        f"Truth and probability are taken from: {plain(message)}. Films: "
        f"{plain(columns.image or 'rows')}."
    )
    return predictions

"""Results on the page: a table with thumbnails, to filter, to sort, to open a film from."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.batching.choosing import IN_LINK
from pages.batching.state import Batch
from pages.shared import tables
from pages.shared.plain import plain
from pages.shared.way_back import read_film
from xray_models import catalogue
from xray_models.catalogue import NO, YES
from xray_models.catalogue.display_names import display_name
from xray_models.radiograph import UnreadableRadiograph

if TYPE_CHECKING:
    import pandas as pd

    from xray_models.batch.score import Scored

__all__ = [
    "CALLED",
    "FILTERS",
    "ON_SCREEN",
    "ORDERS",
    "SHOWN",
    "filtered",
    "offer_film",
    "picture",
    "show_results",
    "with_content",
]

ON_SCREEN = 500  # rows of the table
ORDERS = ("file", "highest probability", "lowest probability", "closest to the threshold")
SHOWN = ("positive", "negative", "set aside", "no model", "failed")
CALLED = {"positive": "called", "negative": "not called", "set aside": "set aside"}
ANSWERS = {YES: "clear yes", NO: "clear no"}
FILTERS = tuple(f"batch {name}" for name in ("text", "labels", "decisions", "by", "parts", "order"))
"""Keys of what rows are filtered and sorted by; kept while other pages are visited."""


@st.fragment
def show_results(batch: Batch) -> None:
    """Table of results with thumbnails; filtering and sorting run nothing but this."""
    from xray_models.batch import results

    st.header("Results", anchor=False)
    table = results.as_frame(batch.rows)
    chosen = filtered(table)
    st.caption(
        f"{len(chosen):,} of {len(table):,} rows, one per file and finding"
        + (f"; the first {ON_SCREEN} are shown" if len(chosen) > ON_SCREEN else "")
        + ". Select a row to open its film."
    )
    chosen = chosen.head(ON_SCREEN)
    pictures = {one.key: picture(one) for one in batch.scored}
    names = {card.id: card.name for card in catalogue.catalogue().values()}
    rows = chosen.assign(
        label=[display_name(label) for label in chosen["label"]],
        film=[pictures[key] for key in chosen["key"]],
        part=[
            f"{part} or {also}" if also else part or "not recognized"
            for part, also in zip(chosen["part"], chosen["also"], strict=True)
        ],
        model=[names.get(model, model) for model in chosen["model"]],
        part_probability=100 * chosen["part_probability"],
        probability=100 * chosen["probability"],
        threshold=100 * chosen["threshold"],
    )
    rows.loc[chosen["error"] != "", "part"] = ""
    rows["decision"] = [CALLED.get(decision, "") for decision in chosen["decision"]]
    rows["answer"] = [ANSWERS.get(answer, answer) for answer in chosen["answer"]]
    percent = st.column_config.NumberColumn
    event: Any = tables.show(
        rows,
        width="stretch",
        row_height=64,
        key=f"batch table {batch.key}",
        on_select="rerun",
        selection_mode="single-row",
        column_order=["film", *with_content(rows, results.COLUMNS)],
        column_config={
            "film": st.column_config.ImageColumn("film", width="small"),
            "file": st.column_config.TextColumn("file", width="medium"),
            "part": st.column_config.TextColumn("body part"),
            "part_probability": percent("sure of the part", format="%.1f %%"),
            "label": st.column_config.TextColumn("finding"),
            "error": st.column_config.TextColumn("why it was not read"),
            "warnings": st.column_config.TextColumn("to know"),
            "probability": percent("probability", format="%.1f %%"),
            "threshold": percent("threshold", format="%.1f %%"),
            "answer": st.column_config.TextColumn(
                "clear?", help="In a band around the threshold a model cannot tell."
            ),
        },
        alt="Results: a row per file and finding, with thumbnail, part, model, probability, "
        "threshold and decision.",
    )
    selected = event.selection.rows if event is not None else []
    if selected and selected[0] < len(chosen):
        offer_film(batch, str(chosen["key"].iloc[selected[0]]))


def with_content(rows: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Columns of the table in which any row says something."""
    empty = rows.isna() | (rows == "")
    return [name for name in columns if name not in ("also", "key") and not empty[name].all()]


def filtered(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that its visitor wants to see, in the order wanted."""
    folded = st.expander("Filter and sort", icon=":material/filter_list:")
    first, second, third = folded.columns(3, gap="small")
    with first:
        text = st.text_input("File name contains", key="batch text", persist_state="session")
        labels = st.multiselect(
            "Findings",
            [label for label in dict.fromkeys(table["label"]) if label],
            format_func=display_name,
            key="batch labels",
            persist_state="session",
            placeholder="all",
        )
    with second:
        decisions = st.multiselect(
            "Decision",
            SHOWN,
            key="batch decisions",
            placeholder="all",
            persist_state="session",
            format_func=lambda one: CALLED.get(one, one),
        )
        models = st.multiselect(
            "Models",
            [model for model in dict.fromkeys(table["model"]) if model],
            key="batch by",
            persist_state="session",
            placeholder="all",
        )
    with third:
        parts = st.multiselect(
            "Body parts",
            [part for part in dict.fromkeys(table["part"]) if part],
            key="batch parts",
            persist_state="session",
            placeholder="all",
        )
        order = st.selectbox("Sort by", ORDERS, key="batch order", persist_state="session")
    kind = table["decision"].where(table["decision"] != "", "no model")
    kind = kind.where(table["error"] == "", "failed")
    keep = table["file"].str.contains(text, case=False, regex=False)
    for wanted, column in (
        (labels, table["label"]),
        (decisions, kind),
        (models, table["model"]),
        (parts, table["part"]),
    ):
        if wanted:
            keep &= column.isin(wanted)
    found = table[keep]
    if order == ORDERS[0]:
        return found
    if order == ORDERS[3]:
        away = (found["probability"] - found["threshold"]).abs()
        return found.loc[away.sort_values(kind="stable").index]
    return found.sort_values("probability", ascending=order == ORDERS[2], kind="stable")


def picture(scored: Scored) -> str | None:
    """Thumbnail as an address that needs no request."""
    if scored.thumbnail is None:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(scored.thumbnail).decode()}"


def offer_film(batch: Batch, key: str) -> None:
    """Button that opens the selected film in the reading page."""
    scored = next(one for one in batch.scored if one.key == key)
    name = scored.file
    if scored.error:
        st.info(f"{plain(name)}: {plain(scored.error)}", icon=":material/broken_image:")
        return
    if st.button(f"Open {plain(name)} in the reading page", icon=":material/radiology:"):
        source = next(one for one in batch.films if one.key == key)
        try:
            content = source.load()
            data = content.read_bytes() if isinstance(content, Path) else content
        except (UnreadableRadiograph, OSError) as error:
            st.error(
                f"{plain(name)} cannot be opened any more. {plain(error)}",
                icon=":material/broken_image:",
            )
            return
        token = st.query_params.get(IN_LINK, "")
        read_film(name, data, "batch.py", "Back to the batch", {IN_LINK: token})

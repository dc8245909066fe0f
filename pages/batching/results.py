"""Results on the page: a table with thumbnails, to filter, to sort, to open a film from."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.batching.state import Batch
from pages.shared.open_film import ELSEWHERE
from pages.shared.plain import plain
from xray_models import catalogue
from xray_models.catalogue.display_names import display_name
from xray_models.radiograph import UnreadableRadiograph

if TYPE_CHECKING:
    import pandas as pd

    from xray_models.batch.score import Scored

__all__ = ["ON_SCREEN", "ORDERS", "SHOWN", "filtered", "offer_film", "picture", "show_results"]

ON_SCREEN = 500  # rows of the table
ORDERS = ("file", "highest probability", "lowest probability", "closest to the threshold")
SHOWN = ("positive", "negative", "no model", "failed")


@st.fragment
def show_results(batch: Batch) -> None:
    """Table of results with thumbnails; filtering and sorting run nothing but this."""
    from xray_models.batch import results

    st.header("Results", anchor=False)
    table = results.as_frame(batch.rows)
    chosen = filtered(table)
    st.caption(
        f"{len(chosen):,} of {len(table):,} rows (a row per file and finding)"
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
    percent = st.column_config.NumberColumn
    event: Any = st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        row_height=64,
        key=f"batch table {batch.key}",
        on_select="rerun",
        selection_mode="single-row",
        column_order=["film", *(name for name in results.COLUMNS if name not in ("also", "key"))],
        column_config={
            "film": st.column_config.ImageColumn("film", width="small"),
            "file": st.column_config.TextColumn("file", width="medium"),
            "part_probability": percent("part, probability", format="%.1f %%"),
            "probability": percent("probability", format="%.1f %%"),
            "threshold": percent("threshold", format="%.1f %%"),
        },
        alt="Results: a row per file and finding, with thumbnail, part, model, probability, "
        "threshold and decision.",
    )
    selected = event.selection.rows if event is not None else []
    if selected and selected[0] < len(chosen):
        offer_film(batch, str(chosen["key"].iloc[selected[0]]))


def filtered(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that its visitor wants to see, in the order wanted."""
    first, second, third = st.columns(3, gap="small")
    with first:
        text = st.text_input("File name contains", key="batch text")
        labels = st.multiselect(
            "Findings",
            [label for label in dict.fromkeys(table["label"]) if label],
            format_func=display_name,
            key="batch labels",
            placeholder="all",
        )
    with second:
        decisions = st.multiselect("Decision", SHOWN, key="batch decisions", placeholder="all")
        models = st.multiselect(
            "Models",
            [model for model in dict.fromkeys(table["model"]) if model],
            key="batch by",
            placeholder="all",
        )
    with third:
        parts = st.multiselect(
            "Body parts",
            [part for part in dict.fromkeys(table["part"]) if part],
            key="batch parts",
            placeholder="all",
        )
        order = st.selectbox("Sort by", ORDERS, key="batch order")
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
        st.session_state[ELSEWHERE] = {"name": name, "content": data}
        st.switch_page("pages/read.py")

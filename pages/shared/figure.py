"""Figures on a page, each with its alternative text, its downloads and its numbers."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from xray_models.spreadsheet import safe_csv
from xray_models.viz.theme import Plot

__all__ = ["FORMAT", "choose_format", "config", "offer_numbers", "offer_picture", "show"]

FORMAT = "save figures as"
_ZOOM = ["zoomIn2d", "zoomOut2d", "pan2d", "resetScale2d"]


def choose_format() -> None:
    """Choice of the format that the camera above each figure saves."""
    st.segmented_control(
        "Save figures as",
        ["PNG", "SVG"],
        default="PNG",
        required=True,
        key=FORMAT,
        persist_state="session",
        help="Point at a figure, or tap it, and press the camera above it.",
    )


def show(plot: Plot, key: str, title: str | None = None, zoom: bool = True) -> None:
    """Figure, and a button for the numbers behind it; without `zoom` its axes stay."""
    if title:
        st.subheader(title, anchor=False)
    st.plotly_chart(
        plot.figure,
        key=f"figure {key}",
        config=config(plot.name, zoom),
        alt=plot.alt,
        width="stretch",
    )
    offer_numbers(plot.name, key, plot.data)


def offer_numbers(name: str, key: str, data: Callable[[], pd.DataFrame]) -> None:
    """Button for the numbers behind what is shown; they are only made when it is pressed."""
    st.download_button(
        "Numbers as CSV",
        data=lambda: safe_csv(data()),
        file_name=f"radlens-{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"numbers {key}",
        on_click="ignore",
        type="tertiary",
        help=f"The numbers behind this figure ({name}).",
    )


def offer_picture(name: str, key: str, picture: Callable[[str], bytes]) -> None:
    """Button for a picture, in the format that was chosen, of what is no Plotly figure."""
    kind = str(st.session_state.get(FORMAT) or "PNG")
    st.download_button(
        f"Picture as {kind}",
        data=lambda: picture(kind.lower()),
        file_name=f"radlens-{name}.{kind.lower()}",
        mime="image/png" if kind == "PNG" else "image/svg+xml",
        icon=":material/photo_camera:",
        key=f"picture {key}",
        on_click="ignore",
        type="tertiary",
    )


def config(name: str, zoom: bool = True) -> dict[str, object]:
    """Settings of Plotly's buttons: zoom and save, in the format that was chosen."""
    chosen = st.session_state.get(FORMAT) or "PNG"
    return {
        "displaylogo": False,
        "modeBarButtons": [*([_ZOOM] if zoom else []), ["toImage"]],
        "toImageButtonOptions": {
            "format": chosen.lower(),
            "filename": f"radlens-{name}",
            "scale": 2 if chosen == "PNG" else 1,
        },
    }

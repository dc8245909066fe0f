"""How a figure goes on the page: with its alternative text, its downloads and its numbers."""

from __future__ import annotations

import streamlit as st

from xray_models.plots import Plot

FORMAT = "save figures as"


def choose_format() -> None:
    """What the camera above each figure saves."""
    st.segmented_control(
        "Save figures as",
        ["PNG", "SVG"],
        default="PNG",
        required=True,
        key=FORMAT,
        persist_state="session",
        help="Point at a figure, or tap it, and press the camera above it.",
    )


def show(plot: Plot, key: str, title: str | None = None) -> None:
    """A figure, and a button for the numbers behind it."""
    if title:
        st.subheader(title, anchor=False)
    st.plotly_chart(
        plot.figure,
        key=f"figure {key}",
        config=config(plot.name),
        alt=plot.alt,
        width="stretch",
    )
    st.download_button(
        "Numbers as CSV",
        data=lambda: plot.data().to_csv(index=False),
        file_name=f"radlens-{plot.name}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"numbers {key}",
        on_click="ignore",
        type="tertiary",
        help=f"The numbers behind this figure ({plot.name}).",
    )


def config(name: str) -> dict[str, object]:
    """Plotly's buttons: zoom and save, in the format that was chosen."""
    chosen = st.session_state.get(FORMAT) or "PNG"
    return {
        "displaylogo": False,
        "modeBarButtons": [["zoomIn2d", "zoomOut2d", "pan2d", "resetScale2d"], ["toImage"]],
        "toImageButtonOptions": {
            "format": chosen.lower(),
            "filename": f"radlens-{name}",
            "scale": 2 if chosen == "PNG" else 1,
        },
    }

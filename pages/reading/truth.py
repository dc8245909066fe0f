"""Truth of a sample: hidden until a visitor asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from xray_models.datasets.samples import SAMPLES
from xray_models.viz.viewer_data import BoxData

if TYPE_CHECKING:
    from pages.shared.opened import Opened

__all__ = ["boxes", "offer", "show"]


def offer(opened: Opened) -> None:
    """Switch that shows the truth, where it is known."""
    if opened.file in SAMPLES and SAMPLES[opened.file].truth:
        st.toggle("Show the truth", key="truth", help="First look, then compare.")


def show(opened: Opened) -> None:
    """The truth in words, if it was asked for."""
    if _asked(opened):
        sample = SAMPLES[opened.file]
        marked = " The boxes are theirs." if sample.boxes else ""
        st.info(f"Truth: {sample.truth}{marked}", icon=":material/fact_check:")


def boxes(opened: Opened) -> tuple[BoxData, ...]:
    """What people marked on the film, if it was asked for."""
    if not _asked(opened):
        return ()
    return tuple(
        BoxData(x, y, width, height, "truth", "truth")
        for x, y, width, height in SAMPLES[opened.file].boxes
    )


def _asked(opened: Opened) -> bool:
    return opened.file in SAMPLES and bool(st.session_state.get("truth"))

"""Age of the patient: asked where a model was made for some ages and the file tells none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.open_film import card_of
from pages.shared.opened import ANY_AGE
from xray_models.catalogue.display_names import display_name
from xray_models.radiograph.ages import ADULT, CHILD
from xray_models.viz import html

if TYPE_CHECKING:
    from xray_models.pipeline import Reading

__all__ = ["bars", "choose", "show_set_aside"]


def choose(reading: Reading) -> None:
    """Switch between child and adult, where it would change which models speak first."""
    if reading.radiograph.age_group or all(
        card_of(one.model).ages == "all" for one in reading.chosen
    ):
        return
    st.segmented_control(
        "Patient",
        [ANY_AGE, CHILD, ADULT],
        default=ANY_AGE,
        required=True,
        key="age",
        bind="query-params",
        persist_state="session",
        label_visibility="collapsed",
        width="content",
        help="Some models were made for children only.",
    )


def show_set_aside(reading: Reading) -> None:
    """Models that were made for others, folded away with the reason and what they found."""
    for model, why in reading.set_aside.items():
        card = card_of(model)
        with st.expander(f"Set aside: {card.name}", icon=":material/visibility_off:"):
            st.write(why)
            st.html(bars(reading, model))


def bars(reading: Reading, model: str) -> str:
    """Findings of one model as bars with their thresholds, as HTML."""
    return "".join(
        html.bar(display_name(finding.label), finding.probability, finding.threshold)
        for finding in reading.findings
        if finding.model == model
    )

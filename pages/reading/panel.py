"""Rows of the findings panel, with what each call is worth on held-out films."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.open_film import card_of

if TYPE_CHECKING:
    from xray_models.pipeline import Finding, Reading
    from xray_models.viz.viewer_data import FindingRow

__all__ = ["rows"]


def rows(reading: Reading) -> tuple[FindingRow, ...]:
    """Rows of the models that fit the film, in the order that explains itself."""
    from xray_models.report import finding_rows

    return finding_rows.rows(reading, _worth)


def _worth(finding: Finding) -> tuple[str, ...]:
    return _sentences(finding.model, finding.label, finding.threshold)


@st.cache_data(show_spinner=False)
def _sentences(model: str, label: str, threshold: float) -> tuple[str, ...]:
    from xray_models.evaluate.predictions.predictions import from_card
    from xray_models.report import worth_text

    card = card_of(model)
    if not card.measured:
        return (worth_text.UNMEASURED,)
    try:
        return worth_text.worth(from_card(card), label, threshold)
    except ValueError as error:  # a held-out table that cannot be used
        return (str(error),)

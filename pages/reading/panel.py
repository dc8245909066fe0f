"""Viewer of the Read page: the findings beside the picture that explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.explaining import overlay
from pages.reading import truth
from pages.shared.open_film import card_of
from pages.viewer import component
from xray_models import catalogue
from xray_models.viz.viewer_data import View

if TYPE_CHECKING:
    from pages.shared.opened import Opened
    from xray_models.evaluate.predictions.predictions import Predictions
    from xray_models.pipeline import Finding, Reading
    from xray_models.viz.viewer_data import FindingRow

__all__ = ["rows", "show"]

_FILM_ONLY = "viewer of the film"


def show(opened: Opened, reading: Reading) -> None:
    """Film, heat and findings; the film alone where no model that fits it was asked.

    What the detector looked at is no finding, so it is not shown as if it were one.
    """
    found = rows(reading)
    if found:
        from xray_models.report.finding_order import ORDER

        note = "The mark on the bar is the threshold."
        if len(found) > 1:
            note = f"{ORDER} {note}"
        overlay.show_overlay(opened.key, reading, found, truth.boxes(opened), note)
        return
    film = reading.radiograph
    view = View(
        film=overlay.film_data(opened.key, film), title="Radiograph", boxes=truth.boxes(opened)
    )
    component.show(view, _FILM_ONLY, film)


def rows(reading: Reading) -> tuple[FindingRow, ...]:
    """Rows of the models that fit the film, in the order that explains itself."""
    from xray_models.report import finding_rows

    return finding_rows.rows(reading, _worth)


def _worth(finding: Finding) -> tuple[str, ...]:
    """What a call of the finding is worth, on held-out films."""
    from xray_models.report import worth_text

    card = card_of(finding.model)
    if not card.measured:
        return (worth_text.UNMEASURED,)
    file = catalogue.table_path(card)
    stamp = file.stat().st_mtime_ns if file.is_file() else 0
    try:
        predictions = _predictions(finding.model, str(file), stamp)
    except ValueError as error:  # a held-out table that cannot be used
        return (str(error),)
    return worth_text.worth(predictions, finding.label, finding.threshold)


@st.cache_resource(show_spinner=False, max_entries=32)
def _predictions(model: str, file: str, stamp: int) -> Predictions:  # noqa: ARG001 - they make the key
    """Predictions of a model on its held-out films; kept while the table on disk stays as it is."""
    from xray_models.evaluate.predictions.predictions import from_card

    return from_card(card_of(model))

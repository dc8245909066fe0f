"""Errors page: films that a model gets wrong, or of which it is most or least certain."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.erring import choosing, film, folder, gallery, table
from pages.evaluating import screen, threshold
from pages.shared import open_predictions
from pages.shared.page import all_cards, ends_with, open_page
from pages.shared.plain import plain
from xray_models.datasets import identical
from xray_models.evaluate import errors
from xray_models.evaluate.analysis import LabelAnalysis


def main() -> None:
    """The page, from top to bottom."""
    open_page(
        "What the models get wrong",
        "Held-out films, called at a threshold. See where a model errs, and where it is most and "
        "least certain.",
    )
    models = {card.id: card for card in all_cards().values() if card.measured}
    if not models:
        st.info("No model in the catalogue was measured, so there is nothing to look at.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="which films"):
        model = choosing.choose_model(list(models))
        with ends_with(f"{models[model].name} cannot be judged here now."):
            of_model = open_predictions.of_model(model)
        label = screen.choose_label(f"errors {model}", of_model.predictions)
        analysis = of_model.labels[label]
        threshold.begin(model, analysis)
        cut, kind = choosing.choose_kind(analysis)
    screen.check_label(of_model.predictions)
    show(analysis, cut, kind)


def show(analysis: LabelAnalysis, cut: float, kind: str) -> None:
    """One film and the small pictures of all where they are at hand, and the table in any case."""
    predictions, one = analysis.predictions, analysis.films
    if one.problem:
        st.info(plain(one.problem), icon=":material/info:")
    rows = errors.films(one, cut, kind)
    if not len(rows):
        st.success(
            f"There are no {kind} at a threshold of {cut:.4g}, among {len(one.truth):,} films.",
            icon=":material/check:",
        )
        return
    found = folder.films_here(predictions.model or "", predictions.images)
    if found:
        show_films(analysis, cut, rows, found)
    else:
        folder.show_folder(found, predictions.images)
    st.subheader(f"All {len(rows):,} in a table", anchor="table")
    table.show(analysis, cut, kind, rows)
    if found:
        folder.show_folder(found, predictions.images)


def show_films(analysis: LabelAnalysis, cut: float, rows: np.ndarray, found: folder.Found) -> None:
    """The film that is looked at, and the small pictures of all; identical films are one."""
    images = analysis.predictions.images
    here = [str(images[row]) for row in rows if images[row] in found]
    if not here:
        st.info("None of these films is on this machine; the table below lists them.")
        return
    once = identical.once(here, found)
    names = list(once)
    place = gallery.chosen(names)
    film.show(analysis, cut, names, place, found, once[names[place]])
    gallery.show(analysis, names, found, place)


main()

"""Live figures of lessons: of our own held-out tables, moved by the reader."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.shared import figure, tables
from pages.shared.plain import plain
from xray_models import catalogue
from xray_models.catalogue import Card
from xray_models.evaluate.predictions.predictions import Predictions, from_card
from xray_models.number_text import spoken
from xray_models.teaching import lesson_numbers
from xray_models.teaching.result_text import estimate
from xray_models.viz import lesson_figures

__all__ = ["show"]


def show(live: str, settings: Mapping[str, str]) -> None:
    """One live figure; where its table cannot be used, a sentence says so.

    Args:
        live: one of `lessons.LIVE`.
        settings: of the step, such as its model.
    """
    figures = {
        "threshold": _threshold,
        "prevalence": _prevalence,
        "sanity": _sanity,
        "shortcut": _shortcut,
        "far": _far,
    }
    try:
        figures[live](settings)
    except ValueError as error:  # a table or a card that cannot be used
        st.warning(plain(error), icon=":material/broken_image:")


def _threshold(settings: Mapping[str, str]) -> None:
    card, predictions = _of(settings["model"])
    films = predictions.of(settings["label"])
    usual = card.thresholds[settings["label"]]
    cut = st.slider("Threshold", 0.0, 1.0, round(usual, 2), 0.01, key="lesson threshold")
    found = lesson_numbers.counts_at(films, cut)
    left, right = st.columns(2)
    left.metric("Fractures found (sensitivity)", f"{100 * float(found.sensitivity):.0f} %")
    right.metric("Healthy left alone (specificity)", f"{100 * float(found.specificity):.0f} %")
    st.markdown(
        f"At {cut:.2f} the model misses {int(found.fn)} of {int(found.positives)} fractures. It "
        f"calls {int(found.fp)} of {int(found.negatives)} healthy films."
    )
    plot = lesson_figures.spread(lesson_numbers.spread(films), settings["label"], cut)
    figure.show(plot, "lesson threshold", zoom=False)


def _prevalence(settings: Mapping[str, str]) -> None:
    card, predictions = _of(settings["model"])
    films, label = predictions.of(settings["label"]), settings["label"]
    measured = lesson_numbers.counts_at(films, card.thresholds[label])
    sensitivity, specificity = float(measured.sensitivity), float(measured.specificity)
    percent = st.slider("Patients with it, of 100", 1, 60, 10, key="lesson prevalence")
    found = lesson_numbers.people(sensitivity, specificity, percent / 100)
    st.markdown(
        f"The model calls {int(found.called)} of 1,000 patients. "
        f"**{int(found.tp)} of them have a {label}: {100 * float(found.ppv):.0f} %.**"
    )
    st.caption(f"Sensitivity {spoken(sensitivity, 2)}, specificity {spoken(specificity, 2)}.")
    figure.show(lesson_figures.people(found, label), "lesson prevalence", zoom=False)


def _sanity(settings: Mapping[str, str]) -> None:
    from xray_models.explain import MethodSpec

    card = catalogue.get(settings["model"])
    stages = lesson_numbers.cascade(card.id, str(MethodSpec.of_card(card)))
    figure.show(lesson_figures.cascade(stages), "lesson sanity", zoom=False)
    st.caption(f"{plain(card.name)}, the map that RadLens shows first. 1 is the same map.")


def _shortcut(settings: Mapping[str, str]) -> None:
    card, predictions = _of(settings["model"])
    label, column = settings["label"], settings["column"]
    if column not in predictions.subgroups:
        raise ValueError(f"The held-out table of {card.name} has no column {column!r}.")
    found = lesson_numbers.with_and_without(
        predictions.of(label), predictions.subgroups[column], card.thresholds[label]
    )
    tables.show(
        [
            {
                "films": f"{name} metal",
                "in all": int(one.films),
                f"with {label}": int(one.positives),
                f"of those with {label}, called": f"{int(one.tp)} of {int(one.positives)}",
                "of the others, called": f"{int(one.fp)} of {int(one.negatives)}",
            }
            for name, one in found.items()
        ]
    )


def _far(settings: Mapping[str, str]) -> None:
    card, predictions = _of(settings["model"])
    found = lesson_numbers.collections(card, predictions.of(settings["label"]))
    tables.show(
        [
            {
                "films": one.name,
                "in all": one.films,
                f"with {settings['label']}": one.ill,
                "AUC": estimate(one.auc),
                "healthy, but called": f"{100 * one.called_healthy:.0f} %",
            }
            for one in found
        ]
    )


def _of(model: str) -> tuple[Card, Predictions]:
    card = catalogue.get(model)
    file = catalogue.table_path(card)
    stamp = file.stat().st_mtime_ns if file.is_file() else 0
    return card, _predictions(model, str(file), stamp)


@st.cache_resource(show_spinner=False, max_entries=8)
def _predictions(model: str, file: str, stamp: int) -> Predictions:  # noqa: ARG001 - they make the key
    return from_card(catalogue.get(model))

"""What others have published, set beside our figures and marked as other data."""

from __future__ import annotations

import math

import streamlit as st

from pages.shared import figure
from pages.shared.page import show_problem
from xray_models import BONE_PARTS
from xray_models.catalogue import CatalogueError
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.analysis import ModelAnalysis
from xray_models.evaluate.label_measures import NO_ESTIMATE
from xray_models.evaluate.label_table import MACRO
from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.evaluate.metrics.counts import MEASURES
from xray_models.evaluate.predictions.predictions import same_label
from xray_models.evaluate.references import Reference, references
from xray_models.viz import forest

__all__ = ["own", "show"]

_AFTER_THE_MURA_CLASSIFIER = ("bone-general", *(f"bone-{part}" for part in BONE_PARTS))


def show(model: ModelAnalysis) -> None:
    """Published figures of the same model or the same findings."""
    predictions = model.predictions
    try:
        known = references(model=predictions.model)
    except CatalogueError as error:
        show_problem("The published figures cannot be read.", error)
        return
    if predictions.model is None:
        known = [one for one in known if one.label and predictions.like(one.label)]
    if not known:
        return
    st.header("In the literature", anchor="literature")
    st.write(
        "Published figures of **other data**: other films, other labels, often another question. "
        "They show what has been reached elsewhere, not who is better."
    )
    beside = [
        forest.Beside(name, own(model, ones[0]), tuple(ones))
        for name, ones in _by_figure(known).items()
    ]
    left, right = st.columns([7, 5], gap="large")
    with left:
        figure.show(forest.literature(beside), "literature")
    with right:
        for source, url, data in dict.fromkeys(
            (one.source, one.url, one.other_data) for one in known
        ):
            st.markdown(f"[{source}]({url})  \n{data}")
        if any(math.isnan(one.own.value) for one in beside):
            st.caption("Where no dot is ours, this model does not judge that label.")
        if predictions.model in _AFTER_THE_MURA_CLASSIFIER:
            st.caption(
                "An earlier project that classified MURA films showed a confusion matrix of its "
                "wrist model. It would belong here too, but its numbers could not be had."
            )


def _by_figure(known: list[Reference]) -> dict[str, list[Reference]]:
    """References by what they are of: two sources of the same figure share a row."""
    found: dict[str, list[Reference]] = {}
    for one in known:
        found.setdefault(f"{display_name(one.label)} {one.metric}".strip(), []).append(one)
    return found


def own(model: ModelAnalysis, reference: Reference) -> Estimate:
    """Our figure of the same name; of calls, at the operating point."""
    if reference.metric == "mean AUC":
        rows = [row for row in model.table if same_label(row.name, MACRO)]
        return rows[0].auc if rows else NO_ESTIMATE
    label = model.predictions.like(reference.label)
    if label is None:
        return NO_ESTIMATE
    analysis = model.labels[label]
    if reference.metric == "AUC":
        return analysis.measures["AUC"].estimate
    threshold = analysis.start.threshold
    if reference.metric not in MEASURES or threshold is None:
        return NO_ESTIMATE
    return analysis.threshold_intervals.measures(threshold)[reference.metric]

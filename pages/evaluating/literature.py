"""Section on published figures, set beside ours and marked as of other data."""

from __future__ import annotations

import math

import streamlit as st

from pages.shared import figure
from pages.shared.page import show_problem
from xray_models import catalogue
from xray_models.catalogue import CatalogueError
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.analysis import ModelAnalysis
from xray_models.evaluate.explanations import results_table
from xray_models.evaluate.explanations.results_table import EVERY
from xray_models.evaluate.label_measures import NO_ESTIMATE
from xray_models.evaluate.label_table import MACRO
from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.evaluate.metrics.counts import MEASURES
from xray_models.evaluate.predictions.predictions import same_label
from xray_models.evaluate.references import BOX_IOU, Reference, references
from xray_models.explain import MethodSpec
from xray_models.viz import forest

__all__ = ["known", "own", "show"]


def known(model: ModelAnalysis) -> bool:
    """Whether there may be published figures; a list that cannot be read says so when shown."""
    try:
        return bool(_published(model))
    except CatalogueError:
        return True


def _published(model: ModelAnalysis) -> list[Reference]:
    predictions = model.predictions
    found = references(model=predictions.model)
    if predictions.model is None:
        found = [one for one in found if one.label and predictions.like(one.label)]
    return list(found)


def show(model: ModelAnalysis) -> None:
    """Published figures of the same model or the same findings."""
    try:
        found = _published(model)
    except CatalogueError as error:
        show_problem("The published figures cannot be read.", error)
        return
    st.write(
        "Published figures are of **other data**: other films, other labels, often another "
        "question. They show what was reached elsewhere, not who is better."
    )
    beside = [
        forest.Beside(name, own(model, ones[0]), tuple(ones))
        for name, ones in _by_figure(found).items()
    ]
    left, right = st.columns([7, 5], gap="large")
    with left:
        figure.show(forest.literature(beside), "literature")
    with right:
        for source, url, data, matrix in dict.fromkeys(
            (one.source, one.url, one.other_data, one.matrix) for one in found
        ):
            name = f"[{source}]({url})" if url else f"**{source}**"
            st.markdown(f"{name}  \n{data}{_counted(matrix)}")
        if any(math.isnan(one.own.value) for one in beside):
            st.caption("Where no dot is ours, this model does not judge that label.")
        if any(one.metric == BOX_IOU for one in found):
            st.caption("Our boxes enclose what is at least half as hot as the hottest place.")


def _counted(matrix: tuple[tuple[int, int], tuple[int, int]] | None) -> str:
    """A published confusion matrix in words; its figures are computed from it."""
    if matrix is None:
        return ""
    (passed, false), (missed, hit) = matrix
    return (
        f" Of {passed + false:,} normal images it passed {passed:,} and called {false:,}. "
        f"Of {missed + hit:,} abnormal ones it called {hit:,} and missed {missed:,}. "
        "The figures here are computed from these counts."
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
    if reference.metric == BOX_IOU:
        return _boxes(model.predictions.model)
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


def _boxes(model: str | None) -> Estimate:
    """Mean IoU of the boxes that the model's own maps give, over every finding with boxes."""
    if model is None:
        return NO_ESTIMATE
    card = catalogue.get(model)
    table = results_table.load(model, "localization")
    rows = table[
        (table["method"] == MethodSpec.of_card(card).name)
        & (table["label"] == EVERY)
        & (table["rule"] == "fraction:0.5")
        & (table["measure"] == "IoU")
    ].sort_values("films")
    if rows.empty:
        return NO_ESTIMATE
    last = rows.iloc[-1]
    return Estimate(float(last["value"]), float(last["low"]), float(last["high"]))

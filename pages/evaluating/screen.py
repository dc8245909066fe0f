"""Performance of one model on some films: the whole screen, from top to bottom."""

from __future__ import annotations

import math

import streamlit as st

from pages.evaluating import compare, labels, literature, subgroups, threshold
from pages.shared import figure
from pages.shared.plain import plain
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.analysis import LabelAnalysis, ModelAnalysis
from xray_models.evaluate.predictions.predictions import Predictions
from xray_models.number_text import decimals
from xray_models.viz import scores

__all__ = ["CROSS_FITTED", "choose_label", "prepare", "show", "show_calibration"]

CROSS_FITTED = (
    "Each film was predicted by a network that never saw its group. Here one threshold calls all "
    "films; the figures on the model's card call the films of each fold with a threshold chosen on "
    "the others, and so may differ a little."
)


def show(key: str, model: ModelAnalysis) -> None:
    """Screen of a model, from top to bottom.

    Args:
        key: changes with model, films and truth.
        model: its analysis.
    """
    predictions = model.predictions
    label = choose_label(key, predictions)
    analysis = model.labels[label]
    one = analysis.films
    words, downloads = st.columns([5, 2], vertical_alignment="bottom")
    facts = f"**{len(one.truth):,} films** of {len(set(one.groups)):,} groups; "
    facts += f"{one.positives:,} with {plain(display_name(label))}, {one.negatives:,} without."
    with words:
        st.markdown(facts)
    with downloads:
        figure.choose_format()
    for note in predictions.notes:
        st.caption(plain(note))
    if predictions.folds is not None and all(fold.startswith("fold") for fold in predictions.folds):
        st.caption(CROSS_FITTED)
    if one.problem:
        st.info(plain(one.problem), icon=":material/info:")
    elif one.few:
        st.warning(
            f"Only {min(one.positives, one.negatives)} films "
            f"{'with' if one.positives < one.negatives else 'without'} "
            f"{plain(display_name(label))}: the "
            "intervals are wide, and where they are not, they may be too narrow.",
            icon=":material/warning:",
        )
    if not len(one.truth):
        return
    threshold.begin(key, analysis)
    with st.spinner("Resampling …", show_time=True):
        prepare(analysis)
    with st.container(key="at-threshold"):
        threshold.show(analysis)
    show_calibration(analysis)
    if len(predictions.labels) > 1:
        labels.show(model)
    subgroups.show(analysis)
    compare.show(analysis)
    literature.show(model)


def choose_label(key: str, predictions: Predictions) -> str:
    """Label to show, where there are several; the link carries it."""
    names = predictions.labels
    linked = predictions.like(st.query_params.get("label", ""))
    own = [name for name in names if name in predictions.thresholds]
    # combined findings come last and say most
    label = linked or (own or names)[-1 if predictions.classes else 0]
    if len(names) == 1:
        return label
    widget = f"label of {key}"
    if st.session_state.get(widget) != label:
        st.session_state[widget] = label

    def changed() -> None:
        st.query_params["label"] = st.session_state[widget]
        st.query_params.pop("threshold", None)

    chosen: str = st.selectbox(
        "Label", names, format_func=display_name, key=widget, on_change=changed
    )
    return chosen


def prepare(analysis: LabelAnalysis) -> None:
    """Compute what a move of the threshold needs, before it is shown."""
    for name in (
        "roc_band",
        "precision_recall_band",
        "threshold_intervals",
        "measures",
        "decision_curve",
    ):
        getattr(analysis, name)  # kept from now on


def show_calibration(analysis: LabelAnalysis) -> None:
    """Section on calibration: whether 30 % means 30 %."""
    st.header("Calibration", anchor="calibration")
    found = analysis.reliability
    left, right = st.columns([7, 5], gap="large")
    with left:
        figure.show(scores.calibration(found, analysis.score_distribution), "calibration")
    with right:
        st.markdown(
            "Of films with a score of 30 %, about 30 % should have the finding: points on the "
            "dotted line. The bars below count the films."
        )
        if not math.isnan(found.error):
            st.markdown(
                f"On average the score misses the share by **{decimals(found.error)}** (expected "
                f"calibration error). The Brier score is **{decimals(found.brier)}**: 0 at best, "
                f"{decimals(analysis.measures['Brier score'].no_skill)} for always giving the "
                "share of positives."
            )
        st.caption("Bars at the points are 95 % intervals (Wilson), films taken as independent.")

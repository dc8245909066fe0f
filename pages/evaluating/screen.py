"""The whole screen for one model on some films, from top to bottom."""

from __future__ import annotations

import math

import streamlit as st

from pages.evaluating import compare, labels, literature, subgroups, threshold
from pages.shared import figure
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.viz import scores

__all__ = ["CROSS_FITTED", "NOTICE", "choose_label", "prepare", "show", "show_calibration"]

NOTICE = "For teaching and research, not for diagnosis."
CROSS_FITTED = (
    "Each film was predicted by a network that never saw its group. Here one threshold calls all "
    "films; the figures on the model's card call the films of each fold with a threshold chosen on "
    "the others, and so may differ a little."
)


def show(key: str, analyses: LabelAnalysis) -> None:
    """Everything there is to say of a model.

    Args:
        key: changes with model, films and truth.
        analyses: of the model.
    """
    predictions = analyses.predictions
    label = choose_label(key, analyses)
    one = analyses.of(label)
    words, downloads = st.columns([5, 2], vertical_alignment="bottom")
    facts = f"**{len(one.truth):,} films** of {len(set(one.groups)):,} groups; "
    facts += f"{one.positives:,} with {display_name(label)}, {one.negatives:,} without."
    with words:
        st.markdown(facts)
    with downloads:
        figure.choose_format()
    for note in predictions.notes:
        st.caption(note)
    if predictions.folds is not None and all(fold.startswith("fold") for fold in predictions.folds):
        st.caption(CROSS_FITTED)
    if one.problem:
        st.info(one.problem, icon=":material/info:")
    elif one.few:
        st.warning(
            f"Only {min(one.positives, one.negatives)} films "
            f"{'with' if one.positives < one.negatives else 'without'} {display_name(label)}: the "
            "intervals are wide, and where they are not, they may be too narrow.",
            icon=":material/warning:",
        )
    if not len(one.truth):
        return
    threshold.begin(key, analyses, label)
    with st.spinner("Resampling …", show_time=True):
        prepare(analyses, label)
    with st.container(key="at-threshold"):
        threshold.show(analyses, label)
    show_calibration(analyses, label)
    if len(predictions.labels) > 1:
        labels.show(analyses)
    subgroups.show(analyses, label)
    compare.show(analyses, label)
    literature.show(analyses)


def choose_label(key: str, analyses: LabelAnalysis) -> str:
    """The label, where there are several; the link carries it."""
    names = analyses.predictions.labels
    linked = analyses.predictions.like(st.query_params.get("label", ""))
    own = [name for name in names if name in analyses.predictions.thresholds]
    # combined findings come last and say most
    label = linked or (own or names)[-1 if analyses.predictions.classes else 0]
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


def prepare(analyses: LabelAnalysis, label: str) -> None:
    """What a move of the threshold needs, computed before it is shown."""
    analyses.roc_band(label)
    analyses.precision_recall_band(label)
    analyses.resampled(label)
    analyses.details(label)
    analyses.decision(label)


def show_calibration(analyses: LabelAnalysis, label: str) -> None:
    """Whether 30 % means 30 %."""
    st.header("Calibration", anchor="calibration")
    found = analyses.reliability(label)
    left, right = st.columns([7, 5], gap="large")
    with left:
        spread = analyses.distribution(label, analyses.scale(label))
        figure.show(scores.calibration(found, spread), "calibration")
    with right:
        st.markdown(
            "Of films with a score of 30 %, about 30 % should have the finding: points on the "
            "dotted line. The bars below count the films."
        )
        if not math.isnan(found.error):
            st.markdown(
                f"On average the score misses the share by **{found.error:.3f}** (expected "
                f"calibration error). The Brier score is **{found.brier:.3f}**: 0 at best, "
                f"{analyses.details(label)['Brier score'].no_skill:.3f} for always giving the "
                "share of positives."
            )
        st.caption("Bars at the points are 95 % intervals (Wilson), films taken as independent.")

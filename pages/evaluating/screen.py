"""Performance of one model on some films: the films, the threshold, and a tab for each question."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from pages.evaluating import (
    at_threshold,
    compare,
    labels,
    literature,
    measures,
    subgroups,
    threshold,
)
from pages.shared import figure
from pages.shared.leaving import FINDING
from pages.shared.plain import plain
from xray_models.catalogue.display_names import display_name, sentence_name
from xray_models.evaluate.analysis import LabelAnalysis, ModelAnalysis
from xray_models.evaluate.predictions.predictions import LabelPredictions, Predictions
from xray_models.number_text import decimals
from xray_models.viz import scores

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

__all__ = [
    "CROSS_FITTED",
    "FILM",
    "SECTION",
    "TABS",
    "check_label",
    "choose_label",
    "prepare",
    "show",
    "show_calibration",
]

CROSS_FITTED = (
    "Each film was predicted by a network that never saw its group. Here one threshold calls all "
    "films. The model's card has a threshold for each fold, so its figures may differ a little."
)
FILM, SECTION = "film", "section"
"""What a link names beside model, label and threshold: the probability that the label has on the
film that the visitor comes from, in 0..1, and the tab to open."""
TABS = "section of performance"


def show(key: str, model: ModelAnalysis, place: DeltaGenerator | None = None) -> None:
    """Screen of a model, from top to bottom.

    Args:
        key: changes with model, films and truth.
        model: its analysis.
        place: where the label is chosen; by default where the screen begins.
    """
    predictions = model.predictions
    with (
        place or st.container(),
        st.container(horizontal=True, vertical_alignment="bottom", key="films judged"),
    ):
        label = choose_label(key, predictions)
        analysis = model.labels[label]
        _show_films(analysis)
    check_label(predictions)
    one = analysis.films
    if one.problem:
        st.info(plain(one.problem), icon=":material/info:")
    elif one.few:
        st.warning(
            f"Only {min(one.positives, one.negatives)} films "
            f"{'with' if one.positives < one.negatives else 'without'} "
            f"{plain(display_name(label))}. The intervals are wide. "
            "Where they are not, they may be too narrow.",
            icon=":material/warning:",
        )
    if not len(one.truth):
        return
    threshold.begin(key, analysis)
    with st.spinner("Resampling …", show_time=True):
        prepare(analysis)
    with st.container(key="at-threshold"):
        _show_sections(model, analysis)


def _show_films(analysis: LabelAnalysis) -> None:
    """How many films there are, what else is known of them, and how figures are saved."""
    one, predictions = analysis.films, analysis.predictions
    name = plain(sentence_name(analysis.label))
    groups = len(set(one.groups))
    notes = [
        f"The films are of {groups:,} groups. A group holds the films of one patient, or films "
        "that look alike.",
        *(plain(note) for note in predictions.notes),
    ]
    if predictions.folds is not None and all(fold.startswith("fold") for fold in predictions.folds):
        notes.append(CROSS_FITTED)
    st.markdown(_counted(one, name), width="stretch")
    with st.popover("Films and figures", icon=":material/info:", type="tertiary"):
        st.markdown("\n\n".join(notes))
        figure.choose_format()


def _counted(one: LabelPredictions, name: str) -> str:
    kinds = f"{one.positives:,} with {name} and {one.negatives:,} without"
    return f"**{len(one.truth):,} films**, {kinds}."


@st.fragment
def _show_sections(model: ModelAnalysis, analysis: LabelAnalysis) -> None:
    """Threshold, and the tab that is open; the others are not even computed."""
    cut = threshold.choose(analysis)
    counts = analysis.index.counts_of(analysis.label, cut)
    film = threshold.share_in(st.query_params.get(FILM))

    def every_label() -> None:
        labels.show(model)
        measures.show_all_labels(analysis, cut)

    sections: dict[str, tuple[str, Callable[[], None]]] = {
        "threshold": (
            "At the threshold",
            lambda: at_threshold.show(analysis, cut, counts, film),
        ),
        "measures": ("Measures", lambda: measures.show(analysis, cut, counts)),
        "calibration": ("Calibration", lambda: show_calibration(analysis)),
    }
    if len(model.predictions.labels) > 1:
        sections["labels"] = ("All labels", every_label)
    sections["subgroups"] = ("For whom", lambda: subgroups.show(analysis))
    sections["compare"] = ("Against other models", lambda: compare.show(analysis))
    if literature.known(model):
        sections["literature"] = ("In the literature", lambda: literature.show(model))
    titles = {name: title for name, (title, _) in sections.items()}
    _open_section(titles)
    tabs = st.tabs(list(titles.values()), key=TABS, on_change=_note_section, args=(titles,))
    for (_, draw), tab in zip(sections.values(), tabs, strict=True):
        if tab.open:
            with tab:
                draw()


def _open_section(titles: dict[str, str]) -> None:
    """Open the tab that the link names, else keep the one that is open."""
    state = st.session_state
    linked = titles.get(st.query_params.get(SECTION, ""))
    if linked and state.get(TABS) != linked:
        state[TABS] = linked
    elif state.get(TABS) not in titles.values():
        state[TABS] = next(iter(titles.values()))


def _note_section(titles: dict[str, str]) -> None:
    """Put the open tab into the link."""
    opened = st.session_state[TABS]
    name = next((name for name, title in titles.items() if title == opened), None)
    if name:
        st.query_params[SECTION] = name


def choose_label(key: str, predictions: Predictions) -> str:
    """Label to show, where there are several; the link carries it."""
    names = predictions.labels
    linked = predictions.like(_linked_label())
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
        for name in ("threshold", FILM, FINDING):
            st.query_params.pop(name, None)

    chosen: str = st.selectbox(
        "Label", names, format_func=display_name, key=widget, on_change=changed, width=240
    )
    return chosen


def check_label(predictions: Predictions) -> None:
    """Complain of a link to a label that the model does not know."""
    said = _linked_label()
    if said and not predictions.like(said):
        st.warning(
            f"The link names a label {plain(repr(said))}, which this model does not have. "
            "Shown is another.",
            icon=":material/link_off:",
        )


def _linked_label() -> str:
    return st.query_params.get("label") or st.query_params.get(FINDING) or ""


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
    found = analysis.reliability
    left, right = st.columns([7, 5], gap="large")
    with left:
        figure.show(scores.calibration(found, analysis.score_distribution), "calibration")
    with right:
        st.markdown(
            "Of films with a score of 30 %, about 30 % should have the finding. "
            "Then the points lie on the dotted line. The bars below count the films."
        )
        chance = analysis.measures["Brier score"].no_skill
        if not math.isnan(found.error):
            st.markdown(
                f"On average the score misses the share by **{decimals(found.error)}**. "
                "That is the expected calibration error.  \n"
                f"The Brier score is **{decimals(found.brier)}**; 0 is best. "
                f"Always giving the share of positives would score {decimals(chance)}."
            )
        st.caption("Bars at the points are 95 % intervals (Wilson). Films count as independent.")

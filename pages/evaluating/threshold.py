"""Threshold that moves, and everything that follows from it.

A fragment, so that nothing else of the page runs again.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st

from pages.evaluating import pointers
from pages.shared import figure
from pages.shared.plain import plain
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate import references
from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.evaluate.metrics import confusion as matrices
from xray_models.evaluate.metrics import thresholds
from xray_models.evaluate.metrics.counts import MEASURES, Counts, reason
from xray_models.evaluate.metrics.thresholds import RULES, Choice
from xray_models.number_text import decimals
from xray_models.spreadsheet import safe_csv
from xray_models.viz import confusion, confusion_image, curves, html, scores
from xray_models.viz.theme import Plot

__all__ = [
    "OPTIMISTIC",
    "PREVALENCE",
    "SLIDER",
    "TYPED",
    "begin",
    "choose",
    "key_of",
    "offer_rules",
    "published_points",
    "report_table",
    "show",
    "show_all_labels",
    "show_matrix",
    "show_measures",
    "unmoved",
]

SLIDER, TYPED = "threshold slider", "threshold typed"
PREVALENCE = "prevalence"
OPTIMISTIC = "Chosen on these very films, so what it gives on them is a little too good."


def begin(key: str, analysis: LabelAnalysis) -> None:
    """Set the threshold to that of the link, or to the one to start with where all is new."""
    state = st.session_state
    linked = _share_in(st.query_params.get("threshold"))
    if state.get("cut of") != (key, analysis.label):
        state["cut of"] = (key, analysis.label)
        choice = analysis.start
        if linked is not None:
            choice = Choice(linked, "")
        _keep(choice.threshold, choice.why)
        state[PREVALENCE] = None
    elif linked is not None and f"{state['cut']:.6g}" != f"{linked:.6g}":
        _keep(linked, "")


def _share_in(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


@st.fragment
def show(analysis: LabelAnalysis) -> None:
    """Controls of the threshold, and all that depends on it."""
    cut = choose(analysis)
    counts = analysis.index.counts_of(analysis.label, cut)
    plots = unmoved(analysis)
    first, second, third = st.columns([5, 5, 4], gap="medium")
    with first:
        figure.show(plots["roc"], "roc", "ROC curve", zoom=False)
    with second:
        figure.show(
            plots["precision-recall"], "precision-recall", "Precision and recall", zoom=False
        )
    with third:
        show_matrix(plots, analysis.label, cut, counts)
    st.caption(
        "Orange dots and lines mark the threshold. Saved pictures show the curves without them."
    )
    left, right = st.columns([7, 6], gap="large")
    with left:
        show_measures(analysis, cut, counts)
    with right:
        figure.show(plots["scores"], "scores", "Scores by truth", zoom=False)
        figure.show(plots["decision"], "decision", "Worth of acting on it", zoom=False)
        st.caption(
            "Net benefit: cases found minus false alarms, which weigh as much as the threshold "
            "says. It holds for the share of positives among these films."
        )
    if len(analysis.predictions.labels) > 1:
        show_all_labels(analysis, cut)


def choose(analysis: LabelAnalysis) -> float:
    """Slider, typed value, and rules that choose."""
    state = st.session_state
    cut: float = state["cut"]
    top = analysis.slider_end
    for widget, value in ((SLIDER, min(max(cut, 0.0), top)), (TYPED, cut)):
        state.setdefault(key_of(widget), value)
    with st.container(key="threshold", border=True):
        slider, typed, rules = st.columns([6, 2, 2], gap="medium", vertical_alignment="bottom")
        with slider:
            st.slider(
                "Threshold",
                0.0,
                top,
                step=top / 1000,
                format=f"%.{3 + math.ceil(-math.log10(top))}f",
                key=key_of(SLIDER),
                on_change=_take,
                args=(SLIDER, key_of(SLIDER)),
                help="A film is called positive when its score reaches the threshold.",
            )
        with typed:
            st.number_input(
                "Or type it",
                0.0,
                1.0,
                step=0.01,
                format="%.5f",
                key=key_of(TYPED),
                on_change=_take,
                args=(TYPED, key_of(TYPED)),
            )
        with rules, st.popover("Choose for me", width="stretch", icon=":material/tune:"):
            offer_rules(analysis)
        if why := state.get("cut why"):
            st.caption(why)
    return cut


def key_of(widget: str) -> str:
    """Key of the slider or of the typed value, as it is now.

    Whichever is not in the visitor's hand is made anew, under a new key, when the threshold moves.
    Were it only given the new value, the browser, moving faster than that value reaches it, would
    send back the old one, and it would be taken for the visitor's wish. What a widget of an older
    key sends is nobody's wish either.
    """
    return f"{widget} {st.session_state['renewed'][widget]}"


def _take(widget: str, key: str) -> None:
    if key == key_of(widget) and key in st.session_state:
        _set(float(st.session_state[key]), "", in_hand=widget)


def _set(cut: float, why: str, in_hand: str = "") -> None:
    _keep(cut, why, in_hand)
    st.query_params["threshold"] = f"{cut:.6g}"


def _keep(cut: float | None, why: str, in_hand: str = "") -> None:
    state = st.session_state
    state["cut"], state["cut why"] = cut, why
    renewed = state.setdefault("renewed", {SLIDER: 0, TYPED: 0})
    for widget in renewed:
        if widget != in_hand:
            renewed[widget] += 1


def offer_rules(analysis: LabelAnalysis) -> None:
    """Rules that choose a threshold."""
    own = "the model's operating point"
    rules = [*([own] if analysis.label in analysis.predictions.thresholds else []), *RULES]
    rule = st.radio("By which rule", rules, format_func=lambda one: RULES.get(one, one), key="rule")
    share = ratio = 1.0
    if rule in ("at_sensitivity", "at_specificity"):
        share = st.number_input(f"{RULES[rule].capitalize()}, %", 0.0, 100.0, 95.0, 1.0) / 100
    elif rule == "least_cost":
        ratio = st.number_input(
            "A miss costs how many false alarms?", 0.01, 10_000.0, 5.0, 1.0, format="%.2f"
        )
    st.button(
        "Set the threshold",
        key="set by rule",
        type="primary",
        on_click=_choose,
        args=(analysis, rule, share, ratio),
        width="stretch",
    )


def _choose(analysis: LabelAnalysis, rule: str, share: float, ratio: float) -> None:
    index, label = analysis.index, analysis.label
    if rule not in RULES:
        _set(analysis.predictions.thresholds[label], "The model's operating point.")
        return
    if rule == "least_cost":
        prevalence = st.session_state.get(PREVALENCE)
        choice = thresholds.least_cost(
            index, label, ratio, 1.0, None if prevalence is None else prevalence / 100
        )
    elif rule in ("at_sensitivity", "at_specificity"):
        choice = getattr(thresholds, rule)(index, label, share)
    else:
        choice = getattr(thresholds, rule)(index, label)
    if choice.threshold is None:
        st.session_state["cut why"] = choice.why
    else:
        _set(min(choice.threshold, 1.0), f"{choice.why} {OPTIMISTIC}")


def unmoved(analysis: LabelAnalysis) -> dict[str, Plot]:
    """Figures on which only the point of the threshold moves; made once per visitor."""
    state = st.session_state
    cached = state.get("figures unmoved")
    if cached is None or cached[0] is not analysis:
        plots = {
            "roc": curves.roc(
                analysis.roc,
                analysis.roc_band,
                published=published_points(analysis.predictions.model, analysis.label),
            ),
            "precision-recall": curves.precision_recall(
                analysis.precision_recall, analysis.precision_recall_band
            ),
            "scores": scores.distribution(
                analysis.score_distribution, display_name(analysis.label)
            ),
            "decision": scores.decision(analysis.decision_curve),
        }
        state["figures unmoved"] = cached = (analysis, plots)
    found: dict[str, Plot] = cached[1]
    return found


def show_matrix(plots: dict[str, Plot], label: str, cut: float, counts: Counts) -> None:
    """Confusion matrix, and with it, so that they never part, the points on the figures."""
    matrix = matrices.of_label(label, counts)
    sensitivity, alarms = float(counts.sensitivity), 1 - float(counts.specificity)
    points = {
        "roc": pointers.dot("roc", plots["roc"], alarms, sensitivity),
        "precision-recall": pointers.dot(
            "precision-recall", plots["precision-recall"], sensitivity, float(counts.ppv)
        ),
        "scores": pointers.line("scores", plots["scores"], cut),
        "decision": pointers.line("decision", plots["decision"], cut),
    }
    st.subheader("Confusion matrix", anchor=False)
    st.html(
        html.two_class(matrix, display_name(label))
        + f"<style>{html.STYLE}</style>"
        + pointers.styled(points)
    )
    with st.container(horizontal=True):
        figure.offer_numbers("matrix", "matrix", lambda: confusion.table(matrix))
        figure.offer_picture(
            "matrix",
            "matrix",
            lambda kind: confusion_image.picture(matrix, display_name(label), kind),
        )


def published_points(model: str | None, label: str) -> list[tuple[str, float, float]]:
    """Sources that state both sensitivity and specificity of this finding."""
    if model is None:
        return []
    found: dict[str, dict[str, float]] = {}
    for one in references.references(model=model, label=label):
        found.setdefault(one.source, {})[one.metric] = one.value
    return [
        (source.split(",")[0], 1 - values["specificity"], values["sensitivity"])
        for source, values in found.items()
        if {"sensitivity", "specificity"} <= set(values)
    ]


def show_measures(analysis: LabelAnalysis, cut: float, counts: Counts) -> None:
    """Table of all measures with intervals and no skill; PPV and NPV for any prevalence."""
    st.subheader("Measures", anchor=False)
    percent = st.number_input(
        "Prevalence where it is used, %",
        0.0,
        100.0,
        None,
        1.0,
        format="%.3f",
        key=PREVALENCE,
        placeholder=f"as in these films: {100 * float(np.nan_to_num(counts.prevalence)):.1f}",
        help="PPV and NPV depend on how common the finding is, and the mix of a test set is "
        "hardly ever the ward's. Leave it empty for the share among these films.",
    )
    prevalence = None if percent is None else percent / 100
    found = analysis.threshold_intervals.measures(cut, prevalence)
    chance = counts.no_skill()
    if prevalence is not None:
        chance |= {"PPV": np.array(prevalence), "NPV": np.array(1 - prevalence)}
    rows = [
        html.Measure(name, found[name], float(chance[name]), _why(counts, name, found[name].value))
        for name in MEASURES
    ]
    rows += [
        html.Measure(name, one.estimate, one.no_skill) for name, one in analysis.measures.items()
    ]
    message = f"{display_name(analysis.label)} at a threshold of {cut:.4g}"
    if percent is not None:
        message += f"; PPV and NPV where {percent:g} % have it"
    st.html(html.measures(rows, message))
    for why in dict.fromkeys(row.why for row in rows if row.why):
        st.caption(why)
    st.download_button(
        "Measures as CSV",
        data=lambda: safe_csv(_as_table(rows)),
        file_name="radlens-measures.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
    )
    matrix = matrices.of_label(analysis.label, counts)
    with st.expander("Classification report"):
        st.html(report_table(matrices.classification_report(matrix), message))


def report_table(report: list[matrices.ReportRow], caption: str) -> str:
    """Table of a classification report, as HTML."""
    return html.table(
        ("class", "precision", "recall", "F1", "films"),
        [
            (
                display_name(row.name),
                *(decimals(x) for x in (row.precision, row.recall, row.f1)),
                f"{row.films:,}",
            )
            for row in report
        ],
        caption,
    )


def _why(counts: Counts, name: str, value: float) -> str:
    return (reason(counts, name) or "") if np.isnan(value) else ""


def _as_table(rows: list[html.Measure]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (row.name, row.estimate.value, row.estimate.low, row.estimate.high, row.no_skill)
            for row in rows
        ],
        columns=["measure", "value", "low", "high", "no skill"],
    )


def show_all_labels(analysis: LabelAnalysis, cut: float) -> None:
    """Counts and measures of every label: the chosen one at the slider, others at their own."""
    predictions, label = analysis.predictions, analysis.label
    cuts = np.array([predictions.thresholds.get(one, cut) for one in predictions.labels])
    cuts[predictions.index(label)] = cut
    counts = analysis.index.counts(cuts)
    st.subheader("All labels at a threshold", anchor=False)
    own = (
        "each other label at its own operating point"
        if predictions.thresholds
        else "so are the rest"
    )
    st.caption(
        f"{plain(display_name(label))} is called at the slider's threshold, {own}. "
        "Click a heading to sort."
    )
    table = pd.DataFrame(
        {
            "label": [display_name(one) for one in predictions.labels],
            "threshold": cuts,
            "TP": counts.tp,
            "FP": counts.fp,
            "FN": counts.fn,
            "TN": counts.tn,
            **{name: counts.measures()[name] for name in list(MEASURES)[:8]},
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        key="all labels",
        alt="Counts and measures of every label at its threshold.",
        column_config={
            name: st.column_config.NumberColumn(format="%.4f" if name == "threshold" else "%.3f")
            for name in ("threshold", *list(MEASURES)[:8])
        },
    )

"""Measures of a label at the threshold, with intervals; what acting on it is worth; all labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from pages.evaluating import pointers
from pages.evaluating.at_threshold import unmoved
from pages.evaluating.threshold import PREVALENCE
from pages.shared import figure, tables
from pages.shared.plain import plain
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.evaluate.metrics import confusion as matrices
from xray_models.evaluate.metrics.counts import MEASURES, Counts, reason
from xray_models.number_text import decimals
from xray_models.spreadsheet import safe_csv
from xray_models.viz import html

__all__ = ["report_table", "show", "show_all_labels", "show_measures"]


def show(analysis: LabelAnalysis, cut: float, counts: Counts) -> None:
    """Table of measures, and beside it the decision curve.

    Args:
        analysis: of the label.
        cut: the threshold.
        counts: of the label's films at it.
    """
    left, right = st.columns([7, 6], gap="large")
    with left:
        show_measures(analysis, cut, counts)
    with right:
        plot = unmoved(analysis)["decision"]
        figure.show(plot, "decision", "Worth of acting on it", zoom=False)
        st.html(pointers.styled({"decision": pointers.line("decision", plot, cut)}))
        st.caption(
            "Net benefit is the share of cases found, minus weighed false alarms. "
            "The lower the threshold, the less an alarm weighs. "
            "It holds for the share of positives among these films."
        )
        matrix = matrices.of_label(analysis.label, counts)
        with st.expander("Classification report"):
            st.html(report_table(matrices.classification_report(matrix), _caption(analysis, cut)))


def show_measures(analysis: LabelAnalysis, cut: float, counts: Counts) -> None:
    """Table of all measures with intervals and no skill; PPV and NPV for any prevalence."""
    percent = st.number_input(
        "Prevalence where it is used, %",
        0.0,
        100.0,
        None,
        1.0,
        format="%.3f",
        key=PREVALENCE,
        persist_state="page",
        placeholder=f"as in these films: {100 * float(np.nan_to_num(counts.prevalence)):.1f}",
        help="PPV and NPV depend on how common the finding is. A test set hardly ever has the "
        "ward's mix. Leave it empty for the share among these films.",
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
    message = _caption(analysis, cut)
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


def _caption(analysis: LabelAnalysis, cut: float) -> str:
    return f"{display_name(analysis.label)} at a threshold of {cut:.4g}"


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
    others = "Each other label is called at its own." if predictions.thresholds else "So are all."
    st.caption(f"{plain(display_name(label))} is called at the slider's threshold. {others}")
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
    tables.show(
        table,
        width="stretch",
        key="all labels",
        alt="Counts and measures of every label at its threshold.",
        column_config={
            name: st.column_config.NumberColumn(format="%.4f" if name == "threshold" else "%.3f")
            for name in ("threshold", *list(MEASURES)[:8])
        },
    )

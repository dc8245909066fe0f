"""Section on all labels of a model: small curves, a table to sort, classes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.evaluating.measures import report_table
from pages.shared import figure, tables
from pages.shared.plain import plain
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.analysis import ModelAnalysis
from xray_models.evaluate.metrics.confusion import Matrix, classification_report, count_matrix
from xray_models.evaluate.predictions.predictions import Predictions
from xray_models.number_text import percent, spoken
from xray_models.viz import confusion, curves

__all__ = ["show", "show_classes", "show_table"]


def show(model: ModelAnalysis) -> None:
    """Section on all labels, where there are several."""
    predictions = model.predictions
    if predictions.classes:
        show_classes(predictions)
    show_table(model)
    with st.container(horizontal=True, gap="small", key="small curves"):
        for label, analysis in model.labels.items():
            with st.container(width=190, gap=None):
                curve = analysis.roc
                st.markdown(f"{plain(display_name(label))}  \n**{spoken(curve.area)}**")
                if not len(curve.x):
                    st.caption("No curve: " + plain(analysis.films.problem or ""))
                    continue
                st.plotly_chart(
                    curves.small_roc(display_name(label), curve),
                    key=f"small {label}",
                    config=figure.config(f"roc-{label}") | {"displayModeBar": False},
                    alt=f"ROC curve of {display_name(label)}: AUC {spoken(curve.area)}.",
                )


def show_table(model: ModelAnalysis) -> None:
    """Table of AUC and average precision with intervals, means, and what no skill gives."""
    with st.spinner("Resampling …", show_time=True):
        rows = model.table
    table = pd.DataFrame(
        {
            "label": [display_name(row.name) for row in rows],
            "films with it": [row.positives for row in rows],
            "films": [row.films for row in rows],
            "AUC": [row.auc.value for row in rows],
            "AUC low": [row.auc.low for row in rows],
            "AUC high": [row.auc.high for row in rows],
            "average precision": [row.average_precision.value for row in rows],
            "AP low": [row.average_precision.low for row in rows],
            "AP high": [row.average_precision.high for row in rows],
            "note": [row.note for row in rows],
        }
    )
    shares = [name for name in table.columns if table[name].dtype == float]
    tables.show(
        table,
        width="stretch",
        height=38 + 35 * len(table),
        key="labels",
        alt="AUC and average precision of every label with 95 % intervals, their means, and what "
        "no skill gives.",
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in shares},
    )
    st.caption(
        f"Intervals are 95 %, from {model.replicates:,} resamples of whole groups. "
        "Click a heading to sort; point at the table to save it as CSV."
    )


def show_classes(predictions: Predictions) -> None:
    """Confusion matrix of all classes, and its report."""
    classes = predictions.classes
    counts = count_matrix(predictions.truth_class(), predictions.most_probable(), len(classes))
    matrix = Matrix(classes, counts)
    left, right = st.columns([7, 5], gap="large")
    with left:
        st.subheader("Confusion matrix of all classes", anchor=False)
        values = st.segmented_control(
            "Cells show",
            confusion.VALUES,
            default=confusion.VALUES[0],
            required=True,
            key="cells",
            help="Shares are in percent. A dot stands for no film.",
        )
        figure.show(confusion.many_class(matrix, values or confusion.VALUES[0]), "classes")
    with right:
        st.subheader("Classification report", anchor=False)
        message = (
            f"Each film called by its most probable class, whatever the threshold: "
            f"{percent(matrix.accuracy, 1)} right, Cohen's kappa {spoken(matrix.kappa)}"
        )
        st.html(report_table(classification_report(matrix), message))

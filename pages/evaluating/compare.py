"""Comparison of two or more models on the same films."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from pages.shared import figure, open_predictions, tables
from pages.shared.page import show_problem
from pages.shared.plain import plain
from xray_models import catalogue
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.evaluate.comparable import (
    Comparison,
    NotComparable,
    candidates,
    comparisons,
    of_table,
)
from xray_models.evaluate.metrics import curves
from xray_models.evaluate.metrics.paired import WHO_IS_RIGHT, disagreement
from xray_models.evaluate.predictions.held_out_table import TableError
from xray_models.evaluate.predictions.predictions import Predictions
from xray_models.number_text import p_value, signed_with_interval, spoken
from xray_models.viz import curves as curve_plots
from xray_models.viz import html

__all__ = ["OWN_TABLE", "show", "show_comparisons", "show_disagreement"]

OWN_TABLE = "a table of your own"
_MOST_ROWS = 200


@st.fragment
def show(analysis: LabelAnalysis) -> None:
    """Choice of other models, and how they compare."""
    predictions, label = analysis.predictions, analysis.label
    st.write("Models are compared on the same films: those that are in all tables.")
    inside = _in_table(predictions)
    others = [one for one in candidates(predictions.model, label) if one not in inside]
    chosen = st.multiselect(
        "Compare with",
        [*inside, *others, OWN_TABLE],
        format_func=lambda one: one if one == OWN_TABLE else catalogue.get(one).name,
        key=f"comparable {predictions.name}",
        placeholder="Choose one or more",
    )
    found: list[Predictions] = []
    for one in chosen:
        if one == OWN_TABLE:
            opened = open_predictions.second_table()
            if opened is not None:
                found.append(opened)
        elif one in inside:
            found.append(inside[one])
        else:
            try:
                found.append(open_predictions.of_model(one).predictions)
            except ValueError as error:
                show_problem(f"{catalogue.get(one).name} cannot be compared now.", error)
    found = _numbered(predictions, found)
    if not found:
        return
    try:
        with st.spinner("Resampling …", show_time=True):
            results = comparisons(predictions, found, label)
    except (NotComparable, TableError) as error:
        st.info(str(error), icon=":material/info:")
        return
    show_comparisons(predictions, label, results)
    others_at = [other.thresholds.get(other.like(label) or label) for other in found]
    for comparison, threshold in zip(results, others_at, strict=True):
        show_disagreement(comparison, threshold)


def _numbered(predictions: Predictions, others: list[Predictions]) -> list[Predictions]:
    """The others, numbered where their names are taken: two files may be called the same."""
    taken, found = {predictions.name}, []
    for other in others:
        name, number_of_name = other.name, 1
        while name in taken:
            number_of_name += 1
            name = f"{other.name} ({number_of_name})"
        taken.add(name)
        found.append(replace(other, name=name))
    return found


def _in_table(predictions: Predictions) -> dict[str, Predictions]:
    if predictions.model is None:
        return {}
    try:
        return of_table(catalogue.get(predictions.model))
    except ValueError:  # a table that was not made here, or that changed on disk
        return {}


def show_comparisons(predictions: Predictions, label: str, results: list[Comparison]) -> None:
    """Overlaid curves, and the tests of their difference."""
    films = results[0].films
    one = results[0]
    named = {predictions.name: films.scores[0]}
    named |= {each.films.names[1]: each.films.scores[1] for each in results}
    drawn = {name: curves.roc(films.truth, scores) for name, scores in named.items()}
    left, right = st.columns([6, 6], gap="large")
    with left:
        figure.show(curve_plots.overlaid(films, drawn), "comparison")
    with right:
        st.markdown(
            f"**{len(films.truth):,} films** are in all tables; {int(films.truth.sum()):,} have "
            f"{plain(display_name(label))}."
        )
        rows = [
            (one.films.names[0], spoken(one.delong.first.value), "", "", ""),
            *(
                (
                    each.films.names[1],
                    spoken(each.delong.second.value),
                    signed_with_interval(each.delong.difference),
                    signed_with_interval(each.bootstrap),
                    p_value(each.delong.p),
                )
                for each in results
            ),
        ]
        st.html(
            html.table(
                ("model", "AUC", "difference, DeLong", "difference, bootstrap", "p (DeLong)"),
                rows,
                f"Difference: AUC of {predictions.name} minus the other's, with 95 % intervals",
            )
        )
        st.caption(
            "Both respect groups. DeLong's test takes films of one patient as a cluster "
            "(Obuchowski 1997). The bootstrap draws whole groups, the same for both models."
        )


def show_disagreement(comparison: Comparison, other_threshold: float | None) -> None:
    """Counts of who is right where, and the films on which the two part."""
    films = comparison.films
    mine = float(st.session_state["cut"])
    other = mine if other_threshold is None else other_threshold
    found = disagreement(films, (mine, other))
    first, second = films.names
    names = {"only the first": f"only {first}", "only the second": f"only {second}"}
    with st.expander(
        f"Where {plain(first)} and {plain(second)} disagree: {len(found.apart):,} films"
    ):
        st.html(
            html.table(
                ("right are", "with the finding", "without"),
                [
                    (names.get(who, who), f"{found.counts[0, k]:,}", f"{found.counts[1, k]:,}")
                    for k, who in enumerate(WHO_IS_RIGHT)
                ],
                f"{first} at {mine:.4g}, {second} at {other:.4g}",
            )
        )
        if found.p == found.p:
            st.caption(
                f"McNemar's exact test of equal accuracy: p = {p_value(found.p)}. It takes films "
                "as independent."
            )
        if len(found.apart):
            tables.show(
                pd.DataFrame(
                    {
                        "film": films.images[found.apart],
                        "has it": films.truth[found.apart],
                        first: films.scores[0, found.apart],
                        second: films.scores[1, found.apart],
                    }
                ).head(_MOST_ROWS),
                width="stretch",
                alt="The films that the two models call differently, most different first.",
            )
        st.button(
            "Again with the threshold of the slider",
            key=f"again {second}",
            icon=":material/refresh:",
        )

"""Curves, scores and confusion matrix at the threshold; only marks move over the figures."""

from __future__ import annotations

import math

import streamlit as st

from pages.evaluating import pointers
from pages.shared import figure
from pages.shared.plain import plain
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate import references
from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.evaluate.film_place import Place, place_of
from xray_models.evaluate.metrics import confusion as matrices
from xray_models.evaluate.metrics.counts import Counts
from xray_models.number_text import careful_percent
from xray_models.viz import confusion, confusion_image, curves, html, scores
from xray_models.viz.theme import Plot

__all__ = ["place_in_words", "published_points", "show", "show_matrix", "unmoved"]


def show(analysis: LabelAnalysis, cut: float, counts: Counts, film: float | None) -> None:
    """Matrix, curves and scores; where a film is given, the scores come first.

    Args:
        analysis: of the label.
        cut: the threshold.
        counts: of the label's films at it.
        film: probability of the label on the film that the visitor comes from; None without one.
    """
    plots = unmoved(analysis)
    rows = [_show_curves, _show_scores]
    for row in rows if film is None else reversed(rows):  # a film is looked for before the curves
        row(analysis, plots, cut, counts, film)


def _show_curves(
    analysis: LabelAnalysis, plots: dict[str, Plot], cut: float, counts: Counts, film: float | None
) -> None:
    first, second, third = st.columns([4, 5, 5], gap="medium")
    with first:
        show_matrix(plots, analysis.label, cut, counts, film)
    with second:
        figure.show(plots["roc"], "roc", "ROC curve", zoom=False)
    with third:
        figure.show(
            plots["precision-recall"], "precision-recall", "Precision and recall", zoom=False
        )


def _show_scores(
    analysis: LabelAnalysis,
    plots: dict[str, Plot],
    cut: float,
    counts: Counts,  # noqa: ARG001 - as the other row
    film: float | None,
) -> None:
    left, right = st.columns([9, 5], gap="medium")
    with left:
        figure.show(plots["scores"], "scores", "Scores by truth", zoom=False)
    with right:
        if film is not None:
            st.subheader("Your film among these", anchor=False)
            st.markdown(place_in_words(place_of(film, analysis.films), analysis.label, cut))
        st.caption(
            "Orange dots and lines mark the threshold. Saved pictures show the curves without them."
        )


def place_in_words(place: Place, label: str, cut: float) -> str:
    """Sentences on where a film stands among those of known truth, in Markdown.

    Args:
        place: of the film.
        label: the finding.
        cut: the threshold that calls it.
    """
    name = plain(display_name(label))
    called = "reaches" if place.probability >= cut else "stays below"
    lines = [f"It scores **{careful_percent(place.probability)}** and {called} the threshold."]
    lines += [
        f"That is more than {round(100 * share)} of 100 films {which}."
        for share, which in (
            (place.above_without, f"without {name}"),
            (place.above_with, f"with {name}"),
        )
        if not math.isnan(share)
    ]
    return "  \n".join([*lines, "The dashed line marks it."])


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


def show_matrix(
    plots: dict[str, Plot], label: str, cut: float, counts: Counts, film: float | None = None
) -> None:
    """Confusion matrix, and with it, so that they never part, the marks on the figures."""
    matrix = matrices.of_label(label, counts)
    sensitivity, alarms = float(counts.sensitivity), 1 - float(counts.specificity)
    points = {
        "roc": pointers.dot("roc", plots["roc"], alarms, sensitivity),
        "precision-recall": pointers.dot(
            "precision-recall", plots["precision-recall"], sensitivity, float(counts.ppv)
        ),
        "scores": pointers.line("scores", plots["scores"], cut),
    }
    if film is not None:
        points["film"] = pointers.film("scores", plots["scores"], film)
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

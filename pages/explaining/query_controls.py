"""Controls of what is asked of a model, and of the boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.explaining import queries
from pages.explaining.queries import Question
from pages.shared.open_film import card_of
from xray_models.catalogue.display_names import display_name

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.explain.boxes import Rule
    from xray_models.explain.queries import Query
    from xray_models.pipeline import Reading

__all__ = ["RULES", "area_rule", "choose_query", "choose_rule", "usual_area"]

RULES = {
    "fraction": "A share of the highest heat",
    "otsu": "Otsu's threshold",
    "area": "A share of the film",
}


def choose_query(reading: Reading) -> tuple[Question, Query]:
    """Controls of the query: a label, and what speaks for it, against it or for it over another."""
    from xray_models.explain.queries import Query, rivals

    choices = queries.questions(reading)
    queries.begin("label", choices, choices[0])
    label_side, direction_side = st.columns([3, 2])
    with label_side:
        question: Question = st.selectbox(
            "Explain",
            choices,
            format_func=lambda one: one.words,
            key="label",
            on_change=queries.choose,
            args=("label",),
            bind="query-params",
            persist_state="session",
            help="A heatmap shows where the model sees this label.",
        )
    others = rivals(card_of(question.model), question.label)
    with direction_side:
        direction = st.segmented_control(
            "What speaks",
            ["for", "against", "over"],
            default="for",
            required=True,
            key="direction",
            bind="query-params",
            persist_state="session",
            width="stretch",
            help="Against: where the model sees reasons to lower the label's score. Over: what "
            "speaks for this label rather than for another one of the same model.",
        )
    if direction != "over":
        return question, Query(question.label, direction)
    if not others:
        st.caption(
            f"This model knows only {display_name(question.label)}: "
            "there is nothing to set it against."
        )
        return question, Query(question.label)
    other = st.selectbox(
        "Rather than",
        others,
        format_func=display_name,
        key="other",
        bind="query-params",
        persist_state="session",
    )
    return question, Query(question.label, "over", other)


def choose_rule(card: Card, label: str) -> Rule:
    """Controls of the rule that cuts boxes from heat."""
    from xray_models.explain.boxes import Rule

    rule_side, number_side = st.columns(2, vertical_alignment="bottom")
    with rule_side:
        name = st.selectbox(
            "Boxes are around",
            RULES,
            format_func=lambda one: RULES[one],
            key="rule",
            bind="query-params",
            persist_state="session",
            help="Boxes say where the heat is, not where a disease ends: no model here learned to "
            "draw boxes. The viewer shows them with a tick at “Boxes”.",
        )
    if name == "otsu":
        return Rule("otsu", None)
    start = 0.5 if name == "fraction" else usual_area(card, label)
    with number_side:
        share = st.slider(
            "Of the highest heat, at least" if name == "fraction" else "Hottest share of the film",
            0.05 if name == "fraction" else 0.01,
            0.95 if name == "fraction" else 0.5,
            start,
            0.05 if name == "fraction" else 0.01,
            format="percent",
            # the usual area is that of a label of a model; a share of the heat is of any map
            key="fraction-share" if name == "fraction" else _area_key(card, label),
            bind="query-params",
            persist_state="session",
        )
    return Rule(name, share)


def area_rule(card: Card, label: str) -> Rule:
    """The rule of a share of the film for a label: as it was set, else what people box."""
    from xray_models.explain.boxes import Rule

    share = st.session_state.get(_area_key(card, label))
    return Rule("area", usual_area(card, label) if share is None else share)


def _area_key(card: Card, label: str) -> str:
    return f"area-share-{card.id}-{label}"


def usual_area(card: Card, label: str) -> float:
    """Share of a film that people box for a label where that was measured, else a tenth."""
    from xray_models.evaluate.explanations.localization import usual_area

    try:
        return round(min(max(usual_area(card, label), 0.01), 0.5), 2)
    except ValueError:
        return 0.1

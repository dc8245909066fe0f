"""Threshold that moves: its slider, a field to type it, and rules that choose it."""

from __future__ import annotations

import math

import streamlit as st

from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.evaluate.metrics import thresholds
from xray_models.evaluate.metrics.thresholds import RULES, Choice

__all__ = [
    "OPTIMISTIC",
    "PREVALENCE",
    "SLIDER",
    "TYPED",
    "begin",
    "choose",
    "key_of",
    "offer_rules",
    "share_in",
]

SLIDER, TYPED = "threshold slider", "threshold typed"
PREVALENCE = "prevalence"
OPTIMISTIC = "Chosen on these very films, so what it gives on them is a little too good."


def begin(key: str, analysis: LabelAnalysis) -> None:
    """Set the threshold to that of the link, or to the one to start with where all is new."""
    state = st.session_state
    linked = share_in(st.query_params.get("threshold"))
    if state.get("cut of") != (key, analysis.label):
        state["cut of"] = (key, analysis.label)
        choice = analysis.start
        if linked is not None:
            choice = Choice(linked, "")
        _keep(choice.threshold, choice.why)
        state[PREVALENCE] = None
    elif linked is not None and f"{state['cut']:.6g}" != f"{linked:.6g}":
        _keep(linked, "")


def share_in(text: str | None) -> float | None:
    """Share that a link names, 0..1; None where it names none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


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
        _set(analysis.predictions.thresholds[label], "The model's own threshold.")
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

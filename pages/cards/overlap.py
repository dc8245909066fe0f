"""Boxes from a model's heat against boxes by people, level by level (Wang et al. 2017)."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.shared.page import show_problem
from xray_models.catalogue import Card
from xray_models.evaluate.explanations import results_table
from xray_models.evaluate.explanations.scoreboard import Films, spec_of
from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.evaluate.metrics.localization import LEVELS
from xray_models.explain import METHODS, MethodSpec
from xray_models.number_text import UNDEFINED, percent_with_interval, with_interval
from xray_models.viz import html

__all__ = ["TITLE", "show"]

TITLE = "Boxes at each level of overlap (Wang 2017)"
_RULE = "fraction:0.5"  # the one whose levels are stored
_RULES = {
    _RULE: "half of the highest heat",
    "otsu": "Otsu's threshold",
    "area": "the area that people usually box",
}
_ABOUT = (
    "*Found* is the share of people's boxes that a box from heat meets at that level, with its "
    "95 % interval. *False* counts the boxes from heat that meet none, per film. IoU is the "
    "overlap of two boxes over their union. IoBB is the overlap over the box from heat. It favors "
    "small boxes: one inside a large lesion counts as right. Boxes are drawn around what reaches "
    "half of the highest heat. The second table has other rules."
)


@st.fragment
def show(card: Card, on: Films) -> None:
    """Tables of one kind of map, opened by a click; a choice runs nothing else.

    Args:
        card: of the model.
        on: the films with boxes.
    """
    key = f"overlap {card.id}"
    opened = st.expander(TITLE, key=key, type="compact", on_change="rerun")
    if not opened.open:  # ten models' tables would make everybody wait
        return
    with opened:
        try:
            table = results_table.load(card.id, "localization")
        except ValueError as error:
            show_problem("What was measured cannot be shown.", error)
            return
        table = table[(table["data"] == on.data) & (table["label"] == on.label)]
        names = list(table.loc[table["rule"] == _RULE, "method"].unique())
        if not names:
            st.markdown("No boxes were cut from this model's heat on these films.")
            return
        own = MethodSpec.of_card(card).name
        name: str = st.selectbox(
            "Map",
            names,
            index=names.index(own) if own in names else 0,
            format_func=lambda one: f"★ {_named(one)}" if one == own else _named(one),
            key=f"overlap of {card.id}",
        )
        rows = table[table["method"] == name]
        films, groups = int(rows["films"].max()), int(rows["groups"].max())
        st.html(_levels(rows, f"{_named(name)}, {films:,} films of {groups:,} groups ({on.data})"))
        st.html(_rules(rows))
        st.caption(_ABOUT)


def _named(name: str) -> str:
    """A kind of map as a menu names it; baselines that see no film have their own names."""
    spec = spec_of(name)
    if spec is None:
        return f"{name[0].upper()}{name[1:]}"
    method = METHODS[spec.method].name
    return f"{method} at {spec.layer}" if spec.layers else method


def _levels(rows: pd.DataFrame, caption: str) -> str:
    """T(IoU) and T(IoBB) at each level, with false boxes per film."""
    heads = [f"{kind}: {what}" for kind in ("IoU", "IoBB") for what in ("found", "false per film")]
    body = [
        [
            f"{level:.1f}",
            *(
                each
                for kind in ("IoU", "IoBB")
                for each in (
                    _figure(rows, _RULE, f"T({kind}) {level}", "percent"),
                    _figure(rows, _RULE, f"false boxes, T({kind}) {level}"),
                )
            ),
        ]
        for level in LEVELS
    ]
    return html.table(["At least", *heads], body, caption)


def _rules(rows: pd.DataFrame) -> str:
    """What the rules for cutting boxes come to, and the hottest point without any."""
    hit = _figure(rows, "", "hit rate", "percent")
    body = [
        [words, *(_figure(rows, rule, measure) for measure in ("IoU", "IoBB", "boxes"))]
        for rule, words in _RULES.items()
        if (rows["rule"] == rule).any()
    ]
    caption = f"Mean over the films. Hit rate, the hottest pixel strictly inside a box: {hit}."
    return html.table(["Hot is", "IoU", "IoBB", "Boxes per film"], body, caption)


def _figure(rows: pd.DataFrame, rule: str, measure: str, unit: str = "") -> str:
    """A figure with its interval; a dash where it was not measured."""
    found = rows[(rows["rule"] == rule) & (rows["measure"] == measure)]
    if found.empty:
        return UNDEFINED
    row = found.iloc[0]
    one = Estimate(float(row.value), float(row.low), float(row.high))
    return percent_with_interval(one) if unit == "percent" else with_interval(one, 2)

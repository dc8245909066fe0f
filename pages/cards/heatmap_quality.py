"""Quality of a model's heatmaps, method by method, as measured."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.cards import overlap
from pages.shared import figure as figures
from pages.shared import tables
from pages.shared.page import show_problem
from xray_models.catalogue import Card
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.explanations import results_table, sanity_table, scoreboard
from xray_models.explain import METHODS, MethodSpec
from xray_models.number_text import UNDEFINED, percent_with_interval, with_interval
from xray_models.viz.cascade import cascade

__all__ = ["show"]

_TEXT = st.column_config.TextColumn
# measure -> name of its column, what it tells, and whether it is a share
_COLUMNS = {
    "pointing game": (
        "Hottest point at a box",
        "Share of films where it lies in a box, or within 3 % of the film's longer side of one. "
        "This is the pointing game (Zhang et al. 2018).",
        True,
    ),
    "energy in box": ("Heat in the boxes", "Share of all heat.", True),
    "AUPRC": ("AUPRC", "Area under the precision-recall curve of box pixels, by heat.", False),
    results_table.GAP: (
        "Insertion − deletion",
        "Higher is better. What is hot is put in, or taken away. The probability should go up, or "
        "down, soon (Petsiuk et al. 2018).",
        False,
    ),
    "MuFidelity": (
        "MuFidelity",
        "-1 to 1, higher is better: heat taken away against score lost (Bhatt et al. 2020).",
        False,
    ),
    "stability": (
        "Stability",
        "Rank correlation with the map of the film under slight noise.",
        False,
    ),
    scoreboard.SCRAMBLED: (
        "Left when scrambled",
        "Rank correlation with the map once all weights are scrambled. Near 0 is right: a map "
        "that stays does not show what was learned (Adebayo et al. 2018). A map that becomes "
        "empty counts as 0. Films whose map was empty to begin with are left out.",
        False,
    ),
    scoreboard.SHUFFLED: (
        "Left when labels are shuffled",
        "The same, once the last layer has learned shuffled labels.",
        False,
    ),
}


def show(card: Card) -> None:
    """Table of maps, the films to measure on where there are several, and the cascade."""
    try:
        of_boxes = scoreboard.films(card.id)
        chosen = _choose(card, of_boxes) if of_boxes else None
        found = scoreboard.worth(card.id, chosen)
        checks = sanity_table.load(card.id)
    except ValueError as error:
        show_problem("What was measured cannot be shown.", error)
        return
    if not found:
        st.markdown("Nobody has measured what this model's heatmaps are worth.")
        return
    names = [name for name in _COLUMNS if any(name in one.figures for one in found)]
    default = MethodSpec.of_card(card)
    rows = [
        {"Map": _name(one, default), "Layer": one.spec.layer if one.spec else ""}
        | {_COLUMNS[name][0]: _figure(one, name) + _few(one, name, found) for name in names}
        for one in found
    ]
    tables.show(
        pd.DataFrame(rows),
        width="stretch",
        height="content",
        column_config={
            "Map": _TEXT(pinned=True),
            "Layer": _TEXT(help="Where another than its own.", width=175),
        }
        # wide enough for an interval: by themselves they follow the first rows, which may lack it
        | {_COLUMNS[name][0]: _TEXT(help=_COLUMNS[name][1], width=175) for name in names},
    )
    st.caption(
        "★ is shown by default. Figures are means over held-out films, with 95 % intervals. "
        "The *usual place* is the mean of the boxes on other films; the *mean box* is those as "
        "one. A map that does not beat them has not shown where a disease is. A map no better "
        "than *random* has not shown what the model uses. A figure that names its films is of "
        "fewer than the others."
        + (" The network had been trained on some of these films." * _seen(chosen))
    )
    if chosen is not None:
        overlap.show(card, chosen)
    if checks.loc[checks["check"] == "weights", "correlation"].notna().any():
        st.markdown("**Do the maps notice when the network forgets what it learned?**")
        figures.show(cascade(checks), f"sanity {card.id}", zoom=False)


def _seen(chosen: scoreboard.Films | None) -> bool:
    return chosen is not None and chosen.seen


def _choose(card: Card, of_boxes: list[scoreboard.Films]) -> scoreboard.Films:
    if len(of_boxes) == 1:
        chosen = of_boxes[0]
    else:
        chosen = st.selectbox(
            "Films with boxes",
            of_boxes,
            format_func=lambda one: f"{one.data}, {display_name(one.label)} ({one.count:,} films)",
            key=f"boxes {card.id}",
        )
    st.markdown(
        f"Boxes that people drew around {display_name(chosen.label)} on {chosen.count:,} films "
        f"({chosen.data})."
    )
    return chosen


def _name(one: scoreboard.Worth, default: MethodSpec) -> str:
    if one.spec is None:
        return one.name
    name = METHODS[one.spec.method].name
    return f"★ {name}" if one.spec == default else name


def _figure(one: scoreboard.Worth, measure: str) -> str:
    figure = one.figures.get(measure)
    if figure is None:
        return UNDEFINED
    text = percent_with_interval(figure) if _COLUMNS[measure][2] else with_interval(figure, 2)
    return text.replace("-", "−")  # a spreadsheet takes what begins with a hyphen for a formula


def _few(one: scoreboard.Worth, measure: str, found: list[scoreboard.Worth]) -> str:
    """How many films, where the others were measured on more."""
    films = one.films.get(measure)
    most = max((other.films.get(measure, 0) for other in found), default=0)
    return f", {films} films" if films and films < most else ""

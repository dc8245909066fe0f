"""One model in full: figures, what it can't do, what its heatmaps are worth, how it was made."""

from __future__ import annotations

import math
from collections.abc import Mapping

import streamlit as st

from pages.cards import heatmap_quality, making
from pages.cards.overview import MODEL, reads, speed_in_words
from pages.shared.as_read import as_read
from pages.shared.page import NOTICE
from xray_models import catalogue
from xray_models.catalogue import Card, CatalogueError, Figure
from xray_models.catalogue.display_names import display_name
from xray_models.catalogue.speed import speeds
from xray_models.evaluate import comparable
from xray_models.viz import html

__all__ = ["show", "show_figures", "show_intervals"]


def show(card: Card) -> None:
    """Card of one model."""
    st.markdown(
        f"Reads: {reads(card)}. {card.intended_use.removesuffix(NOTICE).strip()}"
        f"{_speed(card)} License of the weights: {card.weights.license}."
    )
    figures, words = st.columns([6, 5], gap="large")
    with figures:
        if card.measured:
            show_figures(card)
            _show_links(card)
        else:
            st.subheader("Imported, not measured here", anchor=False)
            st.markdown("How often this model is right is not known: it brought no held-out films.")
    with words:
        st.subheader("What it can't do", anchor=False)
        st.markdown("\n".join(f"- {limit}" for limit in card.limits))
    if card.task != "body-part":
        with st.expander("What its heatmaps are worth", icon=":material/local_fire_department:"):
            heatmap_quality.show(card)
    with st.expander("How it was made", icon=":material/construction:"):
        making.show(card)


def _speed(card: Card) -> str:
    try:
        speed = speeds().get(card.id)
    except CatalogueError:  # the overview says so
        return ""
    if speed is None or not speed.of(card):
        return ""
    return f" One film takes {speed_in_words(speed, card)} on {speed.machine}."


def _show_links(card: Card) -> None:
    with st.container(horizontal=True):
        st.page_link(
            "pages/performance.py",
            label="Move its threshold",
            icon=":material/query_stats:",
            query_params={MODEL: card.id},
        )
        st.page_link(
            "pages/errors.py",
            label="See its errors",
            icon=":material/image_search:",
            query_params={MODEL: card.id},
        )


def show_figures(card: Card) -> None:
    """Figures that were measured on held-out films."""
    together = as_read(card)
    if together:
        st.subheader("As the app reads whole films", anchor=False)
        st.markdown(together)
    alone = "This model alone, on" if together else "On"
    st.subheader(
        f"{alone} {card.held_out.counted}, held out ({card.held_out.groups:,} groups)",
        anchor=False,
    )
    measured = card.held_out.figures
    if card.multi_label:  # the rest is on the performance page
        measured = {name: one for name, one in measured.items() if "AUC" in name}
    show_intervals(measured)
    if card.held_out.shipped_fold:
        st.caption(
            "Each film was predicted by a network that never saw its group: films of its patient, "
            "or films that look alike. "
            f"The weights that ship are those of {card.held_out.shipped_fold}."
        )
    if card.rival:
        _show_rival(card)
    for check in card.external:
        st.subheader(f"Elsewhere: {check.name}", anchor=False)
        st.markdown(
            f"{check.films:,} films ({check.groups:,} groups). "
            f"Truth for {display_name(check.finding)}: {check.truth}."
        )
        show_intervals(check.figures)


def _show_rival(card: Card) -> None:
    rival = card.rival
    assert rival is not None
    gain = rival.difference
    st.markdown(
        f"Against the {_name(rival.model)} on {rival.films:,} films new to both, "
        f"{rival.positives:,} of them with {display_name(card.labels[0])}. AUC is "
        f"{rival.own:.3f} against {rival.other:.3f}, a difference of {gain.value:+.3f} "
        f"({gain.low:+.3f} to "
        f"{gain.high:+.3f}). "
        + ("Films go to this model." if gain.value >= 0 else "Films go to that model instead.")
        + f" {comparable.doubt(rival)}"
    )


def _name(model: str) -> str:
    name = catalogue.get(model).name
    return f"{name[0].lower()}{name[1:]}"


def show_intervals(measured: Mapping[str, Figure]) -> None:
    """Figures with their intervals on one scale."""
    # a scale from 0 would squeeze every interval into its dot
    start = math.floor(10 * min((one.low for one in measured.values()), default=0)) / 10
    st.html(
        "".join(
            html.interval(display_name(name), one.value, one.low, one.high, start)
            for name, one in measured.items()
        )
    )
    st.caption(f"Scales run from {start:.1f} to 1; the bar is the 95 % interval.")

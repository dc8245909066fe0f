"""Read page: a radiograph, its body part, the findings, and what the models looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.explaining import queries
from pages.explaining.overlay import show_overlay
from pages.shared import open_film, warm_up
from pages.shared.as_read import as_read
from pages.shared.open_film import card_of
from pages.shared.page import open_page, show_notice
from pages.shared.plain import plain
from xray_models import NONE_OF_THESE, PARTS
from xray_models.catalogue.display_names import display_name
from xray_models.datasets.samples import SAMPLES
from xray_models.evaluate import comparable
from xray_models.number_text import careful_percent
from xray_models.viz import html

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.pipeline import Finding, Reading

MANY = 5  # findings of one model from which on they are listed compactly
INTRODUCTION = (
    "RadLens recognizes the body part, asks the models that read it, and shows what they looked "
    f"at. It knows the {', '.join(PARTS[:-1])} and {PARTS[-1]}."
)


def main() -> None:
    """The page, from top to bottom."""
    open_page("Read a radiograph", notice=False)
    with warm_up.held_back():
        found = open_film.open_film(INTRODUCTION)
        if found is None:
            return
        opened, reading = found
        phone = open_film.narrow()
        with st.container(key="reading"):
            words, pictures = st.columns([5, 14], gap="medium")
        with words:
            show_part(reading)
            show_findings(reading)
        with pictures:
            show_overlay(opened.key, reading, phone)
        show_file(opened, reading)


def show_part(reading: Reading) -> None:
    """Body part, the runner-up, and a way to correct them."""
    other, probability = reading.runner_up
    certainty = careful_percent(reading.part_probability)
    if reading.part is None:
        seen = reading.part_probabilities
        likeliest = max(PARTS, key=lambda part: seen[part])
        none = careful_percent(seen[NONE_OF_THESE])
        st.html(
            f'<p class="rl-part">{NONE_OF_THESE} <small>{none}</small></p>'
            f'<p class="rl-line">Likeliest part: {likeliest}, {certainty}</p>'
        )
    elif reading.part_forced:
        st.html(
            f'<p class="rl-part">{reading.part}</p><p class="rl-line">Named by hand; the detector '
            f"gives it {certainty}, and {careful_percent(probability)} to {other}.</p>"
        )
    elif reading.also:
        second = careful_percent(reading.part_probabilities[reading.also])
        st.html(
            f'<p class="rl-part">{reading.part} or {reading.also}</p><p class="rl-line">'
            f"{reading.part.capitalize()} {certainty}, {reading.also} {second}: "
            "the models for both read the film.</p>"
        )
    else:
        st.html(
            f'<p class="rl-part">{reading.part} <small>{certainty}</small></p>'
            f'<p class="rl-line">Runner-up: {other}, {careful_percent(probability)}</p>'
        )
    st.selectbox(
        "Body part",
        [open_film.AS_RECOGNIZED, *PARTS],
        key="part",
        bind="query-params",
        persist_state="session",
        help="Correct the detector: the models for the part you name read the film instead.",
    )
    open_film.offer_inverting()
    for warning in reading.warnings:
        st.warning(warning, icon=":material/warning:")


def show_findings(reading: Reading) -> None:
    """Findings per model as bars, with their thresholds."""
    st.header("Findings", anchor=False)
    show_notice()
    if not reading.findings:
        st.write("No model read this film, so there are no findings.")
    for one in reading.chosen:
        with st.container(border=True):
            card = card_of(one.model)
            st.markdown(f"**{card.name}**", help=f"Asked because {one.why}.")
            show_bars([finding for finding in reading.findings if finding.model == one.model])
            st.caption(held_out(card))
            st.caption(gravest(card))
            st.page_link("pages/models.py", label="What this model knows", icon=":material/info:")
    stages = {"read": "decoding"} | {one.model: card_of(one.model).name for one in reading.chosen}
    times = [
        f"{stages.get(stage, stage)} {value:.2f} s"
        for stage, value in reading.seconds.items()
        if stage != "total"
    ]
    st.caption(f"Time taken: {reading.seconds['total']:.2f} s ({', '.join(times)}).")


def show_bars(found: list[Finding]) -> None:
    """Bars of one model's findings; many in one line each, those over their threshold first."""
    many = len(found) >= MANY
    if many:
        found = queries.strongest_first(found)
        over = sum(one.positive for one in found)
        st.caption(f"{over or 'None'} of {len(found)} at or above the threshold, the upright mark.")
    bars = "".join(
        html.bar(display_name(each.label), each.probability, each.threshold) for each in found
    )
    st.html(f'<div class="rl-compact">{bars}</div>' if many else bars)


def held_out(card: Card) -> str:
    """Figure that says most about how good a model is, in a sentence."""
    figures = card.held_out.figures
    if not figures:
        return "Imported, not measured here: how often it is right is not known."
    combined = tuple(f"AUC, {name} " for name in card.combined)
    asked = f", {card.asked.name}" if card.asked else ""
    name = min(
        figures,
        key=lambda one: (
            not one.endswith(asked),
            one not in ("AUC", "mean AUC"),
            not one.startswith(combined),
            not one.startswith("AUC"),
        ),
    )
    one = figures[name]
    # of a cross-validation, the network that ships has seen the films of the other folds
    unseen = (
        ", each read by a network of its kind that never saw it"
        if card.held_out.shipped_fold
        else " it never saw"
    )
    among = f"the {card.asked.name} among " if card.asked else ""
    together = as_read(card)
    message = (
        f"{together}{' This model alone: ' * bool(together)}"
        f"{name[0].upper()}{name[1:].removesuffix(asked)} {one.value:.2f} ({one.low:.2f} to "
        f"{one.high:.2f}) on {among}{card.held_out.counted}{unseen}."
    )
    if card.rival and comparable.doubt(card.rival):
        message += (
            f" Only {card.rival.positives:,} of the {card.rival.films:,} among them that are new "
            f"to {card_of(card.rival.model).name}, too, show {display_name(card.labels[0])}: "
            "too few to tell which of the two is better."
        )
    elif card.rival:
        message += (
            f" {card_of(card.rival.model).name} on {card.rival.films:,} of these films that "
            f"are new to it ({card.rival.positives:,} with {display_name(card.labels[0])}): "
            f"{card.rival.other:.2f} against {card.rival.own:.2f}."
        )
    return message


def gravest(card: Card) -> str:
    """Gravest limit of a model, in a sentence; the rest is a click away."""
    first, _, _ = "".join(card.limits[:1]).partition(". ")
    return f"{first.removesuffix('.')}." if first else ""


def show_file(opened: open_film.Opened, reading: Reading) -> None:
    """Facts from the file about the film, without anything that names a patient."""
    with st.expander("About this file", icon=":material/description:"):
        st.html(html.facts(reading.radiograph.facts()))
        sample = SAMPLES.get(opened.file)
        if sample:
            st.caption(f"{sample.about} Source: {sample.source}.")
        elif opened.name:
            st.caption(f"Opened from another page: {plain(opened.name)}.")


main()

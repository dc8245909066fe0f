"""Models page: what each was made from, how well it does, what it can't do."""

from __future__ import annotations

import math
from collections.abc import Mapping

import streamlit as st

from pages.cards import heatmap_quality
from pages.shared.page import all_cards, open_page
from xray_models.catalogue import Card, Figure
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate import comparable
from xray_models.viz import html

open_page(
    "The models",
    "Each figure is measured on films that the model never saw in training, whole patients or "
    "groups held out, with a 95 % interval from resampling those groups. The predictions behind "
    "them are in the repository, so that anyone can recompute the figures: "
    "`python -m xray_models report MODEL`.",
)


def show(card: Card) -> None:
    """Card of one model."""
    st.header(card.name, anchor=card.id)
    reads = ", ".join(card.parts) or "any film, to tell its body part"
    st.markdown(f"Reads: {reads}. {card.intended_use}")
    figures, words = st.columns([6, 5], gap="large")
    with figures:
        if card.measured:
            show_figures(card)
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
        count = (
            f"{card.training.films:,} films of {card.training.groups:,} groups"
            if card.training.films
            else "an unknown number of films"
        )
        st.markdown(
            f"**Trained on** {count}:\n"
            + "\n".join(f"- {data}" for data in card.training.data)
            + f"\n\n{card.training.note}\n\n**Started from** {card.training.start}"
            f"\n\n**Network** {card.architecture}, input {card.input_size[0]} × "
            f"{card.input_size[1]} pixels, labels {', '.join(map(display_name, card.labels))}"
            f"\n\n**Operating thresholds** "
            + ", ".join(
                f"{display_name(label)} {value:.3f}" for label, value in card.thresholds.items()
            )
            + f"\n\n**Calibration** {calibration(card)}"
            + f"\n\n**Weights** `{card.weights.file}`, {card.weights.bytes / 1e6:.1f} MB, "
            f"{card.weights.precision}; {card.weights.origin}. License: {card.weights.license}"
            f"\n\nsha256 `{card.weights.sha256}`"
            f"\n\n**Heatmaps** {heatmaps(card)}"
            f"\n\n**Arithmetic** {arithmetic(card)}"
            "\n\n**References**\n"
            + ("\n".join(f"- {reference}" for reference in card.references) or "none given")
        )


def heatmaps(card: Card) -> str:
    """Sentence on how the model's maps are made by default, and why."""
    at = f" at the layer `{card.explanation.layer}`" if card.explanation.layer else ""
    reason = card.explanation.reason or "Methods have not been compared for this model."
    return f"`{card.explanation.method}`{at} unless you choose another. {reason}"


def calibration(card: Card) -> str:
    """Sentence on how logits become the probabilities that are shown."""
    found = card.calibration
    if not any(found.bias) and found.temperature == 1:
        return "none: probabilities are as the network gives them."
    message, way = f"logits are divided by {found.temperature:.2f}", "temperature scaling"
    if any(found.bias):
        shifts = ", ".join(
            f"{display_name(label)} {shift:+.2f}"
            for label, shift in zip(card.labels, found.bias, strict=True)
        )
        message, way = f"{message} and shifted ({shifts})", "Platt scaling"
    films = "out-of-fold predictions" if card.held_out.shipped_fold else "validation films"
    return f"{message}, fitted on {films} ({way})."


def arithmetic(card: Card) -> str:
    """Sentence on half-size numbers, and whether they are used."""
    if card.bfloat16 is None:
        return "float32; half-size numbers were not tried on its held-out films."
    found = (
        f"On {card.bfloat16.films:,} films it was not trained on bfloat16 changes the mean AUC by "
        f"{card.bfloat16.auc_change:+.4f} and no probability by more than "
        f"{card.bfloat16.largest_change:.3f}; "
    )
    if card.bfloat16.free:
        return found + (
            "less than 0.0005 and 0.05 count as no cost, so it is used where the processor has it, "
            "unless RADLENS_PRECISION=float32."
        )
    return found + "so float32 is used."


def show_figures(card: Card) -> None:
    """Figures that were measured on held-out films."""
    st.subheader(
        f"On {card.held_out.counted}, held out ({card.held_out.groups:,} groups)",
        anchor=False,
    )
    measured = card.held_out.figures
    if card.multi_label:  # the rest is on the performance page
        measured = {name: one for name, one in measured.items() if "AUC" in name}
    show_intervals(measured)
    if card.held_out.shipped_fold:
        st.caption(
            f"Each film was predicted by a network that never saw its group. The weights that ship "
            f"are those of {card.held_out.shipped_fold}."
        )
    if card.rival:
        gain = card.rival.difference
        st.markdown(
            f"Against `{card.rival.model}` on {card.rival.films:,} films new to both "
            f"({card.rival.positives:,} of them with {display_name(card.labels[0])}): AUC "
            f"{card.rival.own:.3f} against {card.rival.other:.3f}, difference {gain.value:+.3f} "
            f"({gain.low:+.3f} to {gain.high:+.3f}). "
            + ("Films go to this model." if gain.value >= 0 else "Films go to that model instead.")
            + f" {comparable.doubt(card.rival)}"
        )
    for other in card.alternatives:
        gain = other.difference
        st.markdown(
            f"Tried beside it: {other.architecture} by the same recipe, from {other.start}. Mean "
            f"AUC within folds {other.other:.3f}, of the network that ships {other.own:.3f}, "
            f"difference {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}); weights "
            f"{other.bytes / 1e6:.1f} MB against {card.weights.bytes / 1e6:.1f} MB."
        )
    for check in card.external:
        st.subheader(f"Elsewhere: {check.name}", anchor=False)
        st.markdown(
            f"{check.films:,} films ({check.groups:,} groups). "
            f"Truth for {display_name(check.finding)}: {check.truth}."
        )
        show_intervals(check.figures)


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


with st.spinner("Reading the model cards …"):
    cards = all_cards()
if not cards:
    st.info("There is no model in the catalogue yet. Restore assets/models from the repository.")
st.markdown(" · ".join(f"[{each.name}](#{each.id})" for each in cards.values()))
for each in cards.values():
    st.divider()
    show(each)

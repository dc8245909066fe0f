"""How a model was made: films, network, thresholds, calibration, weights, sources."""

from __future__ import annotations

import streamlit as st

from xray_models.catalogue import Card
from xray_models.catalogue.display_names import display_name

__all__ = ["arithmetic", "calibration", "heatmaps", "rivals", "show"]


def show(card: Card) -> None:
    """What the card says of it, in Markdown."""
    count = (
        f"{card.training.films:,} films of {card.training.groups:,} groups"
        if card.training.films
        else "an unknown number of films"
    )
    thresholds = ", ".join(
        f"{display_name(label)} {value:.3f}" for label, value in card.thresholds.items()
    )
    labels = ", ".join(map(display_name, card.labels))
    height, width = card.input_size
    st.markdown(
        "\n\n".join(
            (
                f"**Trained on** {count}:\n" + "\n".join(f"- {one}" for one in card.training.data),
                card.training.note,
                f"**Started from** {card.training.start}",
                f"**Network** {card.architecture}, input {height} × {width} pixels",
                *(f"**Tried beside it** {other}" for other in rivals(card)),
                f"**Labels** {labels}",
                f"**Operating thresholds** {thresholds}",
                f"**Calibration** {calibration(card)}",
                f"**Weights** `{card.weights.file}`, {card.weights.bytes / 1e6:.1f} MB, "
                f"{card.weights.precision}; {card.weights.origin}",
                f"sha256 `{card.weights.sha256}`",
                f"**Heatmaps** {heatmaps(card)}",
                f"**Arithmetic** {arithmetic(card)}",
                "**References**\n"
                + ("\n".join(f"- {one}" for one in card.references) or "none given"),
            )
        )
    )


def rivals(card: Card) -> list[str]:
    """Sentences on other networks that the same recipe was tried with."""
    return [
        f"{other.architecture} by the same recipe, from {other.start}. "
        f"Its mean AUC within folds is {other.other:.3f}, of the network that ships "
        f"{other.own:.3f}. The difference is {other.difference.value:+.3f} "
        f"({other.difference.low:+.3f} to {other.difference.high:+.3f}). Its weights have "
        f"{other.bytes / 1e6:.1f} MB, these {card.weights.bytes / 1e6:.1f} MB."
        for other in card.alternatives
    ]


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
        f"On {card.bfloat16.films:,} films it was not trained on, half-size numbers (bfloat16) "
        f"change the mean AUC by {card.bfloat16.auc_change:+.4f}. No probability changes by more "
        f"than {card.bfloat16.largest_change:.3f}. "
    )
    if card.bfloat16.free:
        return found + (
            "Less than 0.0005 and 0.05 count as no cost, so they are used where the processor has "
            "them. RADLENS_PRECISION=float32 turns them off."
        )
    return found + "So float32 is used."

"""Worth of a call in natural frequencies, from held-out films.

Natural frequencies are understood where percentages of percentages are not (Gigerenzer and
Hoffrage 1995, doi 10.1037/0033-295X.102.4.684).
"""

from __future__ import annotations

import math

from xray_models.catalogue.display_names import sentence_name
from xray_models.evaluate.predictions.predictions import FEW, Predictions

__all__ = ["UNMEASURED", "of_hundred", "worth"]

UNMEASURED = "This model was imported and never measured here."
"""Of a model without held-out films."""


def worth(predictions: Predictions, label: str, threshold: float) -> tuple[str, ...]:
    """Sentences on what a call of a label is worth: its frequencies, and what they stand on.

    Args:
        predictions: of the model on its held-out films.
        label: one of its labels.
        threshold: from which on it is called.

    Raises:
        ValueError: no such label.
    """
    films = predictions.of(label)
    called = films.scores >= threshold
    with_it, without = called[films.truth], called[~films.truth]
    parts = []
    if len(with_it):
        parts.append(f"Of 100 films with it this model calls {of_hundred(with_it.mean())}")
    if len(without):
        begin = "of 100 without it" if parts else "Of 100 films without it this model calls"
        parts.append(f"{begin} {of_hundred(without.mean())}")
    if not parts:
        return (f"No held-out film tells whether it shows {sentence_name(label)}.",)
    fewest = min(len(with_it), len(without))
    base = f"Measured on {len(with_it):,} films with it and {len(without):,} without."
    if fewest < FEW:
        base += " So few say little."
    return f"{'; '.join(parts)}.", base


def of_hundred(share: float) -> str:
    """How many of 100: "71"; never "0" or "100" of what is only nearly so."""
    if math.isnan(share):
        return "an unknown number"
    if 0 < share < 0.005:
        return "fewer than 1"
    if 0.995 < share < 1:
        return "more than 99"
    return f"{100 * share:.0f}"

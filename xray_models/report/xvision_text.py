"""Text that stands beside the figures which Xvision reported of its nodule classifier."""

from __future__ import annotations

from xray_models.catalogue import Card
from xray_models.evaluate import card_figures
from xray_models.evaluate.metrics.balanced_mix import at_balanced_mix
from xray_models.evaluate.metrics.bootstrap import REPLICATES, Estimate
from xray_models.evaluate.predictions.predictions import films_of_test
from xray_models.number_text import with_interval

__all__ = ["MODEL", "REPORTED", "beside", "lines"]

MODEL = "chest-nodule"
REPORTED = (
    "Xvision: accuracy 0.693, precision 0.556, recall 0.577, of normal films precision 0.776, "
    "recall 0.760 (75 films, its own mix)"
)


def beside(card: Card, replicates: int = REPLICATES) -> dict[str, dict[str, Estimate]]:
    """Figures at a balanced mix, called by thresholds of the other folds.

    Args:
        card: chest-nodule, published.
        replicates: resamples of the groups.

    Returns:
        Name of the films -> accuracy, precision, recall: all films, and the pairs that no
        collection and no view gives away.

    Raises:
        TableError: the held-out table cannot be used.
    """
    rows = films_of_test(card)
    label = card.labels[0]
    called = rows[f"p:{label}"] >= card_figures.cutoffs(rows, card)[label]
    paired = rows["mix"] == "matched"
    parts = {"all films": paired | True, "pairs of one collection and view": paired}
    return {
        name: at_balanced_mix(
            (rows["truth"] == label)[part].to_numpy(),
            called[part].to_numpy(),
            rows["group"][part].to_numpy(str),
            replicates,
        )
        for name, part in parts.items()
    }


def lines(card: Card, replicates: int = REPLICATES) -> list[str]:
    """Lines of text: these figures, under what Xvision reported."""
    return [REPORTED] + [
        f"{name}, at a balanced mix: "
        + ", ".join(f"{what} {with_interval(one)}" for what, one in found.items())
        for name, found in beside(card, replicates).items()
    ]

"""The table of models in README.md, made from the stored predictions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from xray_models.catalogue import Card
from xray_models.evaluate.card_figures import (
    estimates,
)
from xray_models.evaluate.metrics.bootstrap import REPLICATES
from xray_models.evaluate.pooled import pooled_estimate
from xray_models.evaluate.predictions.predictions import (
    films_of_test,
)
from xray_models.report.model_text import films_and_groups, headlines, listed
from xray_models.report.text_format import with_interval

__all__ = ["pooled_line", "readme_table", "refresh_readme"]

_OPEN, _CLOSE = "<!-- figures -->", "<!-- /figures -->"


def readme_table(cards: Iterable[Card], replicates: int = REPLICATES) -> str:
    """A Markdown table of the measured models with their headline figures, from their tables.

    Raises:
        TableError: a held-out table cannot be used.
    """
    lines = [
        "| model | reads | held out | figures (95 % interval) | license of the weights |",
        "|---|---|---|---|---|",
    ]
    measured = [card for card in cards if card.measured]  # a user's own model is not what ships
    for card in measured:
        test = films_of_test(card)
        found = estimates(test, card, replicates)
        quoted = "<br>".join(
            f"{name} {with_interval(found[name])}" for name in headlines(card, found)
        )
        reads = listed(card.parts) if card.parts else "any film, to tell the part"
        lines.append(
            f"| `{card.id}`<br>{card.name} | {reads} | {films_and_groups(test)} | {quoted} "
            f"| {card.weights.license} |"
        )
    pooled = pooled_line(measured, replicates)
    return "\n".join([*lines, "", pooled] if pooled else lines) + "\n"


def pooled_line(cards: Iterable[Card], replicates: int = REPLICATES) -> str:
    """A sentence on the bone models of one part, all their films together; "" without several.

    Raises:
        TableError: a held-out table cannot be used.
    """
    found = pooled_estimate(cards, replicates)
    if found is None:
        return ""
    return (
        f"The {found.models} bone models of one part together: AUC {with_interval(found.auc)} over "
        f"the {found.films:,} crops and films of {found.groups:,} groups, each read by the model "
        "of its part. That compares films of different parts too, and some parts are fractured "
        f"more often than others; over pairs of one part it is {with_interval(found.within)}."
    )


def refresh_readme(path: Path, cards: Iterable[Card], replicates: int = REPLICATES) -> None:
    """Replace the table of models in the README, between its two markers, by a fresh one.

    Args:
        path: the README, holding `<!-- figures -->` and then `<!-- /figures -->`, once each.
        cards: the models to list.
        replicates: bootstrap resamples.

    Raises:
        ValueError: the README or its markers are missing. The file is left as it was.
        TableError: a held-out table cannot be used.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file. Run this in the folder that holds the README.")
    text = path.read_text(encoding="utf-8")
    if text.count(_OPEN) != 1 or text.count(_CLOSE) != 1 or text.index(_OPEN) > text.index(_CLOSE):
        raise ValueError(
            f"{path}: needs one {_OPEN} and after it one {_CLOSE}. Put them back around the table "
            "of models and run this again."
        )
    before, rest = text.split(_OPEN)
    _, after = rest.split(_CLOSE)
    table = readme_table(cards, replicates)
    path.write_text(f"{before}{_OPEN}\n{table}{_CLOSE}{after}", encoding="utf-8")

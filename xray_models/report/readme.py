"""The tables of models in README.md and docs/models.md, made from the stored predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from xray_models.catalogue import Card, count_films
from xray_models.evaluate.card_figures import (
    estimates,
)
from xray_models.evaluate.metrics.bootstrap import REPLICATES, Estimate
from xray_models.evaluate.pooled import pooled_estimate
from xray_models.evaluate.predictions.held_out_table import crops
from xray_models.evaluate.predictions.predictions import (
    films_of_test,
)
from xray_models.evaluate.whole_films import whole_films
from xray_models.number_text import with_interval
from xray_models.report.model_text import films_and_groups, headlines, listed

__all__ = ["models_table", "pooled_line", "readme_table", "refresh_readme", "whole_films_line"]

_CardFigures: TypeAlias = tuple[Card, pd.DataFrame, Mapping[str, Estimate]]  # with its test films
_OPEN, _CLOSE = "<!-- figures -->", "<!-- /figures -->"


def readme_table(cards: Iterable[Card], replicates: int = REPLICATES) -> str:
    """A Markdown table of the measured models, a line each with its main figure.

    Raises:
        TableError: a held-out table cannot be used.
    """
    return _short(list(_measured(cards, replicates)), replicates)


def _short(measured: Sequence[_CardFigures], replicates: int) -> str:
    lines = [
        *_first(measured, replicates),
        "| model | reads | main figure (95 % interval) | films |",
        "|---|---|---|---|",
    ]
    for card, test, found in measured:
        main = headlines(card, found)[0]
        lines.append(
            f"| `{card.id}` | {_reads(card)} | {main} {with_interval(found[main])} "
            f"| {_films(card, test)} |"
        )
    return "\n".join(lines) + "\n"


def models_table(cards: Iterable[Card], replicates: int = REPLICATES) -> str:
    """A Markdown table of the measured models with all their headline figures, and the pooled ones.

    Raises:
        TableError: a held-out table cannot be used.
    """
    return _long(list(_measured(cards, replicates)), replicates)


def _long(measured: Sequence[_CardFigures], replicates: int) -> str:
    lines = [
        *_first(measured, replicates),
        "| model | reads | held out | figures (95 % interval) | license of the weights |",
        "|---|---|---|---|---|",
    ]
    for card, test, found in measured:
        quoted = "<br>".join(
            f"{name} {with_interval(found[name])}" for name in headlines(card, found)
        )
        lines.append(
            f"| `{card.id}`<br>{card.name} | {_reads(card)} | {films_and_groups(test)} | {quoted} "
            f"| {card.weights.license} |"
        )
    cards = [card for card, _, _ in measured]
    note = pooled_line(cards, replicates)
    lines += ["", note] if note else []
    return "\n".join(lines) + "\n"


def _first(measured: Iterable[_CardFigures], replicates: int) -> list[str]:
    """The figure of the app as a whole, before those of each model alone."""
    line = whole_films_line((card for card, _, _ in measured), replicates)
    return [line, "", "Each model alone, on films that reach it:", ""] if line else []


def _measured(cards: Iterable[Card], replicates: int) -> Iterator[_CardFigures]:
    for card in cards:
        if card.measured:  # a user's own model is not what ships
            test = films_of_test(card)
            yield card, test, estimates(test, card, replicates)


def _films(card: Card, test: pd.DataFrame) -> str:
    """How many films the main figure is of."""
    every = count_films(len(test), crops(test))
    if card.asked is None:
        return every
    return f"{test[card.asked.column].isin(card.asked.values).sum():,} of {every}"


def _reads(card: Card) -> str:
    return listed(card.parts) if card.parts else "any film, to tell the part"


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


def whole_films_line(cards: Iterable[Card], replicates: int = REPLICATES) -> str:
    """A sentence on whole films of arms, detector and bone models together; "" without tables.

    Raises:
        TableError: a held-out table cannot be used.
    """
    detector = next((card for card in cards if card.task == "body-part"), None)
    found = whole_films(detector, replicates) if detector else None
    if found is None:
        return ""
    figures = ", ".join(f"{name} {with_interval(one)}" for name, one in found.figures.items())
    return (
        f"On {found.films} whole films of arms and shoulders, {found.fractured} fractured, that "
        "neither the detector nor a bone model learned from, the app as a whole reaches "
        f"{figures}. "
        f"The {found.refused} films that the detector refuses count as missed. {found.left_out} "
        "more films went to a model that has no held-out answer for them."
    )


def refresh_readme(path: Path, cards: Iterable[Card], replicates: int = REPLICATES) -> None:
    """Replace the tables of models in the README and in docs/models.md by fresh ones.

    Args:
        path: the README; docs/models.md lies below its folder. Each holds `<!-- figures -->` and
            then `<!-- /figures -->`, once.
        cards: the models to list.
        replicates: bootstrap resamples.

    Raises:
        ValueError: a file or its markers are missing. Both files are left as they were.
        TableError: a held-out table cannot be used.
    """
    models = path.parent / "docs" / "models.md"
    (before, after), (models_before, models_after) = _around(path), _around(models)
    measured = list(_measured(cards, replicates))
    short, long = _short(measured, replicates), _long(measured, replicates)
    path.write_text(f"{before}\n{short}{after}", encoding="utf-8")
    models.write_text(f"{models_before}\n{long}{models_after}", encoding="utf-8")


def _around(path: Path) -> tuple[str, str]:
    """The text up to the opening marker, and from the closing one on."""
    if not path.is_file():
        raise ValueError(
            f"{path}: no such file. The tables are written in a checkout of the repository: run "
            "this there."
        )
    text = path.read_text(encoding="utf-8")
    if text.count(_OPEN) != 1 or text.count(_CLOSE) != 1 or text.index(_OPEN) > text.index(_CLOSE):
        raise ValueError(
            f"{path}: needs one {_OPEN} and after it one {_CLOSE}. Put them back around the table "
            "of models and run this again."
        )
    return text[: text.index(_OPEN) + len(_OPEN)], text[text.index(_CLOSE) :]

"""What the held-out films say about a model, as text: recomputed from its table, never copied."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xray_models.catalogue import Card
from xray_models.evaluate.figures import confusion, estimates, films_of_test
from xray_models.evaluate.intervals import REPLICATES, Estimate
from xray_models.evaluate.table import probability_columns

_OPEN, _CLOSE = "<!-- figures -->", "<!-- /figures -->"
_UNDEFINED = "–"
_NO_SPREAD = "no spread"

# a column with more values than this (ages, devices) makes a list, not a comparison
_MOST_VALUES = 12

# what tells most about a model of each task, where its table gives it
_HEADLINES = {
    "body-part": (
        "macro-F1",
        "AUC, chest vs the rest",
        "supported films routed",
        "other films not routed",
    ),
    "bone": ("AUC", "sensitivity", "specificity"),
    "chest": ("AUC", "accuracy", "sensitivity", "specificity"),
}


def report(card: Card, replicates: int = REPLICATES) -> str:
    """Every figure of a model with its interval, confusion matrix, precision and recall, subgroups.

    Args:
        card: the model's card; its held-out table is read.
        replicates: bootstrap resamples.

    Returns:
        Lines of text for a terminal, ending in a newline.

    Raises:
        TableError: the held-out table cannot be used.
    """
    test = films_of_test(card)
    found = estimates(test, card, replicates)
    names, counts = confusion(test, card)
    called = "called at the threshold" if len(card.labels) == 1 else "most probable label"
    lines = [
        f"{card.id}: {card.name}",
        f"{_count(test)} of the test split, {card.held_out.table}",
        "",
        *_figure_lines(found, replicates),
        "",
        *_threshold_lines(card),
        "",
        f"Confusion matrix (rows: truth, columns: {called})",
        *_grid(["", *names], [[name, *map(str, row)] for name, row in _rows(names, counts)]),
        "",
        *_grid(["", "films", "precision", "recall"], _per_class(names, counts)),
    ]
    for column in _subgroup_columns(test, card):
        lines += ["", *_subgroup_lines(test, card, column, replicates)]
    if any(_NO_SPREAD in line for line in lines):
        lines += ["", f"{_NO_SPREAD}: all films agree, so resampling cannot tell how far off it is"]
    lines += ["", *_against_card(card, found)]
    return "\n".join(lines) + "\n"


def readme_table(cards: Iterable[Card], replicates: int = REPLICATES) -> str:
    """A Markdown table of the models with their headline figures, computed from their tables.

    Raises:
        TableError: a held-out table cannot be used.
    """
    lines = [
        "| model | reads | held out | figures (95 % interval) | license of the weights |",
        "|---|---|---|---|---|",
    ]
    for card in cards:
        test = films_of_test(card)
        found = estimates(test, card, replicates)
        quoted = "<br>".join(f"{name} {_text(found[name])}" for name in headlines(card, found))
        reads = _list(card.parts) if card.parts else "any film, to tell the part"
        lines.append(
            f"| `{card.id}`<br>{card.name} | {reads} | {_count(test)} | {quoted} "
            f"| {card.weights.license} |"
        )
    return "\n".join(lines) + "\n"


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


def headlines(card: Card, found: Mapping[str, object]) -> list[str]:
    """Names of the few figures to quote for a model, out of all that were found.

    A model with several labels is quoted for its findings ("AUC, pneumonia vs normal").
    """
    wanted = _HEADLINES[card.task]
    if card.task == "body-part" or len(card.labels) == 1:
        return [name for name in wanted if name in found]
    return [
        f"{name}{ending}"
        for finding in card.thresholds
        for ending in _endings(finding, found)
        for name in wanted
    ]


def _endings(finding: str, found: Mapping[str, object]) -> list[str]:
    start = f"AUC, {finding} vs "
    return [name.removeprefix("AUC") for name in found if name.startswith(start)]


def _figure_lines(found: Mapping[str, Estimate], replicates: int) -> list[str]:
    lines = _grid(
        ["", "value", "95 % interval"],
        [[name, _number(one.value), _interval(one)] for name, one in found.items()],
    )
    lines += [
        f"{name}: not defined in {one.undefined} of {replicates} resamples, which are left out"
        for name, one in found.items()
        if one.undefined
    ]
    return lines


def _threshold_lines(card: Card) -> list[str]:
    verb = "routed to" if card.task == "body-part" else "called"
    by_value: dict[float, list[str]] = {}
    for finding, threshold in card.thresholds.items():
        by_value.setdefault(threshold, []).append(finding)
    return [
        f"{_list(findings)}: {verb} at a probability of {value:.4f} or more"
        for value, findings in by_value.items()
    ]


def _rows(names: Sequence[str], counts: np.ndarray) -> Iterable[tuple[str, list[int]]]:
    return zip(names, counts.tolist(), strict=True)


def _per_class(names: Sequence[str], counts: np.ndarray) -> list[list[str]]:
    hits, true, called = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        precision, recall = hits / called, hits / true
    return [
        [name, str(true[index]), _number(precision[index]), _number(recall[index])]
        for index, name in enumerate(names)
    ]


def _subgroup_columns(rows: pd.DataFrame, card: Card) -> list[str]:
    known = {"image", "group", "split", "truth", *probability_columns(card.labels)}
    return [
        name
        for name in rows.columns
        if name not in known and 2 <= rows[name].nunique() <= _MOST_VALUES
    ]


def _subgroup_lines(rows: pd.DataFrame, card: Card, column: str, replicates: int) -> list[str]:
    films = {str(value): part for value, part in rows.groupby(column)}
    found = {value: estimates(part, card, replicates) for value, part in films.items()}
    # a figure that no subgroup has, such as macro-F1 where none has every class, is left out
    chosen = [
        name
        for name in headlines(card, next(iter(found.values())))
        if not all(math.isnan(one[name].value) for one in found.values())
    ]
    lines = [
        [value or "(empty)", str(len(films[value])), *(_text(one[name]) for name in chosen)]
        for value, one in found.items()
    ]
    return [f"By {column}", *_grid(["", "films", *chosen], lines)]


def _against_card(card: Card, found: Mapping[str, Estimate]) -> list[str]:
    """Say whether the card quotes what its table gives, to three decimals."""
    wrong = []
    for name, quoted in card.held_out.figures.items():
        stated = Estimate(quoted.value, quoted.low, quoted.high)
        if name not in found:
            wrong.append(f"The card quotes {name}, which its table does not give.")
        elif not _same(stated, found[name]):
            wrong.append(
                f"The card quotes {name} {_text(stated)}, its table gives {_text(found[name])}."
            )
    return wrong or ["The card quotes the same figures."]


def _same(one: Estimate, other: Estimate) -> bool:
    pairs = ((one.value, other.value), (one.low, other.low), (one.high, other.high))
    return all(math.isclose(a, b, abs_tol=5e-4) or (a != a and b != b) for a, b in pairs)


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns: the first to the left, the others to the right."""
    widths = [max(len(line[index]) for line in (header, *rows)) for index in range(len(header))]
    return [
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (header, *rows)
    ]


def _count(rows: pd.DataFrame) -> str:
    return f"{len(rows):,} films of {rows['group'].nunique():,} groups"


def _text(one: Estimate) -> str:
    return _number(one.value) if math.isnan(one.low) else f"{one.value:.3f} ({_interval(one)})"


def _interval(one: Estimate) -> str:
    if math.isnan(one.low):
        return _UNDEFINED
    # an interval without width would look like certainty
    return _NO_SPREAD if one.low == one.high else f"{one.low:.3f} to {one.high:.3f}"


def _number(value: float) -> str:
    return _UNDEFINED if math.isnan(value) else f"{value:.3f}"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""Text about a model, recomputed from its held-out films, never copied."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from xray_models import catalogue
from xray_models.catalogue import Card, count_films
from xray_models.evaluate import alternatives, card_figures, comparable
from xray_models.evaluate.card_figures import (
    MEAN_AUC,
    MICRO_AUC,
    called,
    confusion_matrix,
    cutoffs,
    estimates,
)
from xray_models.evaluate.label_measures import LabelMeasure, measures
from xray_models.evaluate.metrics.bootstrap import REPLICATES, Estimate
from xray_models.evaluate.metrics.confusion import classification_report
from xray_models.evaluate.predictions.held_out_table import crops, load, out_of_fold
from xray_models.evaluate.predictions.predictions import (
    FEW,
    Predictions,
    films_of_test,
    from_table,
)
from xray_models.number_text import NO_SPREAD, bounds, decimals, with_interval
from xray_models.report import coverage_text, explanations_text, whole_films_text, xvision_text
from xray_models.report.text_table import grid

__all__ = ["films_and_groups", "headlines", "listed", "report"]

# more findings than this are counted, not named, where subgroups are too small for them
_MOST_NAMED = 3

# what tells most about a model of each task, where its table gives it
_HEADLINES = {
    "body-part": (
        "macro-F1",
        "AUC, chest vs the rest",
        "supported films read",
        "whole films of arms read",
        "part right, of films read",
        "other films refused",
    ),
    "bone": ("AUC", "sensitivity", "specificity"),
    "chest": ("AUC", "accuracy", "sensitivity", "specificity"),
}


def report(card: Card, replicates: int = REPLICATES) -> str:
    """Text of all figures of a model: intervals, confusion matrix, precision, recall, subgroups.

    Each finding gets all its measures beside those that no skill would give.

    Args:
        card: the model's card; its held-out table is read.
        replicates: bootstrap resamples.

    Returns:
        Lines of text for a terminal, ending in a newline.

    Raises:
        TableError: the held-out table cannot be used.
    """
    if not card.measured:
        return f"{card.id}: {card.name}\nImported, not measured here: there is nothing to report.\n"
    test = films_of_test(card)
    cuts = cutoffs(test, card)
    found = estimates(test, card, replicates, cuts=cuts)
    predictions = from_table(test, card)
    calls = called(predictions, card, cuts)
    lines = [
        f"{card.id}: {card.name}",
        *_as_read_lines(card),
        f"{films_and_groups(test)} {_origin(test)}, {card.held_out.table}",
        "",
        *_figure_lines(found, replicates),
        "",
        *_threshold_lines(card, out_of_fold(test)),
        "",
        *(
            _count_lines(predictions, calls)
            if card.multi_label
            else _matrix_lines(test, card, cuts)
        ),
    ]
    for finding, every in measures(predictions, predictions.labels, calls, replicates).items():
        lines += ["", *_detail_lines(predictions, finding, every)]
    for column in predictions.subgroups:
        lines += ["", *_subgroup_lines(test, card, cuts, column, list(found), replicates)]
        lines += _small_lines(predictions, column)
    lines += _rival_lines(card, test, replicates) + _alternative_lines(card, replicates)
    lines += _validation_lines(card, replicates) + _external_lines(card, replicates)
    if card.id == xvision_text.MODEL:
        lines += ["", *xvision_text.lines(card, replicates)]
    lines += coverage_text.lines(card)
    lines += explanations_text.lines(card)
    if any(NO_SPREAD in line for line in lines):
        lines += [
            "",
            f"{NO_SPREAD}: all films agree, so resampling cannot tell how far off it is",
        ]
    lines += ["", *_against_card(card, found)]
    return "\n".join(lines) + "\n"


def headlines(card: Card, found: Collection[str]) -> list[str]:
    """Names of the few figures to quote for a model, out of all that were found.

    A model with several labels is quoted for its findings ("AUC, pneumonia vs normal"), a
    multi-label one for all of them together.
    """
    if card.multi_label:
        return [name for name in (MEAN_AUC, MICRO_AUC) if name in found]
    wanted = _HEADLINES[card.task]
    if card.task == "body-part" or len(card.labels) == 1:
        asked = [f"{name}, {card.asked.name}" for name in wanted] if card.asked else []
        return [name for name in (*asked, *wanted) if name in found]
    return [
        f"{name}{ending}"
        for finding in card.thresholds
        for ending in _endings(finding, found)
        for name in wanted
    ]


def _endings(finding: str, found: Collection[str]) -> list[str]:
    start = f"AUC, {finding} vs "
    return [name.removeprefix("AUC") for name in found if name.startswith(start)]


def _as_read_lines(card: Card) -> list[str]:
    said = whole_films_text.sentences(card)
    return [said, "", f"Below are figures of {whole_films_text.ALONE}.", ""] if said else []


def _figure_lines(found: Mapping[str, Estimate], replicates: int) -> list[str]:
    lines = grid(
        ["", "value", "95 % interval"],
        [[name, decimals(one.value), bounds(one)] for name, one in found.items()],
    )
    lines += [
        f"{name}: not defined in {one.undefined} of {replicates} resamples, which are left out"
        for name, one in found.items()
        if one.undefined
    ]
    return lines


def _origin(rows: pd.DataFrame) -> str:
    if not out_of_fold(rows):
        return "of the test split"
    return f"in {rows['split'].nunique()} folds, each predicted while held out"


def _threshold_lines(card: Card, cross_fitted: bool) -> list[str]:
    verb = "a film is refused" if card.task == "body-part" else "called"
    by_value: dict[float, list[str]] = {}
    for finding, threshold in card.thresholds.items():
        by_value.setdefault(threshold, []).append(finding)
    lines = [
        f"{listed(findings)}: {verb} at a probability of {value:.4f} or more"
        for value, findings in by_value.items()
    ]
    if cross_fitted:
        lines.append("In the figures, films of each fold are called by thresholds of the others.")
    return lines


def _matrix_lines(rows: pd.DataFrame, card: Card, cuts: pd.DataFrame) -> list[str]:
    matrix = confusion_matrix(rows, card, cuts)
    how = "called at the threshold" if len(card.labels) == 1 else "most probable label"
    counted = zip(matrix.names, matrix.counts.tolist(), strict=True)
    classes = classification_report(matrix)[: len(matrix.names)]
    return [
        f"Confusion matrix (rows: truth, columns: {how})",
        *grid(["", *matrix.names], [[name, *map(str, row)] for name, row in counted]),
        "",
        *grid(
            ["", "films", "precision", "recall"],
            [
                [one.name, str(one.films), decimals(one.precision), decimals(one.recall)]
                for one in classes
            ],
        ),
    ]


def _count_lines(predictions: Predictions, calls: Mapping[str, np.ndarray]) -> list[str]:
    header = ["", "with", "called", "missed", "without", "called", "passed", "unknown"]
    lines = []
    for label in predictions.labels:
        truth = predictions.truth[:, predictions.index(label)]
        yes = calls.get(label, np.full(predictions.films, np.nan))
        by_truth = [
            str(int(count))
            for value in (1, 0)
            for count in (
                (truth == value).sum(),
                ((truth == value) & (yes == 1)).sum(),
                ((truth == value) & (yes == 0)).sum(),
            )
        ]
        lines.append([label, *by_truth, str(int(np.isnan(truth).sum()))])
    return [
        "Films with and without each label, and how they are called",
        *grid(header, lines),
    ]


def _detail_lines(
    predictions: Predictions, finding: str, every: Mapping[str, LabelMeasure]
) -> list[str]:
    one = predictions.of(finding)
    return [
        f"{finding} in full: {one.positives:,} films with, {one.negatives:,} without",
        *grid(
            ["", "value", "95 % interval", "no skill"],
            [
                [
                    name,
                    decimals(each.estimate.value),
                    bounds(each.estimate),
                    decimals(each.no_skill),
                ]
                for name, each in every.items()
            ],
        ),
    ]


def _subgroup_lines(
    rows: pd.DataFrame,
    card: Card,
    cuts: pd.DataFrame,
    column: str,
    names: Sequence[str],
    replicates: int,
) -> list[str]:
    films = {str(value): part for value, part in rows.groupby(column)}
    wanted = headlines(replace(card, asked=None), names)
    if card.multi_label:
        wanted += [name for name in names if name.startswith("AUC, ")]
    found = {
        value: estimates(part, card, replicates, cuts=cuts.loc[part.index], only=wanted)
        for value, part in films.items()
    }
    # a figure that no subgroup has, such as macro-F1 where none has every class, is left out
    chosen = [
        name for name in wanted if not all(math.isnan(one[name].value) for one in found.values())
    ]
    header = {value: value or "(empty)" for value in found}
    if card.multi_label:  # too many figures for a line
        lines = [[name, *(with_interval(one[name]) for one in found.values())] for name in chosen]
        lines = [["films", *(str(len(part)) for part in films.values())], *lines]
        aligned = grid(["", *header.values()], lines)
    else:
        lines = [
            [header[value], str(len(films[value])), *(with_interval(one[name]) for name in chosen)]
            for value, one in found.items()
        ]
        aligned = grid(["", "films", *chosen], lines)
    alone = f" ({whole_films_text.ALONE})" * (column == "framing" and card.task == "bone")
    return [f"By {column}{alone}", *aligned]


def _small_lines(predictions: Predictions, column: str) -> list[str]:
    """Say which subgroups have too few films with or without a finding to tell much."""
    lines = []
    values = predictions.subgroups[column]
    for value in np.unique(values):
        part = predictions.where(values == value)
        few = [one for one in map(part.of, part.labels) if one.few]
        named = [f"{one.label} ({one.positives} with, {one.negatives} without)" for one in few]
        if few:
            what = listed(named) if len(few) <= _MOST_NAMED else f"{len(few)} findings"
            lines.append(f"{value or '(empty)'}: fewer than {FEW} films with or without {what}")
    return lines


def _rival_lines(card: Card, test: pd.DataFrame, replicates: int) -> list[str]:
    if card.rival is None:
        return []
    found = comparable.compare(card.rival.model, test, card.labels[0], replicates)
    gain = found.difference
    kept = found.model if gain.value < 0 else card.id
    return [
        "",
        f"Against {found.model}, on {found.films} films of {found.groups} groups new to both, "
        f"{found.positives} of them with {card.labels[0]}: AUC {decimals(found.own)} against "
        f"{decimals(found.other)}, difference "
        f"{gain.value:+.3f} (95 % interval {gain.low:+.3f} to {gain.high:+.3f}).",
        f"The router asks {kept}. {comparable.doubt(found)}".rstrip(),
    ]


def _alternative_lines(card: Card, replicates: int) -> list[str]:
    lines: list[str] = []
    for one in card.alternatives:
        found = alternatives.estimates(
            card, catalogue.table_path(card).with_name(one.table), replicates
        )
        gain = found[alternatives.DIFFERENCE]
        lines += [
            "",
            f"{one.architecture} by the same recipe, from {one.start}, {one.table}:",
            f"mean AUC within folds {with_interval(found[alternatives.OTHER])}, of "
            f"{card.architecture}, which ships, {with_interval(found[alternatives.OWN])}; "
            f"difference {gain.value:+.3f} (95 % interval {gain.low:+.3f} to {gain.high:+.3f}).",
        ]
    return lines


def _validation_lines(card: Card, replicates: int) -> list[str]:
    """What a model reaches on the films that its epoch and thresholds were chosen on."""
    table = load(catalogue.table_path(card), card.labels, card.multi_label)
    rows = table[table["split"] == "validation"]
    if rows.empty:
        return []
    found = estimates(rows, card, replicates)
    lines = _figure_lines({name: found[name] for name in headlines(card, found)}, replicates)
    return [
        "",
        f"{films_and_groups(rows)} for validation: its thresholds were chosen on them",
        *lines,
    ]


def _external_lines(card: Card, replicates: int) -> list[str]:
    lines: list[str] = []
    for check in card.external:
        path = catalogue.table_path(card).with_name(check.table)
        found = card_figures.external_estimates(
            path, check.finding, card.thresholds[check.finding], replicates
        )
        lines += [
            "",
            f"{check.name}: {check.films} films of {check.groups} groups, {check.table}",
            f"{check.finding}; truth: {check.truth}",
            *_figure_lines(found, replicates),
        ]
    return lines


def _against_card(card: Card, found: Mapping[str, Estimate]) -> list[str]:
    """Say whether the card quotes what its table gives, to three decimals."""
    wrong = []
    for name, quoted in card.held_out.figures.items():
        stated = Estimate(quoted.value, quoted.low, quoted.high)
        if name not in found:
            wrong.append(f"The card quotes {name}, which its table does not give.")
        elif not _same(stated, found[name]):
            wrong.append(
                f"The card quotes {name} {with_interval(stated)}, its table gives "
                f"{with_interval(found[name])}."
            )
    return wrong or ["The card quotes the same figures."]


def _same(one: Estimate, other: Estimate) -> bool:
    pairs = ((one.value, other.value), (one.low, other.low), (one.high, other.high))
    return all(math.isclose(a, b, abs_tol=5e-4) or (a != a and b != b) for a, b in pairs)


def films_and_groups(rows: pd.DataFrame) -> str:
    """Numbers of films and groups of a held-out table, in words."""
    return f"{count_films(len(rows), crops(rows))} of {rows['group'].nunique():,} groups"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

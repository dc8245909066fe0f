"""Bands of probability in which a model cannot tell, by split conformal prediction.

Of films with a finding at most one in ten lies below its band, and of films without it at most one
in ten above: each class has its own quantile (class-conditional, or Mondrian, conformal prediction;
Vovk, Gammerman & Shafer 2005). Films of different kinds, such as crops and whole films, are
quantiled apart and the widest band counts, as the app is not told which kind a film is of.

The band always holds the threshold, so that a clear answer never contradicts the call. That widens
it at most: coverage can only rise.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from xray_models import catalogue
from xray_models.catalogue import Band, Card
from xray_models.evaluate.predictions.held_out_table import NONE, load
from xray_models.evaluate.predictions.predictions import FEW, Predictions, from_card

__all__ = [
    "COVERAGE",
    "KINDS",
    "Coverage",
    "answers",
    "band",
    "bands",
    "cross_validated",
    "elsewhere",
    "save",
]

COVERAGE = 0.9
"""Share of the films of each class whose answer is right, or "cannot tell"."""
KINDS = ("framing", "region", "view")
"""Columns of a held-out table whose kinds of film get a band of their own."""

_PARTS = 10  # of the cross-validation of coverage
_STEP = 1e-4  # probabilities of a card have four decimals
_ABOVE = 1.0001  # no probability is as high


@dataclass(frozen=True)
class Coverage:
    """Coverage of the answers on some films that had no part in their bands.

    Attributes:
        label: of the finding.
        column, value: which films, such as view, PA; both empty for all.
        films_with, films_without: how many show the finding, and how many do not.
        with_it, without: share of each whose answer is right or "cannot tell"; NaN without films.
        cannot_tell: share of all these films.
        right: share of right ones among the films with a clear answer; NaN without any.
    """

    label: str
    column: str
    value: str
    films_with: int
    films_without: int
    with_it: float
    without: float
    cannot_tell: float
    right: float


def bands(card: Card) -> dict[str, Band]:
    """Bands of a model's findings, from its held-out films; none for a body-part detector.

    Raises:
        TableError: the held-out table cannot be used.
    """
    if not card.measured or card.task == "body-part":
        return {}
    predictions = from_card(card)
    kinds = _kinds(predictions)
    return {
        label: _of(predictions, label, threshold, np.ones(predictions.films, bool), kinds)
        for label, threshold in card.thresholds.items()
    }


def band(
    truth: np.ndarray,
    scores: np.ndarray,
    threshold: float,
    kinds: Sequence[np.ndarray] = (),
) -> Band:
    """Band in which a model cannot tell.

    Args:
        truth: whether each film shows the finding, bool, (films,).
        scores: its calibrated probability, (films,).
        threshold: from which on the finding is called; the band holds it.
        kinds: of each film, by one column or several, (films,). A kind counts by itself where
            at least `FEW` of its films show the finding, or do not.

    Returns:
        Everything with fewer than `FEW` films of either class: a quantile of them says nothing.
    """
    if min(truth.sum(), (~truth).sum()) < FEW:
        return Band(0.0, _ABOVE)
    lows, highs = [_low(scores[truth])], [_high(scores[~truth])]
    for column in kinds:
        for value in np.unique(column):
            here = column == value
            if (here & truth).sum() >= FEW:
                lows.append(_low(scores[here & truth]))
            if (here & ~truth).sum() >= FEW:
                highs.append(_high(scores[here & ~truth]))
    return Band(min(*lows, threshold), max(*highs, threshold))


def answers(scores: np.ndarray, one: Band) -> np.ndarray:
    """Answer to each probability: 1 yes, 0 no, NaN cannot tell; float64, (films,)."""
    return np.where(scores < one.low, 0.0, np.where(scores >= one.high, 1.0, np.nan))


def cross_validated(card: Card, columns: Sequence[str] | None = None) -> list[Coverage]:
    """Coverage of a model's answers, on films whose group had no part in the bands.

    The groups are divided into ten parts by a hash of their names; the films of each part are
    answered by bands of the other nine.

    Args:
        card: of the model.
        columns: by which to divide the films besides; `KINDS` and "source" by default.

    Returns:
        For each finding first all films, then each kind with `FEW` films of either class or more.

    Raises:
        TableError: the held-out table cannot be used.
    """
    if not card.measured or card.task == "body-part":
        return []
    predictions = from_card(card)
    part = np.array([_part(group) for group in predictions.groups])
    return [
        one
        for label, threshold in card.thresholds.items()
        for one in _coverage(
            predictions, label, _held_out(predictions, label, threshold, part), columns
        )
    ]


def elsewhere(card: Card) -> dict[str, Coverage]:
    """Coverage of the card's bands on films from elsewhere: name of the check -> coverage.

    Raises:
        TableError: a table cannot be used.
    """
    found = {}
    for check in card.external:
        if check.finding in card.bands:
            path = catalogue.table_path(card).with_name(check.table)
            rows = load(path, [check.finding])
            truth = (rows["truth"] != NONE).to_numpy(np.float64)
            scores = rows[f"p:{check.finding}"].to_numpy()
            given = answers(scores, card.bands[check.finding])
            found[check.name] = _counted(check.finding, "", "", truth, given)
    return found


def save(card: Card, found: Mapping[str, Band]) -> None:
    """Write bands to the model's card."""
    path = catalogue.folder(card) / "models" / f"{card.id}.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw |= {"bands": {label: asdict(one) for label, one in found.items()}}
    path.write_text(json.dumps(raw, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    catalogue.refresh()


def _held_out(
    predictions: Predictions, label: str, threshold: float, part: np.ndarray
) -> np.ndarray:
    given = np.full(predictions.films, np.nan)
    kinds = _kinds(predictions)
    scores = predictions.scores[:, predictions.index(label)]
    for number in range(_PARTS):
        here = part == number
        given[here] = answers(scores[here], _of(predictions, label, threshold, ~here, kinds))
    return given


def _coverage(
    predictions: Predictions, label: str, given: np.ndarray, columns: Sequence[str] | None
) -> Iterator[Coverage]:
    truth = predictions.truth[:, predictions.index(label)]
    known = ~np.isnan(truth)
    yield _counted(label, "", "", truth[known], given[known])
    for column in (*KINDS, "source") if columns is None else columns:
        values = predictions.subgroups.get(column, np.array([], str))
        for value in np.unique(values):
            here = known & (values == value)
            if max((truth[here] == 1).sum(), (truth[here] == 0).sum()) >= FEW:
                yield _counted(label, column, str(value), truth[here], given[here])


def _counted(label: str, column: str, value: str, truth: np.ndarray, given: np.ndarray) -> Coverage:
    unsure, positive = np.isnan(given), truth == 1
    covered = unsure | (given == truth)
    return Coverage(
        label,
        column,
        value,
        int(positive.sum()),
        int((~positive).sum()),
        _share(covered[positive]),
        _share(covered[~positive]),
        _share(unsure),
        _share(covered[~unsure]),
    )


def _kinds(predictions: Predictions) -> list[np.ndarray]:
    """Kinds of the films as numbers, which compare faster than names: int, (films,) each."""
    return [
        np.unique(values, return_inverse=True)[1]
        for name, values in predictions.subgroups.items()
        if name in KINDS
    ]


def _of(
    predictions: Predictions,
    label: str,
    threshold: float,
    chosen: np.ndarray,
    kinds: Sequence[np.ndarray],
) -> Band:
    column = predictions.index(label)
    truth = predictions.truth[:, column]
    films = chosen & ~np.isnan(truth)
    of_films = [one[films] for one in kinds]
    return band(truth[films] == 1, predictions.scores[films, column], threshold, of_films)


def _low(scores: np.ndarray) -> float:
    """Highest value that at most one in ten films of a class, and the next one, lies below."""
    rank = math.floor((1 - COVERAGE) * (len(scores) + 1) + 1e-9)
    value = float(np.sort(scores)[rank - 1]) if rank else 0.0
    return round(math.floor(value / _STEP + 1e-9) * _STEP, 4)


def _high(scores: np.ndarray) -> float:
    """Lowest value that at most one in ten films of a class, and the next one, reaches."""
    rank = math.floor((1 - COVERAGE) * (len(scores) + 1) + 1e-9)
    value = float(np.sort(scores)[-rank]) if rank else 1.0
    return round(math.floor(value / _STEP + 1e-9) * _STEP + _STEP, 4)


def _part(group: str) -> int:
    digest = hashlib.sha256(f"coverage:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _PARTS


def _share(which: np.ndarray) -> float:
    return float(which.mean()) if len(which) else float("nan")

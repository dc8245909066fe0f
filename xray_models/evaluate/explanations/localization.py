"""Localization of a model, method by method, over held-out films with boxes by people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xray_models.catalogue import Card
from xray_models.datasets import Film, boxes
from xray_models.evaluate.explanations.held_out_films import HeldOutFilm, Networks, held_out
from xray_models.evaluate.explanations.results_table import (
    EVERY,
    MethodFigure,
    load,
    stacked,
    summarize,
)
from xray_models.evaluate.metrics import localization
from xray_models.explain import MethodSpec, targets
from xray_models.explain.boxes import Rule, array, from_heat
from xray_models.explain.metrics.faithfulness import silent
from xray_models.explain.progress import Progress

__all__ = [
    "AREA",
    "ARMS",
    "BASELINES",
    "EVERY",
    "LEAST_FILMS",
    "MEAN_BOX",
    "OTHER_READER",
    "RULES",
    "USUAL",
    "BoxScores",
    "Case",
    "Study",
    "cases",
    "figures",
    "measure",
    "other_reader",
    "prepare",
    "score_map",
    "usual_area",
]

USUAL, MEAN_BOX = "usual place", "mean box"
BASELINES = ("random", "center", MEAN_BOX, USUAL)
"""Maps that see no film. Gains are measured against the better of the last two: by share of heat
that is often the mean box, by the hottest point the usual place."""

OTHER_READER = "another reader"
"""Boxes of other people on the same films, where there are any: nobody can ask for more."""

AREA = "boxed area"
"""Measure stored with the usual place: share of the film that people box, for the rule "area"."""

ARMS = ", arms"
"""Added to the name of a source for its arm films alone, where it has others too."""

LEAST_FILMS = 10
"""Fewer films with boxes of a finding give no figures of their own."""

RULES = (Rule("fraction", 0.5), Rule("otsu", None), Rule("area", None))
"""The first one's T(IoU) and T(IoBB) are stored, of the others IoU and IoBB."""

_SIDE = 224  # maps are measured with this many pixels on the film's longer side
_LEAST_SHOWN = 0.6  # of a box, for a crop to count as showing it

_SOURCES = {"chest": ("NIH", "RSNA"), "bone": ("FracAtlas",)}
# how cards name the collections that the films with boxes are from
_NAMES = {
    "NIH": ("NIH", "ChestX-ray14"),
    "RSNA": ("NIH", "ChestX-ray14"),
    "FracAtlas": ("FracAtlas",),
}
# opacities were drawn where they were suspicious for pneumonia
_FINDINGS = {"Lung Opacity": "pneumonia"}

BoxScores = dict[tuple[str, str], float]
"""(rule, measure) -> value on one film; the rule is empty for figures of the map itself."""


@dataclass(frozen=True, eq=False)
class Case:
    """A held-out film with the boxes that one source drew for one finding.

    Attributes:
        held: the film and its split.
        source: who drew, one of `boxes.SOURCES`.
        finding: of the model.
        corners: float64 in fractions of the film, (boxes, 4).
    """

    held: HeldOutFilm
    source: str
    finding: str
    corners: np.ndarray

    @property
    def film(self) -> Film:
        """The film."""
        return self.held.film


@dataclass(frozen=True, eq=False)
class Study:
    """What was measured on each case before any method ran.

    Attributes:
        cases: in the order of all values.
        shapes: (height, width) that maps of each case are measured at.
        areas: share of the film that boxes of the finding usually have, from other groups.
        baselines: method -> values per case.
        rules: box rules.
    """

    cases: list[Case]
    shapes: list[tuple[int, int]]
    areas: list[float]
    baselines: dict[str, list[BoxScores]]
    rules: tuple[Rule, ...]


def cases(card: Card, data: Path, films: Iterable[Film]) -> list[Case]:
    """Cases to measure a model on: films with boxes that it never trained on.

    A film of a collection that the card's training data names must be in the held-out table. Films
    of other collections are all new to the model.

    Args:
        card: of the model.
        data: the data folder.
        films: of the model's own data, crops among them, as its recipe gives them.

    Raises:
        DataSetError: a box table is missing or malformed.
        TableError: the held-out table cannot be used.
    """
    own: dict[str, list[HeldOutFilm]] = defaultdict(list)
    for held in held_out(card, films):
        own[held.film.image.partition("#")[0]].append(held)
    found = []
    for source in _SOURCES.get(card.task, ()):
        trained = any(name in entry for entry in card.training.data for name in _NAMES[source])
        for boxed in boxes.load(data, source):
            finding = _finding(card, boxed.label)
            new = [] if trained else [HeldOutFilm(boxed.film)]
            for held in own.get(boxed.film.image, new) if finding else ():
                corners = _within(held.film.box, boxed.corners)
                if len(corners):
                    found.append(Case(held, source, str(finding), corners))
    return found


def prepare(
    found: Sequence[Case],
    rules: tuple[Rule, ...] = RULES,
    seed: int = 0,
    progress: Progress = silent,
    every: Sequence[Case] | None = None,
) -> Study:
    """Prepare a study: measure the baselines, which look at no film.

    Args:
        found: at least two cases of different groups.
        rules: box rules; the first is the one whose accuracies by level are kept.
        seed: of the random maps.
        progress: told.
        every: all cases, where `found` are some of them: what is usual is learned from all.

    Raises:
        DataSetError: a film cannot be read.
        ValueError: a case has no film of another group to take the usual place from.
    """
    study = Study(list(found), [], [], {name: [] for name in BASELINES}, rules)
    for i, case in enumerate(study.cases):
        height, width = case.film.pixels().shape
        shrunk = min(1.0, _SIDE / max(height, width))
        shape = (max(1, round(height * shrunk)), max(1, round(width * shrunk)))
        others = _others(found if every is None else every, case)
        study.shapes.append(shape)
        study.areas.append(localization.area_share(others) if others else 0.0)
        maps = {
            "random": localization.random_map(shape, (8, 8), seed + i),
            "center": localization.center_map(shape),
            MEAN_BOX: localization.mask(localization.mean_box(others), shape),
            USUAL: localization.usual_place(others, shape),
        }
        for name, heat in maps.items():
            study.baselines[name].append(score_map(study, i, heat))
        boxed = float(localization.mask(case.corners, shape).mean())
        study.baselines[USUAL][-1]["", AREA] = boxed
        progress(i + 1, len(study.cases))
    return study


def _others(found: Sequence[Case], case: Case) -> list[np.ndarray]:
    """Boxes that tell the usual place of a case: of other groups, as like it as there are any.

    Of the same finding and region of the body, where there are films enough: where arms break says
    nothing of hips.
    """
    apart = [other for other in found if other.film.group != case.film.group]
    alike = [
        other for other in apart if (other.source, other.finding) == (case.source, case.finding)
    ]
    region = case.film.facts.get("region")
    near = [other for other in alike if other.film.facts.get("region") == region]
    chosen = near if len(near) >= LEAST_FILMS else alike or apart
    return [other.corners for other in chosen]


def score_map(study: Study, index: int, heat: np.ndarray) -> BoxScores:
    """Every figure of a map on a case.

    Args:
        study: rules, areas and true boxes.
        index: of the case.
        heat: not negative, laid over the whole film, of the case's shape.
    """
    case, (height, width) = study.cases[index], study.shapes[index]
    heat = np.asarray(heat, np.float32)
    found: BoxScores = {
        ("", name): value for name, value in localization.over_map(heat, case.corners).items()
    }
    for rule in study.rules:
        drawn = from_heat(heat, case.finding, rule.with_area(study.areas[index]))
        corners = array(drawn) / np.array([width, height, width, height])
        for name, value in localization.overlap(corners, case.corners).items():
            if rule == study.rules[0] or not name.startswith(("T(", "false")):
                found[str(rule), name] = value
    return found


def measure(
    card: Card,
    study: Study,
    networks: Networks,
    specs: Sequence[MethodSpec | str],
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, list[BoxScores]]:
    """Figures of some methods on every case; they share what they need of a film.

    Args:
        card: of the model.
        study: the cases.
        networks: which network explains which film.
        specs: methods and their layers, or their texts.
        seed: of methods that draw at random.
        progress: called in cases; may raise to stop.

    Raises:
        DataSetError, WeightsError: a film or a network cannot be used.
        ValueError: a method does not fit the model.
    """
    values: dict[str, list[BoxScores]] = {str(spec): [] for spec in specs}
    for i, case in enumerate(study.cases):
        target = targets.combined(card.labels, card.members(case.finding))
        explained = networks.explained(case.held)
        for spec in specs:
            heat = explained.heat(target, spec, seed).on_radiograph(study.shapes[i])
            values[str(spec)].append(score_map(study, i, heat))
        progress(i + 1, len(study.cases))
    return values


def other_reader(study: Study) -> tuple[list[int], list[BoxScores]]:
    """Cases whose film another source boxed too, and the figures of that source's boxes as a map.

    Returns:
        Indices of the cases, and a value for each.
    """
    drawn = {(case.film.image, case.finding, case.source): case.corners for case in study.cases}
    indices, values = [], []
    for i, case in enumerate(study.cases):
        for source in boxes.SOURCES:
            corners = drawn.get((case.film.image, case.finding, source))
            if source != case.source and corners is not None:
                indices.append(i)
                values.append(score_map(study, i, localization.mask(corners, study.shapes[i])))
    return indices, values


def figures(
    study: Study,
    method: str,
    values: Sequence[BoxScores],
    seen: Callable[[str], bool],
    indices: Sequence[int] | None = None,
) -> list[MethodFigure]:
    """Means with intervals, by source and finding, of a method's values.

    Args:
        study: cases and baselines.
        method: name for the rows.
        values: one for each case, or for each of `indices`.
        seen: split -> whether the network that was explained had seen its films.
        indices: of the cases with values; all by default.
    """
    indices = range(len(study.cases)) if indices is None else indices
    rows = []
    for (data, label), chosen in _groups(study, indices).items():
        of = [study.cases[indices[k]] for k in chosen]
        rows += summarize(
            stacked([values[k] for k in chosen]),
            _baseline(study, [indices[k] for k in chosen]),
            np.array([case.film.group for case in of]),
            data=data,
            label=label,
            seen=any(seen(case.held.split) for case in of),
            method=method,
        )
    return rows


def _baseline(study: Study, chosen: Sequence[int]) -> Mapping[tuple[str, str], np.ndarray]:
    """Measure by measure, the values of whichever baseline does better on these cases."""
    usual, mean = (
        stacked([study.baselines[name][i] for i in chosen]) for name in (USUAL, MEAN_BOX)
    )
    better = {}
    for key, values in usual.items():
        other = mean.get(key, values)
        sign = -1 if key[1].startswith("false") else 1
        better[key] = other if sign * other.mean() > sign * values.mean() else values
    return better


def usual_area(card: Card, finding: str) -> float:
    """Share of the film that people usually box for a finding, as `measure` stored it.

    Of a finding that too few films have boxes of, it is the share of the findings together: their
    sizes differ less than their places do. Of arms where they stand alone, because bone models are
    asked about arms.

    Raises:
        ValueError: it was not measured for this model and finding.
        MethodTableError: the stored table cannot be used.
    """
    rows = load(card.id, "localization")
    rows = rows[(rows["measure"] == AREA) & rows["label"].isin((finding, EVERY))]
    rows = rows.assign(arms=rows["data"].str.endswith(ARMS))
    if rows.empty:
        raise ValueError(
            f"How much of a film {finding!r} usually takes is not known for {card.id}. "
            "Give the share with the rule, such as area:0.1, or choose another rule."
        )
    own = rows[rows["label"] == finding]
    best = (rows if own.empty else own).sort_values(["arms", "films"]).iloc[-1]
    return float(best["value"])


def _groups(study: Study, indices: Sequence[int]) -> dict[tuple[str, str], list[int]]:
    """(data, label) -> positions in `indices`, for those with films enough."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for k, i in enumerate(indices):
        case = study.cases[i]
        found[case.source, case.finding].append(k)
        found[case.source, EVERY].append(k)
        if case.film.facts.get("region") == "arm":
            found[case.source + ARMS, case.finding].append(k)
    kept = {key: chosen for key, chosen in found.items() if len(chosen) >= LEAST_FILMS}
    whole = {tuple(chosen) for (_, label), chosen in kept.items() if label != EVERY}
    return {
        (data, label): chosen
        for (data, label), chosen in kept.items()
        if (label != EVERY or tuple(chosen) not in whole)
        and (not data.endswith(ARMS) or len(chosen) < len(kept[data.removesuffix(ARMS), label]))
    }


def _finding(card: Card, label: str) -> str | None:
    wanted = _FINDINGS.get(label, label).casefold()
    return next((name for name in card.findings if name.casefold() == wanted), None)


def _within(crop: tuple[float, float, float, float] | None, corners: np.ndarray) -> np.ndarray:
    """Boxes in fractions of a crop, those that it shows most of."""
    if crop is None:
        return corners
    low, high = np.array(crop[:2]), np.array(crop[2:])
    clipped = np.concatenate(
        [np.clip(corners[:, :2], low, high), np.clip(corners[:, 2:], low, high)], axis=1
    )
    shown = (clipped[:, 2:] - clipped[:, :2]).prod(axis=1)
    whole = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    inside = clipped[shown >= _LEAST_SHOWN * whole]
    return (inside - np.tile(low, 2)) / np.tile(high - low, 2)

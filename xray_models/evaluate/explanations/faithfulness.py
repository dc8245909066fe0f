"""Faithfulness and sanity of a model's maps, method by method, over held-out films it calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from xray_models import catalogue
from xray_models.catalogue import Card
from xray_models.evaluate.explanations.held_out_films import Explained, HeldOutFilm, Networks
from xray_models.evaluate.explanations.results_table import (
    GAP,
    MethodFigure,
    stacked,
    summarize,
)
from xray_models.evaluate.metrics import localization
from xray_models.evaluate.predictions import held_out_table
from xray_models.explain import MethodSpec, targets
from xray_models.explain.heatmap import Heatmap
from xray_models.explain.metrics import faithfulness
from xray_models.explain.metrics.faithfulness import Drops, Predict, silent
from xray_models.explain.progress import Progress
from xray_models.explain.targets import Target
from xray_models.inference.predict import calibrated
from xray_models.radiograph.preprocess import Placement

__all__ = [
    "BASELINES",
    "DATA",
    "LABEL",
    "Call",
    "Study",
    "calls",
    "figures",
    "measure",
    "over_input",
    "prepare",
    "probability",
    "target_of",
]

BASELINES = ("center", "random")
"""Maps that see no film; gains are measured against the last."""

DATA, LABEL = "held-out films", "findings above their threshold"

_STEPS = 10


@dataclass(frozen=True, eq=False)
class Call:
    """A held-out film with the finding that the model calls there.

    Attributes:
        held: the film and its split.
        finding: the one furthest above its threshold.
    """

    held: HeldOutFilm
    finding: str


def calls(card: Card, held: Sequence[HeldOutFilm], most: int, seed: int = 0) -> list[Call]:
    """Held-out films with a finding above its threshold, by the stored probabilities.

    Args:
        card: of the model.
        held: the films at hand.
        most: no more films than this, drawn at random.
        seed: of the draw.

    Raises:
        TableError: the held-out table cannot be used.
    """
    rows = held_out_table.load(catalogue.table_path(card), card.labels, card.multi_label)
    of_label = dict(
        zip(card.labels, held_out_table.probabilities(rows, card.labels).T, strict=True)
    )
    above = {
        finding: np.sum([of_label[label] for label in card.members(finding)], axis=0) - threshold
        for finding, threshold in card.thresholds.items()
    }
    names, margins = list(above), np.stack(list(above.values()))
    best = {
        image: (names[k], margin)
        for image, k, margin in zip(
            rows["image"], margins.argmax(axis=0), margins.max(axis=0), strict=True
        )
    }
    found = [Call(one, best[one.film.image][0]) for one in held if best[one.film.image][1] >= 0]
    order = np.random.default_rng(seed).permutation(len(found))[:most]
    return [found[i] for i in np.sort(order)]


@dataclass(frozen=True, eq=False)
class Study:
    """What is measured once for all methods.

    Attributes:
        calls: films with their findings.
        drops: what random parts of each film are worth to the model.
        baselines: method -> values per film.
    """

    calls: list[Call]
    drops: list[Drops]
    baselines: dict[str, list[dict[tuple[str, str], float]]]


def prepare(
    card: Card,
    found: Sequence[Call],
    networks: Networks,
    seed: int = 0,
    progress: Progress = silent,
) -> Study:
    """Measure what the films' parts are worth, and the baselines.

    Args:
        card: of the model.
        found: the films.
        networks: which network explains which film.
        seed: of random maps and parts.
        progress: called in films; may raise to stop.
    """
    study = Study(list(found), [], {name: [] for name in BASELINES})
    for i, call in enumerate(study.calls):
        ready = networks.explained(call.held)
        inputs = ready.cache.inputs[0]
        score = _score(ready, target_of(card, call.finding))
        made = faithfulness.drops(score, inputs, faithfulness.blurred(inputs), seed=seed)
        study.drops.append(made)
        shape = inputs.shape[:2]
        maps = {
            "center": localization.center_map(shape),
            "random": localization.random_map(shape, (8, 8), seed + i),
        }
        for name, heat in maps.items():
            study.baselines[name].append(_scores(card, ready, call.finding, heat, made, seed))
        progress(i + 1, len(study.calls))
    return study


def measure(
    card: Card,
    study: Study,
    networks: Networks,
    spec: MethodSpec | str,
    *,
    noise: bool = True,
    seed: int = 0,
    progress: Progress = silent,
) -> list[dict[tuple[str, str], float]]:
    """Every figure of a method on every film.

    Args:
        card: of the model.
        study: the films.
        networks: which network explains which film.
        spec: method and layers, or their text.
        noise: measure stability as well, which makes five maps of each film.
        seed: of methods that draw at random, and of the noise.
        progress: called in films; may raise to stop.

    Raises:
        DataSetError, WeightsError: a film or a network cannot be used.
        ValueError: the method does not fit the model.
    """
    values = []
    for i, call in enumerate(study.calls):
        ready = networks.explained(call.held)
        target = target_of(card, call.finding)
        heat = over_input(ready.heat(target, spec, seed).values, ready.cache.size)
        found = _scores(card, ready, call.finding, heat, study.drops[i], seed)
        if noise:
            again = partial(ready.heat_of, target=target, spec=spec, seed=seed)
            found["", "stability"] = _number(
                faithfulness.stability(again, ready.cache.inputs[0], seed=seed)
            )
        values.append(found)
        progress(i + 1, len(study.calls))
    return values


def figures(
    study: Study,
    method: str,
    values: Sequence[dict[tuple[str, str], float]],
    seen: Callable[[str], bool],
) -> list[MethodFigure]:
    """Means with intervals of a method's values, and their gain over the random map."""
    measured = stacked(values)
    baseline = stacked(study.baselines["random"])
    nothing = np.full(len(values), np.nan)  # stability has no baseline
    return summarize(
        measured,
        {key: baseline.get(key, nothing) for key in measured},
        np.array([call.held.film.group for call in study.calls]),
        data=DATA,
        label=LABEL,
        seen=any(seen(call.held.split) for call in study.calls),
        method=method,
    )


def target_of(card: Card, finding: str) -> Target:
    """What speaks for a finding."""
    return targets.combined(card.labels, card.members(finding))


def over_input(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map on a grid, bilinear over all of the input: float32 in 0..1 of shape `size`."""
    whole = Placement(0, 0, 1, 1, size[1], size[0])
    return Heatmap(heat, whole, (size[0], size[1])).on_radiograph()


def probability(card: Card, finding: str, logits: np.ndarray) -> np.ndarray:
    """Calibrated probability of a finding from logits (films, labels), float64 of (films,)."""
    values = calibrated(logits, card.calibration, card.activation)
    return values[:, np.isin(card.labels, card.members(finding))].sum(axis=1)


def _scores(
    card: Card, ready: Explained, finding: str, heat: np.ndarray, made: Drops, seed: int
) -> dict[tuple[str, str], float]:
    """Every figure but stability."""
    inputs = ready.cache.inputs[0]
    fill = faithfulness.blurred(inputs)

    def predict(batch: np.ndarray) -> np.ndarray:
        return probability(card, finding, ready.cache.predict(batch))

    curves = faithfulness.curves(predict, inputs, heat, fill, steps=_STEPS, seed=seed)
    drop, rose = faithfulness.drop_and_increase(predict, inputs, heat, fill)
    return {
        ("", GAP): curves.insertion_area - curves.deletion_area,
        ("", "insertion area"): curves.insertion_area,
        ("", "deletion area"): curves.deletion_area,
        ("", "average drop"): drop,
        ("", "increase"): rose,
        ("", "MuFidelity"): _number(faithfulness.mu_fidelity(made, heat)),
    }


def _score(ready: Explained, target: Target) -> Predict:
    def score(batch: np.ndarray) -> np.ndarray:
        found: np.ndarray = ready.cache.predict(batch) @ target.vector()
        return found

    return score


def _number(value: float) -> float:
    """An empty map agrees with nothing: it counts as 0, not as missing."""
    return 0.0 if np.isnan(value) else value

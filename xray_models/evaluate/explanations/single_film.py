"""Cost and faithfulness of maps on the one film that is open."""

from __future__ import annotations

import time
import weakref
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xray_models import explain
from xray_models.catalogue import Card
from xray_models.evaluate.explanations.faithfulness import over_input
from xray_models.evaluate.metrics.localization import random_map
from xray_models.explain import Cost, MethodSpec, PassCache, methods
from xray_models.explain.heatmap import Heatmap
from xray_models.explain.metrics import faithfulness
from xray_models.explain.metrics.rank_correlation import rank_correlation
from xray_models.explain.progress import Progress, Stop, Stopped
from xray_models.explain.queries import Query
from xray_models.inference import predict
from xray_models.radiograph import Radiograph

__all__ = [
    "NOISY",
    "SAMPLES",
    "STEPS",
    "FaithfulnessScorer",
    "Scores",
    "TimedMap",
    "agreement",
    "cached",
    "timed_map",
]

STEPS = 10
"""The curves have so many points and one more."""

SAMPLES = 64
"""Random sets of cells for MuFidelity."""

NOISY = 2
"""Copies of the film with noise, each with a pass and a map of its own, for stability."""


@dataclass(frozen=True, eq=False)
class TimedMap:
    """A map and what it took.

    Attributes:
        heatmap: the map.
        seconds: beyond the pass that read the film, with the functions already compiled where
            that could be separated.
        cost: in passes, at most; nothing where what was cached of the film was enough.
    """

    heatmap: Heatmap
    seconds: float
    cost: Cost


_timed: weakref.WeakKeyDictionary[PassCache, set[MethodSpec]] = weakref.WeakKeyDictionary()
"""Specifications whose own time on a film is known."""


@dataclass(frozen=True)
class Scores:
    """Faithfulness of a map on one film; see `explain.metrics.faithfulness` for each score.

    Attributes:
        insertion: area under the insertion curve, higher is better.
        deletion: area under the deletion curve, lower is better.
        drop: share of the probability lost when only what is hot is shown, lower is better.
        mu_fidelity: -1..1, higher is better; NaN for a constant map.
        increase: 1 where showing only what is hot raised the probability, else 0.
        stability: -1..1, rank correlation with the maps of the film under small noise, higher is
            better; NaN for a constant map, None where it was not measured.
    """

    insertion: float
    deletion: float
    drop: float
    mu_fidelity: float
    increase: float | None = None
    stability: float | None = None

    @property
    def gap(self) -> float:
        """Insertion minus deletion, higher is better."""
        return self.insertion - self.deletion


def timed_map(
    card: Card,
    film: Radiograph,
    query: Query,
    spec: MethodSpec | str,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> TimedMap:
    """Make a map and time it.

    A cheap one is made twice, for the first time includes the compilation of what it calls. Another
    label or direction after it takes no pass, where the method has all labels from the same ones.

    Args:
        card: of the model.
        film: the radiograph.
        query: what is asked.
        spec: method, layers and options, or their text.
        progress: called with (passes done, passes in all).
        stop: asked before each batch.

    Raises:
        ValueError: the method does not fit the model.
        Stopped: `stop` returned true.
        WeightsError: the model's weights cannot be used.
    """
    spec = MethodSpec.of(spec)
    if (again := cached(card, film, query, spec)) is not None:
        return again
    target = query.target(card)
    network = predict.network(card)
    cost = methods.passes(network, spec)
    # the pass that read the film is not part of the cost
    cache = explain.pass_cache_of(card, film)
    known = cache.activation(), cache.logits
    began = time.perf_counter()
    heatmap = explain.heat(card, film, target, spec, progress=progress, stop=stop, every_label=True)
    seconds = time.perf_counter() - began
    if not cost.slow:
        fresh = PassCache(lambda: network, cache.inputs, cache.baseline, known)
        began = time.perf_counter()
        explain.maps(fresh, [target], spec)
        seconds = min(seconds, time.perf_counter() - began) or seconds
        _timed.setdefault(cache, set()).add(spec)
    return TimedMap(heatmap, seconds, cost)


def cached(card: Card, film: Radiograph, query: Query, spec: MethodSpec | str) -> TimedMap | None:
    """A map for which what is cached of the film is enough; None where it takes a pass.

    A cheap method must have been timed on this film before: what it shares with other methods, such
    as the gradients of a layer, would else be free for those that come after the first.

    Args:
        card: of the model.
        film: the radiograph.
        query: what is asked.
        spec: method, layers and options, or their text.

    Raises:
        ValueError: the method does not fit the model.
        WeightsError: the model's weights cannot be used.
    """
    spec = MethodSpec.of(spec)
    cache = explain.pass_cache_of(card, film)
    slow = methods.passes(cache.network, spec).slow
    if not slow and spec not in _timed.get(cache, set()):
        return None
    began = time.perf_counter()
    heatmap = explain.cached_heat(card, film, query.target(card), spec)
    if heatmap is None:
        return None
    return TimedMap(heatmap, time.perf_counter() - began, Cost())


class FaithfulnessScorer:
    """Scorer of the faithfulness of maps of one film, model and query.

    What the maps share is computed once.
    """

    def __init__(self, card: Card, film: Radiograph, query: Query, seed: int = 0) -> None:
        """Take the film; nothing is computed yet.

        Args:
            card: of the model.
            film: the radiograph.
            query: what the maps were asked.
            seed: of everything that is drawn at random.

        Raises:
            WeightsError: the model's weights cannot be used.
        """
        self._card, self._query, self._seed = card, query, seed
        self._cache = explain.pass_cache_of(card, film)
        self._inputs = self._cache.inputs[0]
        self._stop: Stop | None = None

    def scores(
        self,
        values: np.ndarray,
        stop: Stop | None = None,
        spec: MethodSpec | str | None = None,
    ) -> Scores:
        """How faithful a map is.

        Args:
            values: in 0..1 on any grid over the network's input.
            stop: asked before each batch.
            spec: what made the map; where it is cheap, stability is measured, too.

        Raises:
            ValueError: unknown method or layer.
            Stopped: `stop` returned true.
        """
        self._stop = stop
        heat = over_input(np.asarray(values, np.float32), self._cache.size)
        curves = faithfulness.curves(
            self._probability, self._inputs, heat, self._fill, STEPS, self._seed
        )
        drop, rose = faithfulness.drop_and_increase(
            self._probability, self._inputs, heat, self._fill
        )
        return Scores(
            curves.insertion_area,
            curves.deletion_area,
            drop,
            faithfulness.mu_fidelity(self._drops, heat),
            rose,
            self._stability(np.asarray(values, np.float32), spec) if spec else None,
        )

    def _stability(self, values: np.ndarray, spec: MethodSpec | str) -> float | None:
        network, baseline = self._cache.network, self._cache.baseline
        if methods.passes(network, MethodSpec.of(spec)).slow:
            return None
        target = self._query.target(self._card)

        def again(inputs: np.ndarray) -> np.ndarray:
            if inputs is self._inputs:
                return values
            if self._stop is not None and self._stop():
                raise Stopped("Stopped before the faithfulness of the map was measured.")
            noisy = PassCache(lambda: network, inputs[None], baseline)
            found: np.ndarray = explain.maps(noisy, [target], spec, stop=self._stop)[0]
            return found

        return faithfulness.stability(again, self._inputs, repeats=NOISY, seed=self._seed)

    def random(self, stop: Stop | None = None) -> Scores:
        """How faithful a map of noise is, for comparison."""
        return self.scores(random_map(self._cache.size, (8, 8), self._seed), stop)

    @cached_property
    def _fill(self) -> np.ndarray:
        return faithfulness.blurred(self._inputs)

    @cached_property
    def _drops(self) -> faithfulness.Drops:
        return faithfulness.drops(
            self._score, self._inputs, self._fill, samples=SAMPLES, seed=self._seed
        )

    def _logits(self, batch: np.ndarray) -> np.ndarray:
        if self._stop is not None and self._stop():
            raise Stopped("Stopped before the faithfulness of the map was measured.")
        return self._cache.predict(batch)

    def _probability(self, batch: np.ndarray) -> np.ndarray:
        return self._query.probability(self._card, self._logits(batch))

    def _score(self, batch: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._logits(batch) @ self._query.target(self._card).vector()
        return found


def agreement(heats: list[np.ndarray]) -> np.ndarray:
    """Rank correlation of each pair of maps, float64 in -1..1, (maps, maps); NaN for constant ones.

    Args:
        heats: maps laid over the film, all of one shape.
    """
    found = np.full((len(heats), len(heats)), np.nan)
    for i, one in enumerate(heats):
        for j in range(i, len(heats)):
            found[i, j] = found[j, i] = rank_correlation(one, heats[j])
    return found

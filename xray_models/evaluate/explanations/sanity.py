"""Sanity checks of a model's maps, method by method: assets/sanity/MODEL.csv.

Columns: method, check ("weights" or "labels"), stage, layer, correlation, similarity, films (of the
check "weights", those with any heat as trained; without one, nothing can be said and is NaN), empty
(of the check "weights", how many of these films' maps have become empty at this stage: each counts
as a correlation of 0). The check "weights" has a row for each stage of the cascade (stage 0 is the
network as trained); the check "labels" has one.

Tables written before `empty` was counted lack that column. They are read all the same: what was not
counted is missing, which is not 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from xray_models import explain, networks
from xray_models.catalogue import Card, assets
from xray_models.evaluate.explanations.faithfulness import Call, over_input, target_of
from xray_models.evaluate.explanations.held_out_films import Networks
from xray_models.explain import MethodSpec
from xray_models.explain.metrics import randomization
from xray_models.explain.metrics.faithfulness import silent
from xray_models.explain.progress import BATCH, Progress
from xray_models.explain.targets import Target
from xray_models.inference import weights as stored_weights

__all__ = ["COLUMNS", "SanityFigure", "check_labels", "check_weights", "load", "path", "save"]


@dataclass(frozen=True)
class SanityFigure:
    """A row of the table; see the top of the file for the columns."""

    method: str
    check: str
    stage: int
    layer: str
    correlation: float
    similarity: float
    films: int
    empty: int | None = None


COLUMNS = tuple(field.name for field in fields(SanityFigure))
_SHUFFLES = 3


def path(model: str) -> Path:
    """Where a model's table lies."""
    return assets() / "sanity" / f"{model}.csv"


def load(model: str) -> pd.DataFrame:
    """A model's stored checks; no rows where none were made.

    Returns:
        A column for each of `COLUMNS`; `empty` is of whole numbers, missing where nobody counted.

    Raises:
        ValueError: the file cannot be read, or lacks another column.
    """
    if not path(model).is_file():
        return _table([])
    table = pd.read_csv(path(model), keep_default_na=True)
    if "empty" not in table.columns:
        table["empty"] = pd.NA
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise ValueError(f"{path(model)}: missing column(s) {', '.join(missing)}. Run it again.")
    return table[list(COLUMNS)].astype({"empty": "Int64"})


def save(model: str, figures: Sequence[SanityFigure]) -> Path:
    """Write checks to a model's table, in place of those of the same methods."""
    new = _table(figures)
    old = load(model)
    stays = old[~old["method"].isin(new["method"])]
    tables = [table for table in (stays, new) if len(table)]
    path(model).parent.mkdir(parents=True, exist_ok=True)
    pd.concat(tables or [new]).to_csv(
        path(model), index=False, float_format="%.4f", lineterminator="\n"
    )
    return path(model)


def _table(figures: Sequence[SanityFigure]) -> pd.DataFrame:
    rows = pd.DataFrame([asdict(figure) for figure in figures], columns=list(COLUMNS))
    return rows.astype({"empty": "Int64"})


def check_weights(
    card: Card,
    calls: Sequence[Call],
    spec: MethodSpec | str,
    stages: int = 8,
    seed: int = 0,
    progress: Progress = silent,
) -> list[SanityFigure]:
    """The cascade of scrambled weights, on the shipped network.

    Args:
        card: of the model.
        calls: films with the findings to explain.
        spec: method and layers, or their text.
        stages: groups of layers.
        seed: of the scrambling and of methods that draw at random.
        progress: called with (stages done, stages in all); may raise to stop.
    """
    films, method = _films(card, calls), str(spec)

    def maps(network: keras.Model) -> np.ndarray:
        return np.stack([_map(network, film, target, spec, seed) for film, target in films])

    found = randomization.cascade(stored_weights.network(card), maps, stages, seed, progress)
    return [
        SanityFigure(
            method,
            "weights",
            i,
            stage.layer,
            stage.correlation,
            stage.similarity,
            stage.maps,
            stage.empty,
        )
        for i, stage in enumerate(found)
    ]


def check_labels(
    card: Card,
    calls: Sequence[Call],
    learned_from: Sequence[Call],
    truth: np.ndarray,
    spec: MethodSpec | str,
    seed: int = 0,
) -> SanityFigure | None:
    """The check of a head refitted on shuffled labels, on the shipped network.

    What is refitted is the last layer, on what it reads itself: pooled features, or those of the
    hidden layers above them. A network with a local map ends in two heads, of which one looks for
    its hottest cell and has no closed form; refitting the other alone would leave maps their
    reasons, so that it is not checked at all.

    Args:
        card: of the model.
        calls: films to explain.
        learned_from: films to refit the head on.
        truth: of these, bool of (films,).
        spec: method and layers, or their text.
        seed: of the shuffling and of methods that draw at random.

    Returns:
        Its row; None where the network does not end in a linear layer.
    """
    shipped = stored_weights.network(card)
    last = shipped.get_layer("logits")
    if not isinstance(last, keras.layers.Dense):
        return None
    inputs = [cache.inputs for cache, _ in _films(card, learned_from)]
    below = keras.Model(shipped.inputs, last.input)
    features = below.predict(np.concatenate(inputs), batch_size=BATCH, verbose=0)
    films = _films(card, calls)
    copy = networks.build(card.architecture, card.input_size, 1)
    for layer in shipped.layers:
        if layer.name != "logits" and layer.get_weights():
            copy.get_layer(layer.name).set_weights(layer.get_weights())

    def maps(head: np.ndarray) -> np.ndarray:
        copy.get_layer("logits").set_weights([head[:, None].astype(np.float32), np.zeros(1)])
        return np.stack([_map(copy, film, Target((1.0,)), spec, seed) for film, _ in films])

    left = randomization.random_labels(features, truth, maps, _SHUFFLES, seed)
    return SanityFigure(str(spec), "labels", 1, "logits", left, float("nan"), len(films))


def _films(card: Card, calls: Sequence[Call]) -> list[tuple[explain.PassCache, Target]]:
    shipped = Networks(card)
    return [(shipped.explained(call.held).cache, target_of(card, call.finding)) for call in calls]


def _map(
    network: keras.Model, film: explain.PassCache, target: Target, spec: MethodSpec | str, seed: int
) -> np.ndarray:
    """A film's map by a network whose weights may just have changed, over all of the input."""
    cache = explain.PassCache(network, film.inputs, film.baseline)
    return over_input(explain.maps(cache, [target], spec, seed=seed)[0], film.size)

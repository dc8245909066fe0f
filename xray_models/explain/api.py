"""Heatmaps on request: any method, layer and target, of a film in a model or of bare inputs."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from xray_models.catalogue import Card
from xray_models.explain import methods
from xray_models.explain.heatmap import Heatmap, normalized
from xray_models.explain.methods.cost import Cost
from xray_models.explain.methods.masks import enlarged
from xray_models.explain.methods.method import Method, Request
from xray_models.explain.pass_cache import NotCached, PassCache
from xray_models.explain.progress import Progress, Stop, Work
from xray_models.explain.targets import Target
from xray_models.inference import predict
from xray_models.radiograph import Radiograph
from xray_models.radiograph.preprocess import resize, scale

__all__ = [
    "FUSIONS",
    "MethodSupport",
    "cached_heat",
    "default_layer",
    "fused",
    "heat",
    "heats",
    "layers",
    "maps",
    "method_supports",
    "pass_cache_of",
]

_pass_caches: weakref.WeakKeyDictionary[Radiograph, dict[str, PassCache]] = (
    weakref.WeakKeyDictionary()
)
_lock = threading.Lock()


@dataclass(frozen=True)
class MethodSupport:
    """A method for a model.

    Attributes:
        fits: whether it can be used.
        why: why not, as a sentence; empty where it can.
        cost: of one label at the layer asked for; nothing where it does not fit.
        slow: worth a button rather than a wait.
        others: what all other labels cost together after that; see `Method.others`.
    """

    method: Method
    fits: bool
    why: str
    cost: Cost
    slow: bool
    others: Cost = field(default_factory=Cost)


def heat(
    card: Card,
    radiograph: Radiograph,
    target: Target,
    method: str = methods.DEFAULT,
    layer: str | None = None,
    layers: Sequence[str] = (),
    **more: Any,
) -> Heatmap:
    """One heatmap of a film in a model. See `heats`."""
    return heats(card, radiograph, [target], method, layer, layers, **more)[0]


def cached_heat(
    card: Card,
    radiograph: Radiograph,
    target: Target,
    method: str = methods.DEFAULT,
    layer: str | None = None,
    layers: Sequence[str] = (),
    **more: Any,
) -> Heatmap | None:
    """The heatmap, if what is kept of the film is enough to draw it; None if it takes a pass.

    What was computed for another label is often enough; see `Method.many_labels`.

    Raises:
        ValueError, WeightsError: as for `heats`.
    """
    cache = pass_cache_of(card, radiograph).at_rest()
    try:
        values = maps(cache, [target], method, layer, layers, **more)[0]
    except NotCached:
        return None
    return Heatmap(values, predict.forward(card, radiograph).placement, card.input_size)


def heats(
    card: Card,
    radiograph: Radiograph,
    targets: Sequence[Target],
    method: str = methods.DEFAULT,
    layer: str | None = None,
    layers: Sequence[str] = (),
    **more: Any,
) -> list[Heatmap]:
    """Heatmaps of a film in a model, one per target.

    Passes through the network are made once per film and kept while the film is in use: another
    label, its negation or a difference costs only what is new.

    Args:
        card: the model.
        radiograph: the film.
        targets: what to explain; see `xray_models.explain.targets`.
        method: id of a method in `METHODS`.
        layer: where to look; the last activation by default.
        layers: several layers to look at, fused into one map; instead of `layer`.
        **more: `fusion`, `progress`, `stop`, `seed`, `every_label` and the method's own options, as
            for `maps`.

    Raises:
        ValueError: unknown method, layer or option, or a method that does not fit the model.
        Stopped: `stop` returned true.
        WeightsError: the model's weights cannot be used.
    """
    found = maps(pass_cache_of(card, radiograph), targets, method, layer, layers, **more)
    placement = predict.forward(card, radiograph).placement
    return [Heatmap(values, placement, card.input_size) for values in found]


def maps(
    cache: PassCache,
    targets: Sequence[Target],
    method: str = methods.DEFAULT,
    layer: str | None = None,
    layers: Sequence[str] = (),
    *,
    fusion: str = "mean",
    progress: Progress | None = None,
    stop: Stop | None = None,
    seed: int = 0,
    every_label: bool = False,
    **options: int | float,
) -> np.ndarray:
    """Maps of an input in a network, one per target.

    Args:
        cache: the input in its network.
        targets: what to explain.
        method: id of a method in `METHODS`.
        layer: where to look; the last activation by default.
        layers: several layers to look at, fused into one map; instead of `layer`.
        fusion: "mean" or "max" of the layers' maps.
        progress: told (passes done, passes in all) after each batch.
        stop: asked before each layer and batch; true stops.
        seed: of the methods that draw at random.
        every_label: other labels will be asked about next. Gradients by a layer are then made of
            all labels together, so that another label or direction takes no pass.
        **options: of the method; see `Method.options`.

    Returns:
        float32 in 0..1, (targets, rows, columns); all zero where nothing speaks for the target.

    Raises:
        ValueError: unknown method, layer, option or fusion, a method that does not fit the network,
            or a target of another network.
        Stopped: `stop` returned true.
    """
    chosen = methods.get(method)
    if layer is not None and layers:
        raise ValueError("Name one layer or several to fuse, not both.")
    vectors = np.stack([target.vector() for target in targets]).astype(np.float32)
    if vectors.shape[1] != cache.network.labels:
        raise ValueError(
            f"The target weighs {vectors.shape[1]} labels; the model has {cache.network.labels}."
        )
    checked = chosen.checked(dict(options))
    places = layers or (layer,)
    for name in places:
        if objection := chosen.objection(cache.network, name):
            raise ValueError(objection)
    work = Work(progress, stop)
    together = every_label and chosen.family == "gradient"
    count = cache.network.labels if together else len(vectors)
    steps = [chosen.passes(cache.network, count, name, **checked).steps for name in places]
    found = []
    for i, name in enumerate(places):
        work.check()
        work.expect(sum(steps[i:]))
        request = Request(
            cache,
            vectors,
            name or cache.default_layer,
            work,
            seed if chosen.random else 0,
            checked,
            together,
        )
        found.append(np.stack([normalized(one) for one in _raw(chosen, request)]))
    return fused(found, fusion) if len(layers) > 1 else found[0]


def _raw(method: Method, asked: Request) -> np.ndarray:
    """The method's maps, those of targets seen before from memory."""
    asked.cache.network.graph.grid(asked.layer)
    if method.family in ("activation", "gradient"):
        return method.run(asked)  # next to nothing, once the gradients are there
    settings = (method.id, asked.layer, asked.seed, tuple(sorted(asked.options.items())))
    return asked.cache.per_vector(
        settings, asked.vectors, lambda new: method.run(replace(asked, vectors=new))
    )


def pass_cache_of(card: Card, radiograph: Radiograph) -> PassCache:
    """A film in a model, kept as long as the film.

    Raises:
        WeightsError: the model's weights cannot be used.
    """
    done = predict.forward(card, radiograph)
    with _lock:
        known = _pass_caches.setdefault(radiograph, {})
        key = f"{card.id}:{card.weights.sha256}"
        if key not in known:
            gray, _ = resize(radiograph.pixels, card.input_size, card.geometry)
            known[key] = PassCache(
                lambda: predict.traced(card),  # released and loaded again as memory allows
                scale(gray, card.scaling, card.mean_std)[None],
                baseline=scale(np.zeros((1, 1), np.float32), card.scaling, card.mean_std),
                known=(done.activation, done.logits),
            )
        return known[key]


def method_supports(card: Card, layer: str | None = None) -> list[MethodSupport]:
    """Every method, whether it fits a model and what it costs there.

    Args:
        card: the model.
        layer: where to look; the last activation by default.

    Raises:
        ValueError: no such layer.
        WeightsError: the model's weights cannot be used.
    """
    network = predict.traced(card)
    if layer is not None:
        network.graph.grid(layer)
    found = []
    for method in methods.METHODS.values():
        why = method.objection(network, layer)
        cost = Cost() if why else method.passes(network, layer=layer)
        others = Cost() if why else method.others(network, layer)
        found.append(MethodSupport(method, not why, why, cost, cost.slow, others))
    return found


def layers(card: Card) -> dict[str, tuple[int, int, int]]:
    """Layers that can be explained -> (rows, columns, channels), from input to output.

    Raises:
        WeightsError: the model's weights cannot be used.
    """
    return predict.traced(card).grids


def default_layer(card: Card) -> str:
    """The layer that is explained where none is named: the last activation.

    Raises:
        WeightsError: the model's weights cannot be used.
    """
    return predict.traced(card).default_layer


FUSIONS = ("mean", "max")


def fused(maps: Sequence[np.ndarray], fusion: str = FUSIONS[0]) -> np.ndarray:
    """Maps of the same targets brought to the finest grid and put together.

    Args:
        maps: one per layer, float32 in 0..1, (targets, rows, columns), each normalized.
        fusion: "mean" of the layers, or "max" (Jiang et al. 2021, doi 10.1109/TIP.2021.3089943).

    Returns:
        float32 in 0..1, (targets, rows, columns) of the finest grid.

    Raises:
        ValueError: unknown fusion.
    """
    if fusion not in FUSIONS:
        raise ValueError(f"There is no fusion {fusion!r}. Known: {', '.join(FUSIONS)}.")
    size = max(one.shape[1] for one in maps), max(one.shape[2] for one in maps)
    stack = np.stack([enlarged(one, size) for one in maps])
    together = stack.mean(axis=0) if fusion == "mean" else stack.max(axis=0)
    return np.stack([normalized(one) for one in together])

"""Interface of the explanations: heatmaps of a film in a model, or of an input in a network."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from xray_models.catalogue import Card
from xray_models.explain import methods
from xray_models.explain.heatmap import Heatmap, normalized
from xray_models.explain.methods.cost import Cost
from xray_models.explain.methods.masks import enlarged
from xray_models.explain.methods.method import Method, Request
from xray_models.explain.methods.spec import MethodSpec
from xray_models.explain.pass_cache import NotCached, PassCache
from xray_models.explain.progress import Progress, Stop, Work
from xray_models.explain.targets import Target
from xray_models.inference import predict
from xray_models.radiograph import Radiograph
from xray_models.radiograph.preprocess import resize, scale

__all__ = [
    "MethodSupport",
    "cached_heat",
    "cached_heats",
    "default_layer",
    "fused",
    "heat",
    "heats",
    "layers",
    "maps",
    "method_support",
    "method_supports",
    "pass_cache_of",
]

_pass_caches: weakref.WeakKeyDictionary[Radiograph, dict[str, PassCache]] = (
    weakref.WeakKeyDictionary()
)
_lock = threading.Lock()


@dataclass(frozen=True)
class MethodSupport:
    """A method at its layers: whether it fits a model, and what it costs there.

    Attributes:
        fits: whether it can be used.
        why: why not, as a sentence; empty where it can.
        cost: of one label at the layers asked for; nothing where it does not fit.
        slow: whether it should start on a button rather than by itself.
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
    spec: MethodSpec | str = methods.DEFAULT,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
    seed: int = 0,
    every_label: bool = False,
) -> Heatmap:
    """One heatmap of a film in a model. Arguments and errors are those of `heats`."""
    (found,) = heats(
        card,
        radiograph,
        [target],
        spec,
        progress=progress,
        stop=stop,
        seed=seed,
        every_label=every_label,
    )
    return found


def cached_heat(
    card: Card,
    radiograph: Radiograph,
    target: Target,
    spec: MethodSpec | str = methods.DEFAULT,
    *,
    seed: int = 0,
) -> Heatmap | None:
    """The heatmap, if what is cached of the film is enough to draw it; None if it takes a pass.

    What was computed for another label is often enough; see `Method.many_labels`.

    Raises:
        ValueError, WeightsError: as for `heats`.
    """
    found = cached_heats(card, radiograph, [target], spec, seed=seed)
    return None if found is None else found[0]


def cached_heats(
    card: Card,
    radiograph: Radiograph,
    targets: Sequence[Target],
    spec: MethodSpec | str = methods.DEFAULT,
    *,
    seed: int = 0,
) -> list[Heatmap] | None:
    """Heatmaps of several targets, if what is cached of the film is enough to draw them all.

    Arguments and errors are those of `cached_heat`.
    """
    cache = pass_cache_of(card, radiograph).at_rest()
    try:
        values = maps(cache, targets, spec, seed=seed)
    except NotCached:
        return None
    placement = predict.forward(card, radiograph).placement
    return [Heatmap(one, placement, card.input_size) for one in values]


def heats(
    card: Card,
    radiograph: Radiograph,
    targets: Sequence[Target],
    spec: MethodSpec | str = methods.DEFAULT,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
    seed: int = 0,
    every_label: bool = False,
) -> list[Heatmap]:
    """Heatmaps of a film in a model, one per target.

    Passes through the network are made once per film and cached while the film is in use: another
    label, its negation or a difference costs only what is new.

    Args:
        card: the model.
        radiograph: the film.
        targets: what to explain; see `xray_models.explain.targets`.
        spec: method, layers, options and fusion, or their text such as "layercam@block6a"; see
            `MethodSpec`.
        progress: called with (passes done, passes in all) after each batch.
        stop: asked before each layer and batch; true stops.
        seed: of the methods that draw at random.
        every_label: other labels will be asked about next; see `maps`.

    Raises:
        ValueError: unknown method, layer or option, or a method that does not fit the model.
        Stopped: `stop` returned true.
        WeightsError: the model's weights cannot be used.
    """
    found = maps(
        pass_cache_of(card, radiograph),
        targets,
        spec,
        progress=progress,
        stop=stop,
        seed=seed,
        every_label=every_label,
    )
    placement = predict.forward(card, radiograph).placement
    return [Heatmap(values, placement, card.input_size) for values in found]


def maps(
    cache: PassCache,
    targets: Sequence[Target],
    spec: MethodSpec | str = methods.DEFAULT,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
    seed: int = 0,
    every_label: bool = False,
) -> np.ndarray:
    """Maps of an input in a network, one per target.

    Args:
        cache: the input in its network.
        targets: what to explain.
        spec: method, layers, options and fusion, or their text; see `MethodSpec`.
        progress: called with (passes done, passes in all) after each batch.
        stop: asked before each layer and batch; true stops.
        seed: of the methods that draw at random.
        every_label: other labels will be asked about next. Gradients by a layer are then made of
            all labels at once, so that another label or direction takes no pass.

    Returns:
        float32 in 0..1, (targets, rows, columns); all zero where nothing speaks for the target.

    Raises:
        ValueError: unknown method, layer, option or fusion, a method that does not fit the network,
            or a target of another network.
        Stopped: `stop` returned true.
    """
    spec = MethodSpec.of(spec)
    method = methods.get(spec.method)
    vectors = np.stack([target.vector() for target in targets]).astype(np.float32)
    if vectors.shape[1] != cache.network.labels:
        raise ValueError(
            f"The target weighs {vectors.shape[1]} labels; the model has {cache.network.labels}."
        )
    options = method.checked(dict(spec.options))
    if objection := methods.objection(cache.network, spec):
        raise ValueError(objection)
    work = Work(progress, stop)
    at_once = every_label and method.family == "gradient"
    count = cache.network.labels if at_once else len(vectors)
    steps = [method.passes(cache.network, count, name, options).steps for name in spec.places]
    found = []
    for i, name in enumerate(spec.places):
        work.check()
        work.expect(sum(steps[i:]))
        request = Request(
            cache,
            vectors,
            name or cache.default_layer,
            work,
            seed if method.random else 0,
            options,
            at_once,
        )
        found.append(np.stack([normalized(one) for one in _raw(method, request)]))
    return fused(found, spec.fusion) if len(found) > 1 else found[0]


def _raw(method: Method, asked: Request) -> np.ndarray:
    """The method's maps, those of targets seen before from memory."""
    asked.cache.network.grid(asked.layer)
    if method.family in ("activation", "gradient"):
        return method.run(asked)  # next to nothing, once the gradients are there
    settings = (method.id, asked.layer, asked.seed, tuple(sorted(asked.options.items())))
    return asked.cache.per_vector(
        settings, asked.vectors, lambda new: method.run(replace(asked, vectors=new))
    )


def pass_cache_of(card: Card, radiograph: Radiograph) -> PassCache:
    """The pass cache of a film in a model; it lives as long as the film.

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
                lambda: predict.network(card),  # released and loaded again as memory allows
                scale(gray, card.scaling, card.mean_std)[None],
                baseline=scale(np.zeros((1, 1), np.float32), card.scaling, card.mean_std),
                known=(done.activation, done.logits),
                fronts=done.fronts,
            )
        return known[key]


def method_support(card: Card, spec: MethodSpec | str) -> MethodSupport:
    """A method at its layers: whether it fits a model and what it costs there.

    Raises:
        ValueError: no such method, layer or option.
        WeightsError: the model's weights cannot be used.
    """
    spec = MethodSpec.of(spec)
    method, network = methods.get(spec.method), predict.network(card)
    for layer in spec.layers:
        network.grid(layer)
    options = method.checked(dict(spec.options))
    if why := methods.objection(network, spec):
        return MethodSupport(method, False, why, Cost(), False)
    cost = methods.passes(network, spec)
    others = sum((method.others(network, name, options) for name in spec.places), start=Cost())
    return MethodSupport(method, True, "", cost, cost.slow, others)


def method_supports(card: Card, layer: str | None = None) -> list[MethodSupport]:
    """Every method, whether it fits a model and what it costs there.

    Args:
        card: the model.
        layer: where to look; the last activation by default.

    Raises:
        ValueError: no such layer.
        WeightsError: the model's weights cannot be used.
    """
    at = () if layer is None else (layer,)
    return [method_support(card, MethodSpec(method, at)) for method in methods.METHODS]


def layers(card: Card) -> dict[str, tuple[int, int, int]]:
    """Layers of a model that can be explained -> (rows, columns, channels), from input to output.

    Raises:
        WeightsError: the model's weights cannot be used.
    """
    return predict.network(card).grids


def default_layer(card: Card) -> str:
    """Default layer of a model, explained where none is named: the last activation.

    Raises:
        WeightsError: the model's weights cannot be used.
    """
    return predict.network(card).default_layer


def fused(maps: Sequence[np.ndarray], fusion: str = "mean") -> np.ndarray:
    """Fusion of maps of the same targets, on the finest of their grids.

    Args:
        maps: one per layer, float32 in 0..1, (targets, rows, columns), each normalized.
        fusion: one of `FUSIONS`.

    Returns:
        float32 in 0..1, (targets, rows, columns) of the finest grid.

    """
    size = max(one.shape[1] for one in maps), max(one.shape[2] for one in maps)
    stack = np.stack([enlarged(one, size) for one in maps])
    joined = stack.max(axis=0) if fusion == "max" else stack.mean(axis=0)
    return np.stack([normalized(one) for one in joined])

"""An explanation method, its options, and a request to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from xray_models.explain.methods.cost import Cost
from xray_models.explain.progress import Work

if TYPE_CHECKING:
    from xray_models.explain.pass_cache import PassCache
    from xray_models.inference.network import Network

__all__ = ["Method", "Option", "Request"]


@dataclass(frozen=True)
class Option:
    """A number that a method can be given.

    Attributes:
        default: of the same kind (int or float) as what is given.
        low: least value that makes sense.
        high: greatest value that makes sense.
    """

    name: str
    default: int | float
    low: int | float
    high: int | float
    help: str


@dataclass(frozen=True, eq=False)
class Request:
    """A request to a method: of which input, which targets, at which layer, with which options.

    Attributes:
        vectors: float32, (targets, labels): weights of the logits.
        options: every option of the method, checked.
        every_label: others will be asked about next; see `PassCache.gradients`.
    """

    cache: PassCache
    vectors: np.ndarray
    layer: str
    work: Work
    seed: int
    options: dict[str, Any]
    every_label: bool = False


@dataclass(frozen=True)
class Method:
    """A method that draws heatmaps.

    Attributes:
        id: name in links and commands.
        summary: a sentence for people.
        reference: the paper.
        family: "activation", "gradient", "perturbation" or "pixel".
        run: request -> float32, (targets, rows, columns), positive for the target.
        plan: (network, targets, layer, options) -> cost.
        needs_gradient: reads gradients (none is computed under a pooled linear head).
        needs_linear_head: only for a layer that is pooled and read by a linear head.
        needs_relu: only for networks with ReLU and no other curve.
        depends_on_target: whether different targets give different maps.
        signed: whether the negated target gives another map.
        many_labels: all labels come from the same passes; see `others` for what those cost.
        layered: a layer can be chosen.
        random: reads the seed.
    """

    id: str
    name: str
    summary: str
    reference: str
    family: str
    run: Callable[[Request], np.ndarray]
    plan: Callable[[Network, int, str, dict[str, Any]], Cost]
    needs_gradient: bool = False
    needs_linear_head: bool = False
    needs_relu: bool = False
    depends_on_target: bool = True
    signed: bool = True
    many_labels: bool = True
    layered: bool = True
    random: bool = False
    options: tuple[Option, ...] = field(default=())

    def passes(
        self,
        network: Network,
        targets: int = 1,
        layer: str | None = None,
        options: Mapping[str, int | float] | None = None,
    ) -> Cost:
        """Cost of the maps of some targets at a layer, at most.

        Raises:
            ValueError: unknown option or layer.
        """
        return self.plan(network, targets, layer or network.default_layer, self.checked(options))

    def others(
        self,
        network: Network,
        layer: str | None = None,
        options: Mapping[str, int | float] | None = None,
    ) -> Cost:
        """Cost of the other labels of a film together at most, once one of them was explained.

        Where `many_labels` says that all come from the same passes, these are made for the first
        other label, and those after it are free.

        Raises:
            ValueError: unknown option or layer.
        """
        one, every = (
            self.passes(network, targets, layer, options) for targets in (1, network.labels)
        )
        return Cost(
            every.forward - one.forward, every.backward - one.backward, every.steps - one.steps
        )

    def checked(self, options: Mapping[str, int | float] | None = None) -> dict[str, Any]:
        """Every option of the method, the given ones over the defaults.

        Raises:
            ValueError: the method has no such option, or its value makes no sense.
        """
        options = options or {}
        known = {option.name: option for option in self.options}
        for name, value in options.items():
            if name not in known:
                has = f"has {', '.join(known)}" if known else "has none"
                raise ValueError(f"{self.name} has no option {name!r}; it {has}.")
            option = known[name]
            if not option.low <= value <= option.high:
                raise ValueError(
                    f"{name} of {self.name} is {value}; it must lie between {option.low} and "
                    f"{option.high}."
                )
        return {
            name: type(option.default)(options.get(name, option.default))
            for name, option in known.items()
        }

    def objection(self, network: Network, layer: str | None = None) -> str:
        """Reason why the method does not fit a network, as a sentence; empty where it does."""
        pooled = network.pooled
        if self.needs_linear_head and pooled is None:
            return f"{self.name} needs a linear head on pooled channels, which this model lacks."
        if self.needs_linear_head and layer not in (None, pooled):
            return f"{self.name} only reads {pooled}, the layer in front of the pooling."
        if self.needs_relu and not network.guided:
            return f"{self.name} is for networks whose only curve is ReLU; this one has others."
        if layer is not None and not self.layered:
            return f"{self.name} draws on the film's pixels: no layer can be chosen for it."
        return ""

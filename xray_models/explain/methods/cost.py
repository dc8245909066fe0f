"""The cost of a map, in passes beyond the one that read the film."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xray_models.explain.methods.occlusion import patches

if TYPE_CHECKING:
    from xray_models.inference.network import Network

__all__ = ["Cost"]

_SLOW = 8.0


@dataclass(frozen=True)
class Cost:
    """The cost of a map beyond the pass that read the film, at most.

    Attributes:
        forward: forward passes of the whole network.
        backward: backward passes of the whole network.
        steps: of progress: inputs and targets that go in batches through the network or the part
            of it above a layer.
    """

    forward: float = 0.0
    backward: float = 0.0
    steps: int = field(default=0, compare=False)

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.forward + other.forward, self.backward + other.backward, self.steps + other.steps
        )

    @property
    def total(self) -> float:
        """Cost in forward passes; a backward pass takes about as long as two."""
        return self.forward + 2 * self.backward

    @property
    def slow(self) -> bool:
        """Whether the cost is high enough to ask before it is spent."""
        return self.total > _SLOW


def _inner(network: Network, layer: str) -> float:
    """1 for a layer that the pass that read the film did not keep, else 0."""
    network.grid(layer)
    return float(layer != network.default_layer)


def _read(network: Network, layer: str) -> float:
    """Passes until the part above a layer can be run: its activation, and what goes around it."""
    around = network.head is None and network.goes_around(layer)
    return max(_inner(network, layer), float(around))


def _pooled(network: Network, layer: str) -> bool:
    """Whether a linear head reads the mean of the layer, so that nothing need be run above it."""
    return layer == network.pooled


def _activation(network: Network, _targets: int, layer: str, _options: dict[str, Any]) -> Cost:
    return Cost(_inner(network, layer))


def _backward(network: Network, targets: int, layer: str, _options: dict[str, Any]) -> Cost:
    # at most: only the part above the layer is run; above the last activation that is next to none
    inner = _inner(network, layer)
    steps = targets * (not _pooled(network, layer))
    return Cost(_read(network, layer) + inner * targets, inner * targets, steps)


def _channels(network: Network, _targets: int, layer: str, _options: dict[str, Any]) -> Cost:
    inner, channels = _inner(network, layer), network.grids[layer][2]
    steps = channels * (not _pooled(network, layer))
    # with all, and without each
    return Cost(_read(network, layer) + inner * (1 + channels), steps=steps)


def _score(network: Network, _targets: int, layer: str, options: dict[str, Any]) -> Cost:
    inner, channels = _inner(network, layer), network.grids[layer][2]
    steps = min(options["top"] or channels, channels)
    return Cost(inner + steps, steps=steps)


def _masks(_network: Network, _targets: int, _layer: str, options: dict[str, Any]) -> Cost:
    return Cost(options["masks"], steps=options["masks"])


def _patches(network: Network, _targets: int, _layer: str, options: dict[str, Any]) -> Cost:
    height, width, _ = network.input_shape
    steps = len(patches((height, width), options["patch"], options["stride"]))
    return Cost(steps, steps=steps)


def _each(name: str) -> Any:
    def plan(_network: Network, targets: int, _layer: str, options: dict[str, Any]) -> Cost:
        steps = targets * options[name]
        return Cost(steps, steps, steps)

    return plan


def _once(_network: Network, targets: int, _layer: str, _options: dict[str, Any]) -> Cost:
    return Cost(targets, targets, targets)


def _once_and_backward(network: Network, targets: int, layer: str, options: dict[str, Any]) -> Cost:
    above = _backward(network, targets, layer, options)
    # the gradient is taken at one go, the guided ones in batches
    return Cost(above.forward + targets, above.backward + targets, targets)

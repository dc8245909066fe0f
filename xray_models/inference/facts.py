"""Facts of a network: what can be known of it without running it, and without TensorFlow."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

__all__ = ["Facts"]


@dataclass(frozen=True)
class Facts:
    """Facts of a network; see `Network` for those of the same name.

    Attributes:
        bypassed: layers that something goes around.
        fronts: layer -> places, among the outputs of the pass that reads a film, of its activation
            and of what else crosses the cut there.
        gradients: layers by which gradients are to be had.
    """

    labels: int
    default_layer: str
    input_shape: tuple[int, int, int]
    grids: dict[str, tuple[int, int, int]]
    pooled: str | None
    guided: bool
    bypassed: tuple[str, ...]
    fronts: dict[str, tuple[int, ...]]
    gradients: tuple[str, ...]

    def to_json(self) -> bytes:
        """The facts as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Facts:
        """The facts from JSON.

        Raises:
            ValueError: it is something else.
        """
        raw = json.loads(content)
        if not isinstance(raw, dict) or set(raw) != {one.name for one in fields(cls)}:
            raise ValueError("These are no facts of a network.")
        return cls(**{name: _tuples(value) for name, value in raw.items()})


def _tuples(value: Any) -> Any:
    """JSON has lists only."""
    if isinstance(value, dict):
        return {name: _tuples(one) for name, one in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value

"""A network that does not run: what can be drawn from what is kept, and what would cost a pass."""

from __future__ import annotations

from typing import Any, NoReturn

from xray_models.tracing import Traced


class NotKept(RuntimeError):
    """What is asked for is not kept: it takes a pass through the network."""


class AtRest(Traced):
    """The functions of a network, each way into it closed; what it is can still be asked."""

    def __init__(self, network: Traced) -> None:  # nothing is traced anew
        """Take a network, whose own facts are asked."""
        self._network = network

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def forward(self, *_: Any) -> NoReturn:
        """Raises NotKept."""
        raise NotKept("Reading the film again takes a pass through the network.")

    def cut(self, *_: Any) -> NoReturn:
        """Raises NotKept."""
        raise NotKept("Looking into a layer takes a pass through the network.")

    def input_gradient(self, *_: Any, **__: Any) -> NoReturn:
        """Raises NotKept."""
        raise NotKept("The gradient of the film takes a pass through the network.")

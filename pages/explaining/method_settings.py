"""How a map is made: by which method, at which layers, with what settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pages.explaining import queries

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.explain import MethodSupport
    from xray_models.explain.heatmap import Heatmap
    from xray_models.explain.progress import Progress, Stop
    from xray_models.explain.queries import Query
    from xray_models.radiograph import Radiograph

__all__ = ["SETTINGS", "Setting", "Way"]


class Setting(NamedTuple):
    """The number on which the cost of a slow method hangs.

    Attributes:
        option: of the method, as `xray_models.explain` knows it.
        title: of its menu.
        one: a value in words.
        values: worth a choice, the default among them.
    """

    option: str
    title: str
    one: str
    values: tuple[int, ...]

    def words(self, value: float) -> str:
        """A value in a menu."""
        # Score-CAM takes 0 for every channel
        return self.one.format("all" if value == 0 else f"{value:,}")


SETTINGS = {
    "score-cam": Setting("top", "Channels that vary most", "{} channels", (16, 64, 128, 256, 0)),
    "smoothgrad": Setting("samples", "Noisy copies", "{} copies", (4, 8, 16, 32, 64)),
    "integrated-gradients": Setting("steps", "Steps", "{} steps", (8, 16, 32, 64, 128)),
    "occlusion": Setting("stride", "Step of the patch", "{} px", (8, 16, 32)),
    "rise": Setting("masks", "Random masks", "{} masks", (100, 250, 500, 1000, 2000, 4000)),
}
"""Method -> what can be set on a page."""


class Way(NamedTuple):
    """A way to make a map.

    Attributes:
        method: id of the method.
        layers: to look at, several are fused; none for the method's own.
        settings: (option, value) where it is not the default.
        fusion: of several layers, "mean" or "max".
    """

    method: str
    layers: tuple[str, ...] = ()
    settings: tuple[tuple[str, int], ...] = ()
    fusion: str = "mean"

    @property
    def layer(self) -> str | None:
        """What was measured of it is stored under this name; of fused layers nothing is."""
        return " + ".join(self.layers) or None

    @property
    def id(self) -> str:
        """For a file: "score-cam@block6a_expand_activation, top=64"."""
        fused = f", fused by {self.fusion}" if len(self.layers) > 1 else ""
        message = "".join(f", {name}={value}" for name, value in self.settings)
        return f"{self.method}{f'@{self.layer}' if self.layers else ''}{fused}{message}"

    @property
    def words(self) -> str:
        """For a title: "Score-CAM at block6a_expand_activation, 64 channels"."""
        from xray_models.explain import METHODS

        at = f" at {self.layer}" if self.layers else ""
        fused = f", fused by {self.fusion}" if len(self.layers) > 1 else ""
        message = "".join(f", {SETTINGS[self.method].words(value)}" for _, value in self.settings)
        return f"{METHODS[self.method].name}{at}{fused}{message}"

    def support(self, card: Card) -> MethodSupport:
        """What it costs for one label of a model: the passes of all its layers."""
        from xray_models.explain import Cost
        from xray_models.inference import predict

        found = queries.method_supports(card)[self.method]
        network = predict.traced(card)
        each = [
            found.method.passes(network, layer=layer, **dict(self.settings))
            for layer in self.layers or (None,)
        ]
        cost = Cost(sum(one.forward for one in each), sum(one.backward for one in each))
        return replace(found, cost=cost, slow=cost.slow)

    def heat(
        self,
        card: Card,
        film: Radiograph,
        query: Query,
        progress: Progress | None,
        stop: Stop | None,
    ) -> Heatmap:
        """Make the map, and what makes those of other labels and directions free."""
        from xray_models import explain

        return explain.heat(
            card,
            film,
            query.target(card),
            self.method,
            progress=progress,
            stop=stop,
            every_label=True,
            **self._asked,
        )

    def cached(self, card: Card, film: Radiograph, query: Query) -> Heatmap | None:
        """The map, if it takes no pass: another label left all that it needs."""
        from xray_models import explain

        return explain.cached_heat(card, film, query.target(card), self.method, **self._asked)

    @property
    def _asked(self) -> dict[str, Any]:
        return {"layers": self.layers, "fusion": self.fusion, **dict(self.settings)}

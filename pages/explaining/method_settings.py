"""Settings of slow methods that a page offers, and a specification in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from xray_models.explain import MethodSpec

__all__ = ["SETTINGS", "Setting", "spoken", "title"]


class Setting(NamedTuple):
    """Menu of the number on which the cost of a slow method hangs.

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


def title(spec: MethodSpec) -> str:
    """A specification in a title: "Score-CAM at block6a_expand_activation, 64 channels"."""
    from xray_models.explain import METHODS

    at = f" at {spec.layer}" if spec.layers else ""
    fused = f", fused by {spec.fusion}" if len(spec.layers) > 1 else ""
    options = "".join(f", {SETTINGS[spec.method].words(value)}" for _, value in spec.options)
    return f"{METHODS[spec.method].name}{at}{fused}{options}"


def spoken(spec: MethodSpec) -> str:
    """A specification as people say it: "LayerCAM, finer layer"; `title` has the layers' names."""
    from xray_models.explain import METHODS

    method = METHODS[spec.method]
    if not method.layered:
        return method.name
    if len(spec.layers) > 1:
        return f"{method.name}, {len(spec.layers)} layers fused"
    return f"{method.name}, {'finer' if spec.layers else 'last'} layer"

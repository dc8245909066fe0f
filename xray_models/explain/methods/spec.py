"""The specification of a map: method, layers, options and fusion, and the text that names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xray_models.catalogue import Card

__all__ = ["FUSIONS", "MethodSpec"]

FUSIONS = ("mean", "max")
"""How the maps of several layers become one (Jiang et al. 2021, doi 10.1109/TIP.2021.3089943)."""

_FUSED = "fused by "


@dataclass(frozen=True)
class MethodSpec:
    """A method with the layers that it looks at and the options that differ from its defaults.

    Its text is METHOD, METHOD@LAYER, or with everything
    "METHOD@LAYER + LAYER, fused by max, OPTION=NUMBER, OPTION=NUMBER".

    Attributes:
        method: id of a method in `METHODS`; not checked here.
        layers: to look at, several are fused; none for the last activation.
        options: (name, value), sorted by name; those left out are the method's defaults.
        fusion: of several layers, one of `FUSIONS`; "mean" where there is nothing to fuse.
    """

    method: str
    layers: tuple[str, ...] = ()
    options: tuple[tuple[str, int | float], ...] = ()
    fusion: str = "mean"

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise ValueError(f"There is no fusion {self.fusion!r}. Known: {', '.join(FUSIONS)}.")
        # what makes the same map is equal
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "options", tuple(sorted(self.options)))
        if len(self.layers) < 2:
            object.__setattr__(self, "fusion", FUSIONS[0])

    @classmethod
    def parse(cls, text: str) -> MethodSpec:
        """A specification from its text; the inverse of `str`.

        Raises:
            ValueError: the text names no method or no layer after "@", or ends in what is neither
                a fusion nor OPTION=NUMBER.
        """
        named, *rest = text.split(", ")
        method, at, layers = named.partition("@")
        places = tuple(layers.split(" + ")) if at else ()
        if not method or not all(places):
            raise ValueError(f"{text!r} is neither METHOD nor METHOD@LAYER, such as grad-cam.")
        fusion = FUSIONS[0]
        options = []
        for part in rest:
            if part.startswith(_FUSED):
                fusion = part.removeprefix(_FUSED)
            else:
                options.append(_option(part))
        return cls(method, places, tuple(options), fusion)

    @classmethod
    def of(cls, spec: MethodSpec | str) -> MethodSpec:
        """A specification as it is, or from its text.

        Raises:
            ValueError: as for `parse`.
        """
        return cls.parse(spec) if isinstance(spec, str) else spec

    @classmethod
    def of_card(cls, card: Card) -> MethodSpec:
        """The specification that a model's card chose by measurement."""
        layer = card.explanation.layer
        return cls(card.explanation.method, (layer,) if layer else ())

    @property
    def places(self) -> tuple[str | None, ...]:
        """Its layers, at least one; None stands for the last activation."""
        return self.layers or (None,)

    @property
    def layer(self) -> str:
        """Its layers in a line, such as "early + late"; empty for the last activation."""
        return " + ".join(self.layers)

    @property
    def name(self) -> str:
        """METHOD or METHOD@LAYER, without options and fusion: what figures are stored under."""
        return f"{self.method}@{self.layer}" if self.layers else self.method

    def __str__(self) -> str:
        fused = [f"{_FUSED}{self.fusion}"] if len(self.layers) > 1 else []
        return ", ".join([self.name, *fused, *(f"{name}={value}" for name, value in self.options)])


def _option(text: str) -> tuple[str, int | float]:
    name, _, value = text.partition("=")
    try:
        number = float(value)
        return name, int(value) if value.lstrip("-").isdigit() else number
    except ValueError:
        raise ValueError(
            f"An option is a name and a number, such as masks=500, not {text!r}."
        ) from None

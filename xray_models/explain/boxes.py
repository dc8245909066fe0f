"""Boxes from heat: threshold, connected components, several boxes in pixels of the film.

No network here learned to draw boxes: a box says where the heat is, not where a disease ends. The
method is that of Wang et al. 2017 (arXiv:1705.02315, section 4.2): threshold the map, take
connected components, put a box around each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

__all__ = ["RULES", "Box", "Rule", "array", "from_heat", "on_grid", "parse_rule", "threshold"]

RULES = ("fraction", "otsu", "area")
_BINS = 256
_EIGHT_NEIGHBORS = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Box:
    """A box around hot pixels, or one drawn by a person.

    Attributes:
        label: what the heat speaks for.
        x, y: upper left corner, in pixels of the film.
        width, height: in pixels of the film, above 0.
        score: highest heat inside, in 0..1 of the map's range; None where no heat made the box.
        mass: share of all heat of the film that lies in the box's component, in 0..1; or None.
    """

    label: str
    x: float
    y: float
    width: float
    height: float
    score: float | None = None
    mass: float | None = None

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """Corners (x0, y0, x1, y1) in pixels of the film."""
        return self.x, self.y, self.x + self.width, self.y + self.height


@dataclass(frozen=True)
class Rule:
    """A rule for which pixels count as hot.

    Attributes:
        name: "fraction" (at least `value` times the hottest pixel), "otsu" (Otsu 1979, doi
            10.1109/TSMC.1979.4310076) or "area" (the hottest `value` of the film's area).
        value: fraction of the maximum, or share of the film's area, above 0 and at most 1. None
            with "otsu"; with "area" None means the usual area of the label, to be filled in by
            `with_area`.
    """

    name: str = "fraction"
    value: float | None = 0.5

    def __post_init__(self) -> None:
        if self.name not in RULES:
            raise ValueError(f"There is no box rule {self.name!r}. Rules: {', '.join(RULES)}.")
        if self.name == "otsu" and self.value is not None:
            raise ValueError("The box rule 'otsu' takes no number: write it alone.")
        if self.name == "fraction" and self.value is None:
            raise ValueError("The box rule 'fraction' needs a number, such as fraction:0.5.")
        if self.value is not None and not 0 < self.value <= 1:
            raise ValueError(
                f"The number of the box rule {self.name!r} is {self.value:g}; "
                "it must be above 0 and at most 1."
            )

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}:{self.value:g}"

    def with_area(self, share: float) -> Rule:
        """The rule itself, but "area" without a number gets the usual share of a label."""
        return Rule("area", share) if self == Rule("area", None) else self


def parse_rule(text: str) -> Rule:
    """A rule from "fraction:0.5", "otsu", "area:0.1" or "area".

    Raises:
        ValueError: no such rule, or a number that does not fit.
    """
    name, colon, number = text.strip().partition(":")
    if not colon:
        return Rule(name, 0.5 if name == "fraction" else None)
    try:
        value = float(number)
    except ValueError:
        raise ValueError(
            f"The box rule {text!r} has no number after the colon. Write it like fraction:0.5."
        ) from None
    return Rule(name, value)


def threshold(heat: np.ndarray, rule: Rule) -> float:
    """The least heat that counts as hot; never 0, because no heat is not hot.

    Args:
        heat: finite, not negative, (height, width).
        rule: which pixels are hot.

    Returns:
        A heat above 0; infinity where the map is empty, or where "otsu" finds no two classes.

    Raises:
        ValueError: the rule is "area" without a share.
    """
    top = float(heat.max(initial=0.0))
    if top <= 0:
        return float("inf")
    least = float(np.nextafter(np.float32(0), np.float32(1)))
    if rule.name == "fraction":
        assert rule.value is not None
        return max(rule.value * top, least)
    if rule.name == "otsu":
        return max(_otsu(heat, top), least)
    if rule.value is None:
        raise ValueError("The box rule 'area' needs a share of the film, such as area:0.1.")
    # the pixels that the share has room for, at least one
    count = max(1, int(rule.value * heat.size))
    return max(float(np.partition(heat.ravel(), heat.size - count)[heat.size - count]), least)


def from_heat(
    heat: np.ndarray,
    label: str,
    rule: Rule | None = None,
    size: tuple[int, int] | None = None,
    most: int = 5,
    least_mass: float = 0.05,
) -> tuple[Box, ...]:
    """Boxes around the hot components of a map, the one with most heat first.

    Args:
        heat: float in 0..1, (height, width), laid over the whole film: `Heatmap.on_radiograph`.
        label: what the heat speaks for.
        rule: which pixels are hot; half of the maximum by default.
        size: (height, width) of the film in pixels, where the map is smaller than the film.
        most: no more boxes than this.
        least_mass: a component with a smaller share of the hot heat gets no box, in 0..1; the one
            with most heat always does.

    Returns:
        Boxes in pixels of the film; none where the map is empty or the rule finds nothing hot.

    Raises:
        ValueError: the map is not two-dimensional, not finite or negative somewhere.
    """
    heat = np.asarray(heat, np.float32)
    if heat.ndim != 2 or not np.isfinite(heat).all() or (heat < 0).any():
        raise ValueError("Boxes need a map of shape (height, width) of finite heat, 0 or more.")
    least = threshold(heat, rule or Rule())
    components, count = ndimage.label(heat >= least, _EIGHT_NEIGHBORS)
    if not count:
        return ()
    height, width = size or heat.shape
    scale_y, scale_x = height / heat.shape[0], width / heat.shape[1]
    numbers = np.arange(1, count + 1)
    heats = ndimage.sum_labels(heat, components, numbers)
    masses = heats / heat.sum(dtype=np.float64)
    # a peak may hold little of all heat, and is still what the map points at
    cached = (heats >= least_mass * heats.sum()) | (heats == heats.max())
    inside = components > 0
    peaks = np.zeros(count, heat.dtype)
    np.maximum.at(peaks, components[inside] - 1, heat[inside])
    found = [
        Box(
            label,
            columns.start * scale_x,
            rows.start * scale_y,
            (columns.stop - columns.start) * scale_x,
            (rows.stop - rows.start) * scale_y,
            score=float(peak),
            mass=float(mass),
        )
        for (rows, columns), peak, mass, keep in zip(
            ndimage.find_objects(components), peaks, masses, cached, strict=True
        )
        if keep
    ]
    return tuple(sorted(found, key=lambda box: -(box.mass or 0.0))[:most])


def array(boxes: Sequence[Box]) -> np.ndarray:
    """Corners of boxes, float64 of shape (boxes, 4): x0, y0, x1, y1."""
    return np.array([box.corners for box in boxes], np.float64).reshape(-1, 4)


def on_grid(
    boxes: Sequence[Box], shape: tuple[int, int], other: tuple[int, int]
) -> tuple[Box, ...]:
    """The same boxes in pixels of another grid of the film, such as that of its file.

    Args:
        boxes: in pixels of a grid.
        shape: (height, width) of that grid.
        other: (height, width) of the grid that is wanted.
    """
    down, across = other[0] / shape[0], other[1] / shape[1]
    return tuple(
        replace(
            box,
            x=box.x * across,
            y=box.y * down,
            width=box.width * across,
            height=box.height * down,
        )
        for box in boxes
    )


def _otsu(heat: np.ndarray, top: float) -> float:
    """Otsu's threshold over all pixels; infinity where they all fall into one bin."""
    counts, edges = np.histogram(heat, _BINS, (0.0, top))
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = heat.size - below
    centers = (edges[:-1] + edges[1:]) / 2
    sums = np.cumsum(counts * centers)
    means_below = np.divide(sums[:-1], below, out=np.zeros_like(below), where=below > 0)
    means_above = np.divide(sums[-1] - sums[:-1], above, out=np.zeros_like(above), where=above > 0)
    between = below * above * (means_above - means_below) ** 2
    if between.max() <= 0:
        return float("inf")
    # an empty stretch between the classes gives a plateau: cut in its middle
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(edges[1:-1][best].mean())

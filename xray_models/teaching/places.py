"""Places on a film: what a reader marked against what people marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.localization import iou
from xray_models.teaching.sets import Box

__all__ = ["Place", "PlaceResult", "compare"]


@dataclass(frozen=True)
class Place:
    """Point or box that a reader marked.

    Attributes:
        x, y: the point, or the box's corner at the top left, in shares of width and height.
        width, height: of the box in shares; both 0 for a point.
    """

    x: float
    y: float
    width: float = 0.0
    height: float = 0.0

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle, in shares of width and height."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True)
class PlaceResult:
    """A reader's place against the true ones.

    Attributes:
        hit: whether its middle lies in a true box.
        iou: intersection over union with the true box that fits best; NaN for a point.
        distance: from its middle to the middle of the nearest true box, in pixels of the film.
    """

    hit: bool
    iou: float
    distance: float


def compare(place: Place, boxes: Sequence[Box], width: int = 1, height: int = 1) -> PlaceResult:
    """Compare a reader's place with the true boxes.

    Args:
        place: of the reader.
        boxes: true ones, at least one.
        width, height: of the film in pixels; without them distances are in shares.

    Raises:
        ValueError: there is no true box.
    """
    if not boxes:
        raise ValueError("There is no true box to compare with.")
    x, y = place.middle
    hit = any(box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height for box in boxes)
    distance = min(
        math.hypot(
            (x - box.x - box.width / 2) * width,
            (y - box.y - box.height / 2) * height,
        )
        for box in boxes
    )
    best = math.nan
    if place.width and place.height:
        found = np.array([[place.x, place.y, place.x + place.width, place.y + place.height]])
        true = np.array([[one.x, one.y, one.x + one.width, one.y + one.height] for one in boxes])
        best = float(iou(found, true).max())
    return PlaceResult(hit, best, distance)

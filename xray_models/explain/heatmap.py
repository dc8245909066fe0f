"""A heatmap on a network's grid, brought back onto the radiograph, and the heat beside the film."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from xray_models.radiograph.preprocess import Placement

__all__ = ["Heatmap", "normalized"]

_ROUNDING = 1e-6  # a share of heat below this is the error of a film's placement


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Heat on a coarse grid over a network's input, bilinear between the centers of cells.

    Attributes:
        values: float32 in 0..1, (rows, columns); all zero where nothing speaks for the target.
        placement: where the radiograph lies in the input.
        input_size: (height, width) of the input in pixels.
    """

    values: np.ndarray
    placement: Placement
    input_size: tuple[int, int]

    @property
    def outside(self) -> float:
        """Share of all heat that lies beside the radiograph, in 0..1.

        That is the black border which makes a film fit a network's input without distorting it; 0
        where there is none, and for an empty map.
        """
        return self._cropped[1]

    @property
    def scale_on_film(self) -> float:
        """What makes the hottest point on the radiograph 1: above 1 where the map's lies beside it.

        0 where there is no heat on the radiograph.
        """
        top, _ = self._cropped
        return float(self.values.max()) / top if top > 0 else 0.0

    @cached_property
    def _cropped(self) -> tuple[float, float]:
        """Highest heat on the film, and share of the heat beside it."""
        x0, y0, x1, y1 = self.placement.box_in_input()
        rows, columns = self.values.shape
        cell_x, cell_y = self.input_size[1] / columns, self.input_size[0] / rows
        down, y = _corners(rows, y0 / cell_y, y1 / cell_y)
        across, x = _corners(columns, x0 / cell_x, x1 / cell_x)
        # bilinear pieces: highest in a corner, and the trapezoidal rule is exact
        heat = down @ self.values.astype(np.float64) @ across.T
        inside = float(np.trapezoid(np.trapezoid(heat, x, axis=1), y))
        total = float(self.values.sum(dtype=np.float64))
        share = 1 - inside / total if total > 0 else 0.0
        return float(heat.max()), share if share > _ROUNDING else 0.0

    def on_radiograph(self, size: tuple[int, int] | None = None) -> np.ndarray:
        """The heat over the radiograph, relative to its hottest point there.

        Where the hottest point of the map lies beside the film, what lies on the film is scaled up
        to the same height: each map is drawn against its own maximum, and `outside` tells how much
        of it was cut off.

        Args:
            size: (height, width) wanted; the radiograph's own by default.

        Returns:
            float32 in 0..1, shape `size`.
        """
        height, width = size or (self.placement.height, self.placement.width)
        rows, columns = self.values.shape
        x0, y0, x1, y1 = self.placement.box_in_input()
        cell_x, cell_y = self.input_size[1] / columns, self.input_size[0] / rows
        image = Image.fromarray(np.ascontiguousarray(self.values, np.float32))
        # the film's box in grid cells; Pillow's box may reach between cells, so no half-cell shift
        box = (x0 / cell_x, y0 / cell_y, x1 / cell_x, y1 / cell_y)
        heat = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box))
        return np.clip(heat * np.float32(self.scale_on_film), 0.0, 1.0)


def _corners(cells: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Points where a linear map along one side bends between two ends, and the matrix to them.

    Args:
        cells: along the side, the map flat outside the centers of the first and the last.
        low: in cells from the start.
        high: in cells from the start, above `low`.

    Returns:
        float64 matrix (points, cells), and the points in cells from the start, (points,).
    """
    centers = np.arange(cells) + 0.5
    points = np.array([low, *centers[(centers > low) & (centers < high)], high])
    at = np.clip(points, centers[0], centers[-1])
    return np.maximum(1 - np.abs(at[:, None] - centers), 0.0), points


def normalized(values: np.ndarray) -> np.ndarray:
    """Positive heat divided by its maximum; all zero stays all zero.

    Args:
        values: any float array.

    Returns:
        float32 in 0..1, same shape. Values that are not finite count as no heat.
    """
    heat = np.maximum(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), 0.0)
    top = float(heat.max(initial=0.0))
    return (heat / top if top > 0 else np.zeros_like(heat)).astype(np.float32)

"""A heatmap on a network's grid, and its way back onto the radiograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from xray_models.preparing import Placement


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Heat on a coarse grid over a network's input.

    Attributes:
        values: float32 in 0..1, (rows, columns); all zero where nothing speaks for the target.
        placement: where the radiograph lies in the input.
        input_size: (height, width) of the input in pixels.
    """

    values: np.ndarray
    placement: Placement
    input_size: tuple[int, int]

    def on_radiograph(self, size: tuple[int, int] | None = None) -> np.ndarray:
        """The heat over the radiograph, bilinear between cell centers.

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
        return np.clip(heat, 0.0, 1.0)


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

"""Maps of several layers made one: fine where early layers see, sure where late ones do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xray_models.explain.heatmap import normalized
from xray_models.explain.masks import enlarged

FUSIONS = ("mean", "max")


def fused(maps: Sequence[np.ndarray], fusion: str = FUSIONS[0]) -> np.ndarray:
    """Maps of the same targets brought to the finest grid and put together.

    Args:
        maps: one per layer, float32 in 0..1, (targets, rows, columns), each normalized.
        fusion: "mean" of the layers, or "max" (Jiang et al. 2021, doi 10.1109/TIP.2021.3089943).

    Returns:
        float32 in 0..1, (targets, rows, columns) of the finest grid.

    Raises:
        ValueError: unknown fusion.
    """
    if fusion not in FUSIONS:
        raise ValueError(f"There is no fusion {fusion!r}. Known: {', '.join(FUSIONS)}.")
    size = max(one.shape[1] for one in maps), max(one.shape[2] for one in maps)
    stack = np.stack([enlarged(one, size) for one in maps])
    together = stack.mean(axis=0) if fusion == "mean" else stack.max(axis=0)
    return np.stack([normalized(one) for one in together])

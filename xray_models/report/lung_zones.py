"""Words for a place on a chest film: right or left lung, its upper, middle or lower zone.

Zones are thirds of each lung's height. Right is the lung on the picture's left, which is the
patient's right on films shown the usual way.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from xray_models.inference.lungs import LEFT, RIGHT

__all__ = ["BOTH", "OF_THE_LUNG", "affected", "inside", "outside", "places"]

OF_THE_LUNG = frozenset(
    (
        "atelectasis",
        "bacterial pneumonia",
        "consolidation",
        "edema",
        "emphysema",
        "fibrosis",
        "infiltration",
        "lung opacity",
        "mass",
        "nodule",
        "pneumonia",
        "pneumothorax",
        "viral pneumonia",
    )
)
"""Findings whose sign lies in the lungs, in lower case. A large heart or a hernia does not, fluid
and thick pleura lie around them."""

BOTH = "both lungs"
"""Name of all six zones together."""

_SIDES = {RIGHT: "right", LEFT: "left"}
_ZONES = ("upper", "middle", "lower")
_ALONG = 0.4  # of the share of the zone with most heat: a zone with less is not named
_REACH = 0.03  # of the longer side: heat is coarse, its foot beside a lung is no mistake


def places(heat: np.ndarray, lungs: np.ndarray) -> list[str]:
    """Names of the zones of the lungs that hold most heat, the one with most first.

    Args:
        heat: at least 0, (height, width), laid over the whole film; such as its hot part.
        lungs: `Lungs.on_radiograph`, same shape.

    Returns:
        Such as ["right lower zone", "left lower zone"], "right lung" for all zones of one,
        "both lungs" for all six; empty where no heat lies in the lungs.
    """
    zones = _zones(lungs)
    shares = {name: float(heat[zone].sum()) for name, zone in zones.items()}
    most = max(shares.values(), default=0.0)
    if most <= 0:
        return []
    in_order = sorted(shares, key=lambda one: -shares[one])
    named = [name for name in in_order if shares[name] >= _ALONG * most]
    for side in _SIDES.values():
        whole = [f"{side} {zone} zone" for zone in _ZONES]
        if set(whole) <= set(named):
            named = [f"{side} lung", *(name for name in named if name not in whole)]
    return [BOTH] if set(named) == {"right lung", "left lung"} else named


def _zones(lungs: np.ndarray) -> dict[str, np.ndarray]:
    found = {}
    for side, word in _SIDES.items():
        lung = lungs == side
        rows = np.flatnonzero(lung.any(axis=1))
        if not len(rows):
            continue
        third = (np.arange(lung.shape[0]) - rows[0]) * 3 // (rows[-1] - rows[0] + 1)
        for number, zone in enumerate(_ZONES):
            found[f"{word} {zone} zone"] = lung & (third == number)[:, None]
    return found


def inside(heat: np.ndarray, lungs: np.ndarray) -> float:
    """Share of heat that lies in the lungs, in 0..1; 0 without heat.

    Args:
        heat: at least 0, (height, width), laid over the whole film.
        lungs: `Lungs.on_radiograph`, same shape.
    """
    total = float(heat.sum())
    return float(heat[lungs > 0].sum()) / total if total > 0 else 0.0


def outside(heat: np.ndarray, lungs: np.ndarray) -> float:
    """Share of heat that lies neither in the lungs nor close to them, in 0..1; 0 without heat.

    Args:
        heat: at least 0, (height, width), laid over the whole film.
        lungs: `Lungs.on_radiograph`, same shape.
    """
    total = float(heat.sum())
    if total <= 0:
        return 0.0
    steps = max(1, round(_REACH * max(lungs.shape)))
    near = ndimage.binary_dilation(lungs > 0, iterations=steps)
    return float(heat[~near].sum()) / total


def affected(marked: np.ndarray, lungs: np.ndarray) -> dict[str, float]:
    """Share of each lung's area that is marked, in 0..1, by "right lung" and "left lung".

    Args:
        marked: bool, (height, width): such as heat above a threshold, or what boxes cover.
        lungs: `Lungs.on_radiograph`, same shape. A lung that is not there is left out.
    """
    return {
        f"{word} lung": float(marked[lungs == side].mean())
        for side, word in _SIDES.items()
        if (lungs == side).any()
    }

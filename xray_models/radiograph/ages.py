"""Age of a patient as a band of years: enough to choose a model, too little to tell who it is."""

from __future__ import annotations

import math

__all__ = ["ADULT", "BANDS", "CHILD", "band_of", "group_of"]

CHILD, ADULT = "child", "adult"
"""Age groups; a child is under 18 years, as in the Convention on the Rights of the Child."""

_MOST = 130
_BANDS = (
    (1, "under 1 year", CHILD),
    (6, "1 to 5 years", CHILD),
    (18, "6 to 17 years", CHILD),
    (40, "18 to 39 years", ADULT),
    (65, "40 to 64 years", ADULT),
    (math.inf, "65 years or older", ADULT),
)

BANDS = {name: group for _, name, group in _BANDS}
"""Band in words -> age group."""


def band_of(years: float) -> str | None:
    """Band that an age lies in; None for one that no human reaches.

    Args:
        years: the age, at least 0.
    """
    if not 0 <= years <= _MOST:
        return None
    return next(name for end, name, _ in _BANDS if years < end)


def group_of(band: str | None) -> str | None:
    """Age group of a band: `CHILD`, `ADULT`, or None where nobody knows."""
    return None if band is None else BANDS.get(band)

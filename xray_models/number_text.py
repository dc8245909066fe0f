"""Numbers as text: the same figure reads the same on a page, in a report and in a terminal."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

__all__ = [
    "NO_SPREAD",
    "NO_VALUE",
    "UNDEFINED",
    "WithInterval",
    "any_size",
    "bounds",
    "careful_percent",
    "decimals",
    "in_percent",
    "p_value",
    "percent",
    "percent_with_interval",
    "signed_with_interval",
    "spoken",
    "with_interval",
]

UNDEFINED = "–"
"""In a table, where a figure is not defined."""
NO_VALUE = "no value"
"""In a sentence, where a figure is not defined."""
NO_SPREAD = "no spread"
"""Instead of bounds that are equal: an interval without width would look like certainty."""

_Number = float | np.ndarray  # an array without a shape is a number, too


class WithInterval(Protocol):
    """A figure with the bounds of its interval, NaN where they are not defined."""

    @property
    def value(self) -> float:
        """The figure."""

    @property
    def low(self) -> float:
        """Lower bound."""

    @property
    def high(self) -> float:
        """Upper bound."""


def decimals(value: _Number, digits: int = 3) -> str:
    """Number with a fixed count of decimals, for a table: "0.913"."""
    return UNDEFINED if math.isnan(value) else f"{float(value):.{digits}f}"


def spoken(value: _Number, digits: int = 3) -> str:
    """Number with a fixed count of decimals, for a sentence: "0.913", "no value"."""
    return NO_VALUE if math.isnan(value) else decimals(value, digits)


def any_size(value: _Number) -> str:
    """Number of any size, for a table: three decimals, from 100 on none."""
    return decimals(value, 3 if abs(float(value)) < 100 else 0)


def percent(value: _Number, digits: int = 0, sign: str = " %") -> str:
    """Share in percent, for a table: "91 %".

    Args:
        value: a share; 1 is 100 %.
        digits: decimals.
        sign: what follows the number.
    """
    return UNDEFINED if math.isnan(value) else f"{100 * float(value):.{digits}f}{sign}"


def in_percent(value: float) -> str:
    """Share in whole percent, for a sentence: "91 %", "less than 1 %"."""
    return "less than 1 %" if 0 < value < 0.01 else percent(value)


def careful_percent(value: float) -> str:
    """Share in percent, never "0 %" or "100 %" of something that is only nearly so."""
    if 0 < value < 0.001:
        return "< 0.1 %"
    if 0.999 < value < 1:
        return "> 99.9 %"
    return percent(value, 1)


def p_value(value: float) -> str:
    """P value of a test: "0.031", "< 0.001", "no value"."""
    return "< 0.001" if value < 0.001 else spoken(value)


def bounds(one: WithInterval, digits: int = 3) -> str:
    """Bounds of an interval: "0.773 to 0.847"."""
    if math.isnan(one.low):
        return UNDEFINED
    if one.low == one.high:
        return NO_SPREAD
    return f"{one.low:.{digits}f} to {one.high:.{digits}f}"


def with_interval(one: WithInterval, digits: int = 3) -> str:
    """Figure with its interval: "0.812 (0.773 to 0.847)"; alone where it has none."""
    value = decimals(one.value, digits)
    return value if math.isnan(one.low) else f"{value} ({bounds(one, digits)})"


def percent_with_interval(one: WithInterval) -> str:
    """Share in percent with its interval: "81 % (77 to 85)"; alone where it has none."""
    if math.isnan(one.low):
        return percent(one.value)
    if one.low == one.high:
        return f"{percent(one.value)} ({NO_SPREAD})"
    return f"{percent(one.value)} ({percent(one.low, sign='')} to {percent(one.high, sign='')})"


def signed_with_interval(one: WithInterval, digits: int = 3) -> str:
    """Difference with its interval: "+0.012 (-0.003 to +0.027)"; alone where it has none."""
    if math.isnan(one.value):
        return NO_VALUE
    value = f"{one.value:+.{digits}f}"
    if math.isnan(one.low):
        return value
    return f"{value} ({one.low:+.{digits}f} to {one.high:+.{digits}f})"

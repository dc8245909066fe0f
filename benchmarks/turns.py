"""Timing of functions in turns, so that a machine that drifts is fair to all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

_LEAST = 0.25
_MOST_IN_A_TURN = 10


def medians(repeats: int, functions: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median milliseconds of each function.

    Args:
        repeats: turns that count. One before them traces and warms. A function that is done at once
            runs several times a turn, until a quarter of a second or ten runs are over: each run
            counts.
        functions: what to time, by name.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            spent: list[float] = []
            while not spent or (turn and sum(spent) < _LEAST and len(spent) < _MOST_IN_A_TURN):
                began = time.perf_counter()
                function()
                spent.append(time.perf_counter() - began)
            if turn:
                times[name] += spent
    return {name: 1000 * statistics.median(values) for name, values in times.items()}

"""Black and white of values that come without a window: labels and borders left aside.

A burned-in label, a border or a few hot pixels are brighter (or darker) than anything the beam
made. Taken as white they darken the whole film, so a few thousandths of the pixels at either end do
not count, and more of them where they are one flat area, apart from everything else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["GrayRange", "brightest", "gray_range"]

_FEW = 0.005  # the share of pixels that is left aside at either end
_NEAR = 0.015  # of the range: what ends this close behind the percentile is no outlier
_FLAT = 0.02  # of the range: values that differ by less are one flat area
_LABEL = 0.03  # the greatest share of pixels that a label or border may have
_APART = 0.15  # of the range: the least distance of a label from the rest of the film
_BLURRED = 0.001  # the share of pixels that the edges of a label may have
_LEVELS = 8  # a film has at least so many grays beside its label; less is a drawing
_REST = 1 / 16  # of the range: percentiles that lie closer together show the background alone
_HOT = 1e-4  # the share of pixels that may be single ones out of order


class GrayRange(NamedTuple):
    """What is shown as black and as white.

    Attributes:
        low: becomes black, as does what lies below.
        high: becomes white, as does what lies above.
        below: share of pixels darker than `low`, in 0..1.
        above: share of pixels brighter than `high`, in 0..1.
    """

    low: float
    high: float
    below: float = 0.0
    above: float = 0.0

    @property
    def sentence(self) -> str | None:
        """What was left aside, for the facts of a film; None where that is nothing."""
        left = [
            f"the {kind} {100 * share:.2g} % of pixels"
            for kind, share in (("darkest", self.below), ("brightest", self.above))
            if share > 0
        ]
        return f"from the film's values, without {' and '.join(left)}" if left else None


def gray_range(values: np.ndarray) -> GrayRange | None:
    """The range of a film's values, without labels, borders and single pixels out of order.

    Args:
        values: integers or floats of any shape; what is no finite number is left out.

    Returns:
        The range; None where all values are equal or none is a number.
    """
    levels, counts = _levels(values)
    if len(levels) < 2:
        return None
    total = int(counts.sum())
    first, last = _without_labels(levels, counts)
    kept = counts[first:last]
    beyond = np.cumsum(kept)
    few = _FEW * total
    low = first + int(np.searchsorted(beyond, few, side="right"))
    high = first + int(np.searchsorted(beyond, beyond[-1] - few, side="left"))
    low, high = _ends(levels, counts, (first, low, high, last - 1))
    return GrayRange(
        float(levels[low]),
        float(levels[high]),
        float(counts[:low].sum()) / total,
        float(counts[high + 1 :].sum()) / total,
    )


def brightest(values: np.ndarray, usual: tuple[int, ...]) -> int:
    """The greatest value of a film that tells its bit depth: not that of a label or a hot pixel.

    Args:
        values: whole numbers, 0 or more, of any shape.
        usual: the bit depths that are possible, ascending.

    Returns:
        A value that occurs.
    """
    levels, counts = _levels(values)
    _, last = _without_labels(levels, counts)
    label = int(counts[last:].sum())  # which may leave pixels of its blurred edge
    levels, counts = levels[:last], counts[:last]
    top, total = int(levels[-1]), int(counts.sum())
    above = total - np.cumsum(counts)
    for bits in usual:
        if top < 2**bits:
            break
        inside = int(np.searchsorted(levels, 2**bits)) - 1
        if inside < _LEVELS:
            continue
        # beyond what this depth holds there are few pixels, and most of them alike: a label whose
        # edges are blurred, not the tail of the film's own values
        alike = counts[levels >= top - _FLAT * top].sum()
        few = above[inside] <= _FEW * total
        if above[inside] <= _HOT * total or (
            few and (above[inside] <= label or 2 * alike >= above[inside])
        ):
            return int(levels[inside])
    return top


def _levels(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values that occur, ascending, as float64, and how often each does."""
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2 and values.size:
        lowest = int(values.min())
        offset = values.ravel() if lowest == 0 else values.ravel().astype(np.int32) - lowest
        counts = np.bincount(offset)
        present = np.flatnonzero(counts)
        return (present + lowest).astype(np.float64), counts[present]
    known = values.flatten() if values.dtype.kind in "iu" else values[np.isfinite(values)]
    if not known.size:
        return np.zeros(0), np.zeros(0, np.int64)
    known.sort()  # in place, for `np.unique` would copy a large film twice more
    starts = np.concatenate([[0], np.flatnonzero(known[1:] != known[:-1]) + 1])
    return known[starts].astype(np.float64), np.diff(starts, append=known.size)


def _without_labels(levels: np.ndarray, counts: np.ndarray) -> tuple[int, int]:
    """Indices (first, end) of the levels that are left without labels at either end."""
    first, last = 0, len(levels)
    total = int(counts.sum())
    for _ in range(2):  # a label and a border around it may have two grays
        last -= _label(levels[first:last], counts[first:last], total)
        first += _label(-levels[first:last][::-1], counts[first:last][::-1], total)
    return first, last


def _label(levels: np.ndarray, counts: np.ndarray, total: int) -> int:
    """How many levels at the upper end are a label or border and its blurred edge; often 0."""
    extent = float(levels[-1]) - float(levels[0])
    start = int(np.searchsorted(levels, float(levels[-1]) - _FLAT * extent))
    if counts[start:].sum() > _LABEL * total:
        return 0
    # the rest of the film ends where hardly any pixels are left between it and the label
    edge = min(_BLURRED * total, float(counts[start:].sum()))
    between = np.cumsum(counts[:start][::-1])
    rest = start - int(np.searchsorted(between, edge, side="right"))
    if rest < _LEVELS:
        return 0
    gap = float(levels[start]) - float(levels[rest - 1])
    return len(levels) - rest if gap >= _APART * extent else 0


def _ends(levels: np.ndarray, counts: np.ndarray, at: tuple[int, int, int, int]) -> tuple[int, int]:
    """Indices of black and white: the percentiles, or the extremes where those fit better.

    Args:
        levels: ascending values.
        counts: how often each occurs.
        at: indices of the least value, the lower and the upper percentile, the greatest value.
    """
    first, low, high, last = at
    span = float(levels[high]) - float(levels[low])
    whole = float(levels[last]) - float(levels[first])
    # nearly all is background, and what the film shows lies within the few pixels beside it
    if span <= 0 or (span < _REST * whole and not _flat_beyond(levels, counts, at)):
        return first, last
    if float(levels[low]) - float(levels[first]) <= _NEAR * span:
        low = first
    if float(levels[last]) - float(levels[high]) <= _NEAR * span:
        high = last
    return low, high


def _flat_beyond(levels: np.ndarray, counts: np.ndarray, at: tuple[int, int, int, int]) -> bool:
    """Whether most pixels beyond the percentiles are as dark, or as bright, as the extreme."""
    first, low, high, last = at
    near = _FLAT * (float(levels[last]) - float(levels[first]))
    alike = counts[:low][levels[:low] <= levels[first] + near].sum()
    alike += counts[high + 1 : last + 1][levels[high + 1 : last + 1] >= levels[last] - near].sum()
    beyond = counts[first:low].sum() + counts[high + 1 : last + 1].sum()
    return bool(2 * alike >= beyond > 0)

"""Lungs of a chest film: which pixels show the right and the left one, by `chest-lungs`.

Computed when it is first asked for, once per film, and forgotten with the film.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load
from scipy import ndimage
from scipy.special import softmax

from xray_models.catalogue.segmenters import LUNGS, SegmenterCard, segmenters, weights_path
from xray_models.radiograph import Radiograph
from xray_models.radiograph.preprocess import Placement, resize, scale

__all__ = ["LEFT", "RIGHT", "Lungs", "LungsError", "found", "lungs"]

RIGHT, LEFT = 1, 2
"""Values of a map of the lungs. Right is the lung on the picture's left, as films are shown."""

_LEAST = 0.02  # of the film: less is no lung that words could be hung on
_MOST_UNEVEN = 6.0  # how many times one lung's area may be that of the other
_SURE = 0.88  # mean probability of a lung's pixels: below it the outline may lie anywhere

_Pass = Callable[[np.ndarray], np.ndarray]


class LungsError(RuntimeError):
    """Weights that lungs cannot be found with; the message names the file and says what to do."""


@dataclass(frozen=True, eq=False)
class Lungs:
    """Lungs that a network found on a film.

    Attributes:
        probability: of outside, right and left lung, float32 in 0..1, (rows, columns, 3), on the
            network's input.
        placement: where the film lies in the input.
    """

    probability: np.ndarray
    placement: Placement
    _maps: dict[tuple[int, int], np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def on_radiograph(self, size: tuple[int, int] | None = None) -> np.ndarray:
        """Map of the lungs over the film: uint8, 0 outside, `RIGHT` or `LEFT`, shape `size`.

        Of each lung its largest piece counts, without holes. Kept for the next call.

        Args:
            size: (height, width) wanted; the radiograph's own by default.
        """
        height, width = size or (self.placement.height, self.placement.width)
        if (height, width) not in self._maps:
            self._maps[height, width] = self._drawn(height, width)
        return self._maps[height, width]

    def _drawn(self, height: int, width: int) -> np.ndarray:
        box = self.placement.box_in_input()
        layers = [
            np.asarray(
                Image.fromarray(np.ascontiguousarray(layer)).resize(
                    (width, height), Image.Resampling.BILINEAR, box=box
                )
            )
            for layer in np.moveaxis(self.probability, -1, 0)
        ]
        return _pair(np.argmax(layers, axis=0))

    @property
    def plausible(self) -> bool:
        """Whether both lungs are there, of like size, and the network is sure of both."""
        kinds = _pair(self.probability.argmax(axis=-1))
        x0, y0, x1, y1 = self.placement.box_in_input()
        areas = [float((kinds == side).sum()) / ((x1 - x0) * (y1 - y0)) for side in (RIGHT, LEFT)]
        if min(areas) < _LEAST or max(areas) > _MOST_UNEVEN * min(areas):
            return False
        return all(self.probability[kinds == side, side].mean() >= _SURE for side in (RIGHT, LEFT))


_found: weakref.WeakKeyDictionary[Radiograph, Lungs | None] = weakref.WeakKeyDictionary()
_passes: dict[str, _Pass] = {}
_lock = threading.Lock()


def lungs(radiograph: Radiograph) -> Lungs | None:
    """Lungs of a film that shows a chest; asking again costs nothing while the film is in use.

    Args:
        radiograph: a frontal film of a chest: of other films the answer means nothing.

    Returns:
        None where no plausible pair of lungs is found, or no network ships that could find them.

    Raises:
        LungsError: the network's weights cannot be used.
    """
    card = segmenters().get(LUNGS)
    if card is None:
        return None
    with _lock:
        if radiograph not in _found:
            one = found(card, radiograph)
            _found[radiograph] = one if one.plausible else None
        return _found[radiograph]


def found(card: SegmenterCard, radiograph: Radiograph) -> Lungs:
    """What a network calls lung on a film, plausible or not; computed anew each time.

    Raises:
        LungsError: the network's weights cannot be used.
    """
    gray, placement = resize(radiograph.pixels, card.input_size, card.geometry)
    logits = _pass(card)(scale(gray, card.scaling)[None])[0]
    return Lungs(softmax(logits, axis=-1).astype(np.float32), placement)


def _pass(card: SegmenterCard) -> _Pass:
    if card.weights.sha256 not in _passes:
        _passes[card.weights.sha256] = _compiled(card)
    return _passes[card.weights.sha256]


def _compiled(card: SegmenterCard) -> _Pass:
    """The network as one function: an input -> logits, both float32 (1, height, width, 3)."""
    from xray_models.inference import pyramid

    path = weights_path(card)
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == card.weights.sha256:
            return pyramid.compiled(load(content), card.input_size, len(card.classes))
        what = "is damaged or not the one on the card"
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
    except (KeyError, SafetensorError) as error:
        what = f"does not fit {card.architecture} ({error})"
    raise LungsError(
        f"The weights file {path.name} of {card.id} {what}. Restore it from the repository."
    )


def _pair(called: np.ndarray) -> np.ndarray:
    """Likeliest class of each pixel, of each lung its largest piece without holes; uint8."""
    kinds = np.zeros(called.shape, np.uint8)
    for side in (RIGHT, LEFT):
        kinds[_whole(called == side) & (kinds == 0)] = side
    return kinds


def _whole(mask: np.ndarray) -> np.ndarray:
    """The largest piece of a mask, its holes filled."""
    pieces, count = ndimage.label(mask)
    if not count:
        return mask
    largest = 1 + int(np.argmax(ndimage.sum_labels(mask, pieces, np.arange(1, count + 1))))
    filled: np.ndarray = ndimage.binary_fill_holes(pieces == largest)
    return filled

"""One forward pass per film and model: logits, and the activations behind every heatmap."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, softmax

from xray_models.catalogue import Calibration, Card
from xray_models.inference import converted, precision, weights
from xray_models.inference.network import Front, Network
from xray_models.radiograph import Radiograph
from xray_models.radiograph.preprocess import Placement, resize, scale

__all__ = [
    "ForwardPass",
    "arithmetic",
    "calibrated",
    "forward",
    "logits",
    "network",
    "probabilities",
]


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """Results of one pass of one film through one model.

    Attributes:
        logits: float32, (labels,), before calibration.
        activation: float32, (rows, columns, channels): the input of the pooling layer.
        head: float32, (channels, labels): kernel of the linear head that reads the mean of the
            activation; None where the network has another kind of head.
        placement: where the film lies in the network's input.
        input_size: (height, width) of the network's input.
        fronts: layer -> what the same pass left at a cut there; see `Network.read`.
    """

    logits: np.ndarray
    activation: np.ndarray
    head: np.ndarray | None
    placement: Placement
    input_size: tuple[int, int]
    fronts: Mapping[str, Front] = field(default_factory=dict)


_passes: weakref.WeakKeyDictionary[Radiograph, dict[str, ForwardPass]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def forward(card: Card, radiograph: Radiograph) -> ForwardPass:
    """Pass a radiograph through a model once; asking again costs nothing while the film is in use.

    Raises:
        WeightsError: the model's weights cannot be used.
    """
    with _lock:
        known = _passes.setdefault(radiograph, {})
    key = f"{card.id}:{card.weights.sha256}"
    if key not in known:
        gray, placement = resize(radiograph.pixels, card.input_size, card.geometry)
        image = scale(gray, card.scaling, card.mean_std)[None]
        activation, logits, fronts = network(card).read(image)
        known[key] = ForwardPass(
            logits=logits[0],
            activation=activation[0],
            head=network(card).head,
            placement=placement,
            input_size=card.input_size,
            fronts=fronts,
        )
    return known[key]


def network(card: Card) -> Network:
    """A model's network, frozen: the weights of a card never change.

    It comes converted from the cache folder, or from TensorFlow where that cannot be.

    Raises:
        WeightsError: the model's weights cannot be used.
        PrecisionError: RADLENS_PRECISION names no precision.
    """
    half = arithmetic(card) == "bfloat16"

    def whole() -> Network:
        from xray_models.inference import functions

        return functions.traced(weights.network(card), frozen=True, bfloat16=half)

    return converted.network(card, half, whole) or whole()


def arithmetic(card: Card) -> str:
    """Arithmetic of a model's passes on this machine: "float32" or "bfloat16".

    Raises:
        PrecisionError: RADLENS_PRECISION names no precision.
    """
    free = card.bfloat16 is not None and card.bfloat16.free
    return "bfloat16" if precision.wants_bfloat16(free) else "float32"


def logits(card: Card, batch: np.ndarray) -> np.ndarray:
    """Logits of many inputs, before calibration.

    Args:
        card: the model.
        batch: float32, (inputs, height, width, 3), scaled as the card says. All go through the
            network together: 16 at a time are enough.

    Returns:
        float32, (inputs, labels).

    Raises:
        WeightsError: the model's weights cannot be used.
    """
    return network(card).forward(batch)[1]


def probabilities(card: Card, radiograph: Radiograph) -> dict[str, float]:
    """Calibrated probability per label, then per combined finding.

    Raises:
        WeightsError: the model's weights cannot be used.
    """
    values = calibrated(forward(card, radiograph).logits[None], card.calibration, card.activation)[
        0
    ]
    return card.with_combined(dict(zip(card.labels, map(float, values), strict=True)))


def calibrated(logits: np.ndarray, calibration: Calibration, activation: str) -> np.ndarray:
    """Calibrated probabilities of logits.

    Args:
        logits: (films, labels).
        calibration: temperature and one bias per label.
        activation: "sigmoid" or "softmax".

    Returns:
        float64 in 0..1, (films, labels); rows add up to 1 for softmax.
    """
    adjusted = logits.astype(np.float64) / calibration.temperature + np.array(calibration.bias)
    return expit(adjusted) if activation == "sigmoid" else softmax(adjusted, axis=1)

"""What a training is made of. A recipe says what to do; `loop.py` does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from xray_models.datasets import Film


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training film. Angles in degrees, the rest as shares or factors.

    A zoom above 1 shows a window of the film; it is placed so that a marked lesion stays in view.
    """

    rotation: float = 15.0
    zoom: tuple[float, float] = (0.85, 1.2)
    shift: float = 0.08
    flip_horizontal: bool = True
    flip_vertical: bool = False
    gamma: float = 0.35
    contrast: float = 0.2
    noise: float = 0.02
    invert: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """One model's training.

    Attributes:
        model: id of the model card that the training fills.
        films: data folder -> {"train", "validation", "test"} -> films; groups never cross.
        labels: class names; two names and one logit when `two_class`.
        two_class: one sigmoid logit for `labels[0]` against everything else.
        frozen_until: name of the last layer that keeps its pretrained weights, or None.
        balance: 0 draws films as they come, 1 draws every class equally often.
        source_size: (height, width) that training films are kept at in memory, larger than
            `input_size` where the augmentation zooms in; None for `input_size`.
        films_per_epoch: how many films are drawn per epoch; None for as many as there are.
    """

    model: str
    films: Callable[[Path], dict[str, list[Film]]]
    labels: tuple[str, ...]
    architecture: str
    input_size: tuple[int, int]
    geometry: str
    scaling: str
    start: str | None
    two_class: bool = False
    epochs: int = 10
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    dropout: float = 0.2
    label_smoothing: float = 0.0
    frozen_until: str | None = None
    balance: float = 0.5
    films_per_epoch: int | None = None
    source_size: tuple[int, int] | None = None
    seed: int = 7
    augmentation: Augmentation = field(default_factory=Augmentation)

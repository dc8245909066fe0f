"""Recipe of a segmentation: films, network, schedule and augmentation. `loop.py` carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from pathlib import Path

from xray_models.datasets.lung_masks import LungFilm
from xray_models.train.recipe import Augmentation

__all__ = ["CLASSES", "SegmentationRecipe", "Stage"]

CLASSES = ("outside", "right lung", "left lung")
"""Of a pixel. Right is what lies on the picture's left, as films are shown."""


@dataclass(frozen=True)
class Stage:
    """Epochs on films of one size.

    Attributes:
        epochs: how many.
        size: height and width of the films in pixels.
        films: drawn per epoch.
        batch: films per step.
    """

    epochs: int
    size: int
    films: int
    batch: int


@dataclass(frozen=True)
class SegmentationRecipe:
    """Recipe of one segmentation network's training.

    Attributes:
        model: id of the card that the training fills.
        films: data folder -> {"train", "validation", "test"} -> films; groups never cross.
        checks: name -> data folder -> films with masks of less worth, to look at afterwards.
        input_size: (height, width) of the network's input when it reads.
        source_size: height and width that training films are kept at in memory.
        start: see `pretrained.start`.
        stages: one after another; the network takes films of any size.
        adults: share of an epoch's films that shows adults, of whom there are few.
        validated: at most so many validation films of each source are measured after an epoch.
        averaging: momentum per step of the running average of the weights that is validated and
            kept.
        border: share of films whose outside is not black but of some gray.
        mirrored: share of films that are mirrored; right and left change places.
    """

    model: str
    films: Callable[[Path], dict[str, list[LungFilm]]]
    checks: dict[str, Callable[[Path], list[LungFilm]]]
    architecture: str
    input_size: tuple[int, int]
    source_size: int
    geometry: str
    scaling: str
    start: str | None
    stages: tuple[Stage, ...]
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    averaging: float = 0.99
    adults: float = 0.5
    validated: int = 120
    border: float = 0.3
    mirrored: float = 0.5
    seed: int = 7
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def epochs(self) -> int:
        """Epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(one.epochs * (one.films // one.batch) for one in self.stages)

    def stage(self, epoch: int) -> Stage:
        """Stage of an epoch, counted from 0."""
        ends = accumulate(stage.epochs for stage in self.stages)
        return next(one for one, end in zip(self.stages, ends, strict=True) if epoch < end)

    def as_dict(self) -> dict[str, object]:
        """The recipe as JSON can hold it, for the run folder."""
        functions = ("films", "checks")
        return {name: value for name, value in asdict(self).items() if name not in functions}

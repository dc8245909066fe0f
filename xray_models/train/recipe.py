"""Recipe of a training: films, network, schedule and augmentation. `loop.py` carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from xray_models.datasets import Film
from xray_models.evaluate.card_thresholds import Rule

__all__ = ["Augmentation", "ExternalCheck", "LongerWay", "Recipe"]


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training film. Angles in degrees, the rest as shares or factors.

    A zoom above 1 shows a window of the film; it is placed so that a marked lesion stays in view.
    Noise is the largest standard deviation; half of the films get none.

    Aspect a stretches one side by up to exp(a) and shrinks the other as much. Sharpness s blends
    each film with its blur by a share in -s..s (below 0 it sharpens): where the classes were
    exported at different resolutions, how sharp a film is would give them away.

    Tone is the share of films that take on the gray levels of another film of any class, wholly or
    in part (histogram matching): where the classes were exposed or exported differently, how bright
    and how steep a film is would give them away.
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
    sharpness: float = 0.0
    tone: float = 0.0
    aspect: float = 0.0


@dataclass(frozen=True)
class ExternalCheck:
    """Films from elsewhere to try the finished model on.

    Attributes:
        id: ends the name of the table of predictions.
        name: which films, for the card.
        finding: what is compared with the truth.
        truth: what counts as positive and negative there, and who said so.
        films: data folder -> films with truth 0 or 1.
    """

    id: str
    name: str
    finding: str
    truth: str
    films: Callable[[Path], list[Film]]


@dataclass(frozen=True)
class LongerWay:
    """Schedule of a recipe that goes on from a model of ours, when it starts from another.

    Attributes:
        epochs, learning_rate, averaging, films_per_epoch: in place of the recipe's own.
    """

    epochs: int
    learning_rate: float
    averaging: float
    films_per_epoch: int | None


@dataclass(frozen=True)
class Recipe:
    """Recipe of one model's training.

    Attributes:
        model: id of the model card that the training fills.
        films: data folder -> {"train", "validation", "test"} -> films; groups never cross. With
            `folds`: {"folds": films to cross-validate, "train": films that only ever train}.
        labels: class names, one logit each; one name and one logit when `two_class`.
        two_class: one sigmoid logit for `labels[0]` against everything else.
        multi_label: a sigmoid logit per label, any of which may be present; films have `targets`.
        frozen_until: name of the last layer that keeps its pretrained weights, or None.
        start: see `pretrained.start`.
        longer_way: for a recipe whose start knows the task already, and which therefore trains
            briefly: how it trains from a start that does not.
        balance: 0 draws films as they come, 1 draws every class equally often.
        class_weights: every class weighs the same in the loss, however often it is drawn: see
            `losses`.
        averaging: momentum per step of the running average of the weights that is validated and
            kept, 0 for none.
        folds: 0 for one run that keeps the epoch with the best validation AUC. Otherwise that many
            cross-validation runs, which keep the last epoch: no held-out film has a say.
        keep_last: keep the last epoch instead of the one with the best validation AUC: where
            validation films are from the same mold as training films, and the augmentation is to
            break that mold, their AUC prefers the epochs before it did.
        patience: stop after so many epochs without a better validation AUC; 0 for never.
        plateau: factor on the learning rate after an epoch without a better validation AUC; 1 for
            a cosine schedule instead.
        source_size: (height, width) that training films are kept at in memory, larger than
            `input_size` where the augmentation zooms in; None for `input_size`.
        rule: how the card's thresholds are chosen on validation films; None for the default of
            `card_thresholds.choose`.
        rival: id of a model that may read the same films; publishing compares the two.
        external: films from elsewhere to try the finished model on.
        films_per_epoch: how many films are drawn per epoch; None for as many as there are.
        pooling_r: r of log-sum-exp pooling to begin with; None for that of the network.
        learned_r: training may change that r.
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
    multi_label: bool = False
    epochs: int = 10
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    dropout: float = 0.2
    label_smoothing: float = 0.0
    frozen_until: str | None = None
    longer_way: LongerWay | None = None
    balance: float = 0.5
    class_weights: bool = False
    averaging: float = 0.0
    folds: int = 0
    keep_last: bool = False
    patience: int = 0
    plateau: float = 1.0
    rule: Rule | None = None
    rival: str | None = None
    external: tuple[ExternalCheck, ...] = ()
    films_per_epoch: int | None = None
    source_size: tuple[int, int] | None = None
    pooling_r: float | None = None
    learned_r: bool = False
    seed: int = 7
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def activation(self) -> str:
        """Function from logits to probabilities: "sigmoid" or "softmax"."""
        return "sigmoid" if self.two_class or self.multi_label else "softmax"

    def as_dict(self) -> dict[str, object]:
        """The recipe as JSON can hold it, for the run folder."""
        functions = ("films", "external", "rule")
        return {name: value for name, value in asdict(self).items() if name not in functions}

    def with_architecture(self, architecture: str, start: str | None = "") -> Recipe:
        """Recipe of the same training of another network.

        Args:
            architecture: one of `networks.ARCHITECTURES`.
            start: what it starts from; "" for a general start that fits it.
        """
        if architecture != self.architecture:
            general, scaling = _GENERAL_STARTS.get(architecture, ("imagenet", "imagenet"))
            other = replace(self, architecture=architecture, scaling=scaling, frozen_until=None)
            return other.with_start(general if start == "" else start)
        return self if start == "" else self.with_start(start)

    def with_start(self, start: str | None) -> Recipe:
        """Recipe of the same training from another start; the longer way, if that is a general one.

        Args:
            start: as `pretrained.start` takes it.
        """
        found = replace(self, start=start)
        if start is None:  # what was never trained must not stay as it is
            found = replace(found, frozen_until=None)
        if self.longer_way and start in _GENERAL:
            found = replace(found, frozen_until=None, **asdict(self.longer_way))
        return found


# architecture -> pretrained start and the scaling that it expects; others are downloaded
_GENERAL_STARTS = {
    "efficientnetb0": ("lite0", "imagenet"),
    "efficientnetb0-local": ("lite0", "imagenet"),
    **{f"efficientnetb0-unified{one}": ("lite0", "imagenet") for one in ("", "-average", "-max")},
    "mobilenetv2": ("imagenet", "symmetric"),
    "vgg16": ("hed", "hed"),
}
_GENERAL = (None, "imagenet", "lite0", "hed")

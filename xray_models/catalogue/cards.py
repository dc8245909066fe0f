"""A model's card: everything that pages, commands and tests need to know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "ACTIVATIONS",
    "AGES",
    "CANNOT_TELL",
    "NO",
    "TASKS",
    "YES",
    "Alternative",
    "Asked",
    "Band",
    "Bfloat16",
    "Calibration",
    "Card",
    "CatalogueError",
    "Explanation",
    "External",
    "Figure",
    "HeldOut",
    "Rival",
    "Training",
    "WeightsFile",
    "add_combined",
    "count_films",
]

_Probability = TypeVar("_Probability", float, "np.ndarray")

TASKS = ("body-part", "bone", "chest")
ACTIVATIONS = ("sigmoid", "softmax")
AGES = ("all", "children", "adults")

YES, NO, CANNOT_TELL = "yes", "no", "cannot tell"
"""Answers to whether a film shows a finding."""


class CatalogueError(ValueError):
    """A card cannot be used; the message names the file, the field and what to do."""


@dataclass(frozen=True)
class Calibration:
    """Calibrated logit = logit / temperature + bias, fitted on validation (Guo et al. 2017)."""

    temperature: float
    bias: tuple[float, ...]


@dataclass(frozen=True)
class WeightsFile:
    """A weights-only file under assets/weights."""

    file: str
    sha256: str
    bytes: int
    precision: str
    origin: str
    license: str


@dataclass(frozen=True)
class Training:
    """Training that the weights come from.

    Attributes:
        brief: what the films show and where they are from, in a few words; empty where unknown.
    """

    data: tuple[str, ...]
    films: int
    groups: int
    start: str
    note: str
    brief: str = ""


@dataclass(frozen=True)
class Figure:
    """A measured value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class HeldOut:
    """Held-out predictions and the figures computed from them.

    Attributes:
        shipped_fold: of an out-of-fold table, the split whose films the weights that ship never
            saw; the others were predicted by networks of the same recipe. Empty where there is
            none.
        crops: how many of the films are crops around a part, cut out of larger films.
    """

    table: str
    films: int
    groups: int
    figures: dict[str, Figure]
    shipped_fold: str = ""
    crops: int = 0

    @property
    def counted(self) -> str:
        """Number of films in words: "1,195 crops and 327 whole films"."""
        return count_films(self.films, self.crops)


def count_films(films: int, crops: int = 0) -> str:
    """Number of films in words, crops around a part told apart from whole films."""
    if not crops:
        return f"{films:,} films"
    whole = f" and {films - crops:,} whole films" if crops < films else ""
    return f"{crops:,} crops{whole}"


@dataclass(frozen=True)
class Asked:
    """Those of the held-out films that are like the films which the model is asked about.

    Attributes:
        name: what they show, in the plural: "arms and shoulders".
        column: of the held-out table.
        values: what that column holds for them.
    """

    name: str
    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class External:
    """A check on films from elsewhere, reported whatever it shows.

    Attributes:
        name: which films.
        finding: the finding that was compared with the truth.
        truth: what counts as positive and negative there, and who said so.
        table: predictions, beside the held-out tables.
    """

    name: str
    finding: str
    truth: str
    table: str
    films: int
    groups: int
    figures: dict[str, Figure]


@dataclass(frozen=True)
class Rival:
    """Comparison of a model with another that reads the same films, on films new to both.

    Attributes:
        model: id of the other.
        films, groups: how many films were compared.
        positives: films among them with the finding.
        own, other: AUC of the two.
        difference: own AUC minus the other's, with its paired interval.
    """

    model: str
    films: int
    groups: int
    positives: int
    own: float
    other: float
    difference: Figure


@dataclass(frozen=True)
class Alternative:
    """Another network that the same recipe trained on the same films, and that does not ship.

    Attributes:
        start: what it was trained from.
        table: its predictions, beside the held-out tables.
        bytes: of its weights, stored as those that ship.
        films, groups: how many films were compared.
        own, other: mean AUC of the labels, of the weights that ship and of the alternative. Within
            folds, which differ in how sure their networks are.
        difference: own mean AUC minus the other's, with its paired interval.
    """

    architecture: str
    start: str
    table: str
    bytes: int
    films: int
    groups: int
    own: float
    other: float
    difference: Figure


@dataclass(frozen=True)
class Bfloat16:
    """What half-size numbers change in a model's answers, measured on its held-out films.

    Attributes:
        films: how many.
        auc_change: mean AUC of the labels in bfloat16, minus that in float32.
        largest_change: of any probability of any film.
    """

    films: int
    auc_change: float
    largest_change: float

    @property
    def free(self) -> bool:
        """Whether the AUC loses less than 0.0005, and no probability moves by 0.05 or more."""
        return self.auc_change > -0.0005 and self.largest_change < 0.05


@dataclass(frozen=True)
class Band:
    """Band of probabilities in which a model cannot tell whether a film shows a finding.

    Attributes:
        low: below it the answer is no.
        high: from it on the answer is yes; above 1 where no probability is enough.
    """

    low: float
    high: float

    @property
    def everything(self) -> bool:
        """Whether no probability gets a clear answer: too few films were measured."""
        return self.low <= 0 and self.high > 1

    def answer(self, probability: float) -> str:
        """Answer to a probability: `YES`, `NO` or `CANNOT_TELL`."""
        if probability < self.low:
            return NO
        return YES if probability >= self.high else CANNOT_TELL


@dataclass(frozen=True)
class Explanation:
    """Method and layer of a model's heatmaps where nobody asks for others.

    Attributes:
        method: id of a method of `xray_models.explain`.
        layer: where it looks; empty for the last activation.
        reason: what was measured that speaks for it; empty where nothing was.
    """

    method: str = "grad-cam"
    layer: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Card:
    """Everything that pages, command line and tests need to know of a model.

    Attributes:
        id: name in links and commands; also the card's file name.
        parts: body parts that the model reads; empty for the detector.
        input_size: (height, width) in pixels.
        labels: one per logit, in order; a single-logit model has one label.
        combined: finding -> labels whose probabilities add up to it.
        rival: comparison with a model for several parts, which reads the film where it is better.
        thresholds: finding -> operating point in 0..1. Labels without one are no findings. A
            detector's only one is the probability of "none of these" from which it refuses a film.
        held_out: left out for a model that was not measured here.
        asked: which held-out films count most, where others are among them.
        ages: whose films the model was made for, one of `AGES`; see `age_fit.misfit`.
        bands: finding -> where the model cannot tell, from held-out films; see
            `evaluate.conformal`. Findings of a model that was not measured have none.
        mean_std: for the scaling "z-score", mean and standard deviation of 0..255 pixels.
    """

    id: str
    name: str
    task: str
    parts: tuple[str, ...]
    architecture: str
    input_size: tuple[int, int]
    geometry: str
    scaling: str
    activation: str
    labels: tuple[str, ...]
    thresholds: dict[str, float]
    calibration: Calibration
    weights: WeightsFile
    training: Training
    intended_use: str
    limits: tuple[str, ...]
    references: tuple[str, ...]
    held_out: HeldOut = field(default_factory=lambda: HeldOut("", 0, 0, {}))
    combined: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mean_std: tuple[float, ...] = ()
    rival: Rival | None = None
    external: tuple[External, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    explanation: Explanation = field(default_factory=Explanation)
    bfloat16: Bfloat16 | None = None
    asked: Asked | None = None
    ages: str = "all"
    bands: dict[str, Band] = field(default_factory=dict)

    @property
    def multi_label(self) -> bool:
        """Whether a film may have several of the labels, or none: each has its own sigmoid."""
        return self.activation == "sigmoid" and len(self.labels) > 1

    @property
    def findings(self) -> tuple[str, ...]:
        """Names of everything that has a probability: the labels, then the combined findings."""
        return (*self.labels, *self.combined)

    @property
    def measured(self) -> bool:
        """Whether there are held-out predictions; a user's own model may have none."""
        return bool(self.held_out.table)

    def members(self, finding: str) -> tuple[str, ...]:
        """Labels whose probabilities add up to `finding`."""
        return self.combined.get(finding, (finding,))

    def with_combined(self, probability: Mapping[str, _Probability]) -> dict[str, _Probability]:
        """Probabilities of the labels, then of the combined findings, by name.

        Args:
            probability: of each label: a number, or an array with one for each film.
        """
        return add_combined(probability, self.combined)


def add_combined(
    probability: Mapping[str, _Probability], combined: Mapping[str, Sequence[str]]
) -> dict[str, _Probability]:
    """Probabilities of labels that exclude each other, and their sums for combined findings.

    Args:
        probability: of each label: a number, or an array with one for each film.
        combined: finding -> labels whose probabilities add up to it.

    Returns:
        The labels in their order, then the combined findings.
    """
    found = dict(probability)
    for finding, (first, *others) in combined.items():
        total = probability[first]
        for label in others:
            total = total + probability[label]
        found[finding] = total
    return found

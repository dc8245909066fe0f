"""The catalogue of model cards: one checked JSON file per model under assets/models.

A user's own models lie in another folder of the same layout, named by the environment variable
RADLENS_MODELS. One with the id of a shipped model stands in its place.
"""

from __future__ import annotations

import functools
import json
import os
import types
import typing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from xray_models import NONE_OF_THESE, PARTS
from xray_models.preparing import GEOMETRIES, SCALINGS

TASKS = ("body-part", "bone", "chest")
ACTIVATIONS = ("sigmoid", "softmax")
USER_FOLDER = "RADLENS_MODELS"
"""Environment variable that names the folder of a user's own models."""


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
    """What the weights were made from."""

    data: tuple[str, ...]
    films: int
    groups: int
    start: str
    note: str


@dataclass(frozen=True)
class Figure:
    """A measured value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class HeldOut:
    """The held-out predictions and the figures computed from them.

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
        """How many films, in words: "1,195 crops and 327 whole films"."""
        return count_films(self.films, self.crops)


def count_films(films: int, crops: int = 0) -> str:
    """A number of films in words, crops around a part told apart from whole films."""
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
    """How a model compares with another that reads the same films, on films new to both.

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
class Explanation:
    """How a model's maps are made where nobody asks for another way.

    Attributes:
        method: id of a method of `xray_models.explain`.
        layer: where it looks; empty for the last activation.
        reason: what was measured that speaks for it; empty where nothing was.
    """

    method: str = "grad-cam"
    layer: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """METHOD or METHOD@LAYER, as commands take it."""
        return f"{self.method}@{self.layer}" if self.layer else self.method


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
            detector's thresholds are the least probability at which it routes to a part.
        held_out: left out for a model that was not measured here.
        asked: which held-out films count most, where others are among them.
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

    @property
    def multi_label(self) -> bool:
        """Whether a film may have several of the labels, or none: each has its own sigmoid."""
        return self.activation == "sigmoid" and len(self.labels) > 1

    @property
    def findings(self) -> tuple[str, ...]:
        """What can be judged by itself: the labels, then the combined findings."""
        return (*self.labels, *self.combined)

    @property
    def measured(self) -> bool:
        """Whether there are held-out predictions; a user's own model may have none."""
        return bool(self.held_out.table)

    @property
    def folder(self) -> Path:
        """Where the card is from: the folder of the user's own models, or the assets."""
        own = user_folder()
        return own if own is not None and _load(own).get(self.id) == self else assets()

    @property
    def weights_path(self) -> Path:
        """Where the weights lie."""
        return self.folder / "weights" / self.weights.file

    @property
    def table_path(self) -> Path:
        """Where the held-out predictions lie."""
        return self.folder / "held_out" / self.held_out.table

    def members(self, finding: str) -> tuple[str, ...]:
        """The labels whose probabilities add up to `finding`."""
        return self.combined.get(finding, (finding,))


def assets() -> Path:
    """The assets folder: the environment variable RADLENS_ASSETS, else the repository's own."""
    return Path(
        os.environ.get("RADLENS_ASSETS") or Path(__file__).resolve().parent.parent / "assets"
    )


def user_folder() -> Path | None:
    """The folder of the user's own models, where RADLENS_MODELS names one.

    Raises:
        CatalogueError: it names something else.
    """
    name = os.environ.get(USER_FOLDER)
    if not name:
        return None
    if not Path(name).is_dir():
        raise CatalogueError(
            f"{USER_FOLDER} is {name!r}, which is no folder. Name the folder that `import` wrote "
            "your models to, or unset it."
        )
    return Path(name)


def catalogue() -> dict[str, Card]:
    """Every card by id, in alphabetical order; a user's own model before a shipped one.

    Raises:
        CatalogueError: a card is malformed or its weights are missing.
    """
    own = user_folder()
    if own is None:
        return _load(assets())
    return dict(sorted((_load(assets()) | _load(own)).items()))


def refresh() -> None:
    """Read the cards again at the next look-up, after one was published."""
    _load.cache_clear()


def get(model: str) -> Card:
    """The card of one model.

    Raises:
        CatalogueError: no such model; the message lists those there are.
    """
    cards = catalogue()
    if model not in cards:
        raise CatalogueError(f"There is no model {model!r}. Models: {', '.join(cards) or 'none'}.")
    return cards[model]


def for_part(part: str) -> list[Card]:
    """The models that read a body part.

    A chest goes to every chest model. A bone part goes to its own model where there is one that is
    at least as good as its rival for several parts, else to the models that read several parts.
    """
    cards = [card for card in catalogue().values() if part in card.parts]
    own = [card for card in cards if card.task == "bone" and card.parts == (part,)]
    better = [card for card in own if card.rival is None or card.rival.difference.value >= 0]
    return better or [card for card in cards if card not in own] or own


@functools.lru_cache(maxsize=4)
def _load(folder: Path) -> dict[str, Card]:
    cards = {}
    for path in sorted((folder / "models").glob("*.json")):
        card = read_card(path)
        if not (folder / "weights" / card.weights.file).is_file():
            raise CatalogueError(
                f"{path.name}: the weights file {card.weights.file} is missing from "
                f"{folder / 'weights'}. Restore it from the repository, or remove the card."
            )
        cards[card.id] = card
    return cards


def read_card(path: Path) -> Card:
    """Read and check one card.

    Raises:
        CatalogueError: not JSON, an unknown or missing field, a wrong type or an impossible value.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path.name}: cannot be read as JSON ({error}).") from error
    card = _build(Card, raw, path.name)
    for problem in _problems(card, path):
        raise CatalogueError(f"{path.name}: {problem}")
    return typing.cast(Card, card)


def _problems(card: Card, path: Path) -> typing.Iterator[str]:
    from xray_models.networks import (
        ARCHITECTURES,
    )  # brings TensorFlow, which listing can do without

    choices = {
        "task": TASKS,
        "activation": ACTIVATIONS,
        "geometry": GEOMETRIES,
        "scaling": SCALINGS,
        "architecture": ARCHITECTURES,
    }
    if card.id != path.stem:
        yield f"id is {card.id!r}, but the file is named {path.stem!r}."
    for name, known in choices.items():
        if getattr(card, name) not in known:
            yield f"{name} is {getattr(card, name)!r}; known are {', '.join(known)}."
    if unknown := [part for part in card.parts if part not in PARTS]:
        yield f"parts holds {unknown[0]!r}; known are {', '.join(PARTS)}."
    if not card.labels or len(set(card.labels)) != len(card.labels):
        yield "labels must be a list of different names."
    if card.task == "body-part" and set(card.labels) != {*PARTS, NONE_OF_THESE}:
        yield "a body-part detector's labels must be the eight parts and 'none of these'."
    if card.activation == "softmax" and len(card.labels) == 1:
        yield "a softmax over one label is always 1; its activation must be 'sigmoid'."
    if card.multi_label:
        yield from _multi_label_problems(card)
    if (card.scaling == "z-score") != _usable(card.mean_std):
        yield "mean_std must be [mean, standard deviation above 0] for the scaling 'z-score' only."
    if min(card.input_size) < 32:
        yield "input_size must be at least 32 x 32."
    if len(card.calibration.bias) != len(card.labels) or card.calibration.temperature <= 0:
        yield "calibration needs a temperature above 0 and one bias per label."
    for finding, labels in card.combined.items():
        if not set(labels) <= set(card.labels):
            yield f"combined[{finding!r}] names a label that the model does not have."
    for finding, threshold in card.thresholds.items():
        if finding not in card.labels and finding not in card.combined:
            yield f"thresholds has {finding!r}, which is neither a label nor combined."
        if not 0 < threshold < 1:
            yield f"threshold of {finding!r} is {threshold}, not between 0 and 1."
    if not card.thresholds:
        yield "thresholds is empty: nothing would be a finding."


def _usable(mean_std: tuple[float, ...]) -> bool:
    return len(mean_std) == 2 and mean_std[1] > 0


def _multi_label_problems(card: Card) -> typing.Iterator[str]:
    if card.task == "body-part":
        yield "a body-part detector's activation must be 'softmax': a film shows one part."
    if card.combined:
        yield "combined adds up labels that exclude each other; a multi-label model's do not."
    if wrong := [label for label in card.labels if "|" in label or label == "none"]:
        yield f"labels holds {wrong[0]!r}; '|' and 'none' have their own meaning in its table."


def _build(kind: Any, raw: Any, where: str) -> Any:
    """Fill a dataclass, tuple, dict or plain type from JSON, with errors that name the place."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        if not isinstance(raw, dict):
            raise CatalogueError(f"{where}: must be an object, not {type(raw).__name__}.")
        hints = typing.get_type_hints(kind)
        known = {entry.name: entry for entry in fields(kind)}
        if unknown := [name for name in raw if name not in known]:
            raise CatalogueError(f"{where}: unknown field {unknown[0]!r}.")
        for name, entry in known.items():
            if name not in raw and entry.default is MISSING and entry.default_factory is MISSING:
                raise CatalogueError(f"{where}: the field {name!r} is missing.")
        return typing.cast(Any, kind)(
            **{name: _build(hints[name], raw[name], f"{where}: {name}") for name in raw}
        )
    if origin is tuple:
        variable = len(arguments) == 2 and arguments[1] is Ellipsis
        if not isinstance(raw, list) or not (variable or len(raw) == len(arguments)):
            wanted = "a list" if variable else f"a list of {len(arguments)}"
            raise CatalogueError(f"{where}: must be {wanted}, not {raw!r}.")
        kinds = [arguments[0]] * len(raw) if variable else arguments
        return tuple(_build(one, value, where) for one, value in zip(kinds, raw, strict=True))
    if origin is dict:
        if not isinstance(raw, dict):
            raise CatalogueError(f"{where}: must be an object, not {raw!r}.")
        return {key: _build(arguments[1], value, f"{where}[{key!r}]") for key, value in raw.items()}
    if isinstance(kind, types.UnionType):  # X | None
        wanted_kind = next(one for one in arguments if one is not type(None))
        return None if raw is None else _build(wanted_kind, raw, where)
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if not isinstance(raw, kind) or (isinstance(raw, bool) and kind is not bool):
        raise CatalogueError(f"{where}: must be {kind.__name__}, not {raw!r}.")
    return raw

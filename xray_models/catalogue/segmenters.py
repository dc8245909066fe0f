"""Cards of segmentation networks, which say of each pixel what it shows: assets/segmenters."""

from __future__ import annotations

import functools
import json
import typing
from dataclasses import dataclass, field
from pathlib import Path

from xray_models.catalogue.cards import CatalogueError, HeldOut, Training, WeightsFile
from xray_models.catalogue.registry import assets, require_weights
from xray_models.catalogue.schema import build
from xray_models.networks import segmentation
from xray_models.radiograph.preprocess import GEOMETRIES, SCALINGS

__all__ = [
    "LUNGS",
    "SegmenterCard",
    "read_segmenter",
    "refresh",
    "segmenters",
    "table_path",
    "weights_path",
]

LUNGS = "chest-lungs"
"""Id of the network that finds the lungs."""


@dataclass(frozen=True)
class SegmenterCard:
    """Everything that pages, commands and tests need to know of a segmentation network.

    Attributes:
        id: name in commands; also the card's file name.
        parts: body parts whose films it reads.
        classes: of a pixel, one per channel of the logits, the background first.
        input_size: (height, width) in pixels.
        held_out: its table has a row per film.
        checks: name of a check on films with masks of less worth -> its table.
    """

    id: str
    name: str
    parts: tuple[str, ...]
    architecture: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    geometry: str
    scaling: str
    weights: WeightsFile
    training: Training
    intended_use: str
    limits: tuple[str, ...]
    references: tuple[str, ...]
    held_out: HeldOut
    checks: dict[str, HeldOut] = field(default_factory=dict)


def segmenters() -> dict[str, SegmenterCard]:
    """Every segmentation network that ships, by id; none in a folder of assets without any.

    Raises:
        CatalogueError: a card is malformed or its weights are missing.
    """
    return _load(assets())


def refresh() -> None:
    """Read the cards again at the next look-up, after one was published."""
    _load.cache_clear()


def read_segmenter(path: Path) -> SegmenterCard:
    """Read and check one card.

    Raises:
        CatalogueError: not JSON, an unknown or missing field, a wrong type or an impossible value.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path.name}: cannot be read as JSON ({error}).") from error
    card = typing.cast(SegmenterCard, build(SegmenterCard, raw, path.name))
    for problem in _problems(card, path):
        raise CatalogueError(f"{path.name}: {problem}")
    return card


def table_path(held_out: HeldOut) -> Path:
    """Path of a table of held-out films, or of a check."""
    return assets() / "held_out" / held_out.table


def weights_path(card: SegmenterCard) -> Path:
    """Path of a network's weights."""
    return assets() / "weights" / card.weights.file


def _problems(card: SegmenterCard, path: Path) -> typing.Iterator[str]:
    choices = {
        "geometry": GEOMETRIES,
        "scaling": SCALINGS,
        "architecture": segmentation.ARCHITECTURES,
    }
    if card.id != path.stem:
        yield f"id is {card.id!r}, but the file is named {path.stem!r}."
    for name, known in choices.items():
        if getattr(card, name) not in known:
            yield f"{name} is {getattr(card, name)!r}; known are {', '.join(known)}."
    if len(card.classes) < 2 or len(set(card.classes)) != len(card.classes):
        yield "classes must be a list of two or more different names."
    if any(side < segmentation.STEP or side % segmentation.STEP for side in card.input_size):
        yield f"input_size must be multiples of {segmentation.STEP}."


@functools.lru_cache(maxsize=4)
def _load(folder: Path) -> dict[str, SegmenterCard]:
    cards = {}
    for path in sorted((folder / "segmenters").glob("*.json")):
        card = read_segmenter(path)
        require_weights(folder, path, card.weights)
        cards[card.id] = card
    return cards

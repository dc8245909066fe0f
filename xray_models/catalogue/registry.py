"""Registry of cards: shipped ones, and a user's own in their place."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from pathlib import Path

from xray_models.catalogue.cards import Card, CatalogueError, WeightsFile
from xray_models.catalogue.schema import read_card

__all__ = [
    "CACHE",
    "USER_FOLDER",
    "app_folder",
    "assets",
    "cache_folder",
    "catalogue",
    "folder",
    "folder_of",
    "for_part",
    "for_parts",
    "get",
    "is_own",
    "own_models",
    "refresh",
    "require_weights",
    "shipped",
    "table_path",
    "user_folder",
    "weights_path",
]

USER_FOLDER = "RADLENS_MODELS"
"""Environment variable that names the folder of a user's own models."""
CACHE = "RADLENS_CACHE"
"""Environment variable that names the folder of what can be made or fetched again, or is "off"."""


def app_folder() -> Path:
    """The folder of main.py, pages and assets: an installed package's own, else the repository."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_app"  # pyproject.toml puts it into the wheel; a checkout has none
    return installed if installed.is_dir() else package.parent


def assets() -> Path:
    """The assets folder: the environment variable RADLENS_ASSETS, else the app's own."""
    return Path(os.environ.get("RADLENS_ASSETS") or app_folder() / "assets")


def cache_folder() -> Path | None:
    """The folder of what can be made or fetched again: RADLENS_CACHE, else in the user's cache.

    Returns:
        None where RADLENS_CACHE is "off". It need not exist.
    """
    named = os.environ.get(CACHE, "").strip()
    if named.lower() == "off":
        return None
    return Path(named) if named else _users_cache()


@functools.cache
def _users_cache() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("radlens"))


def own_models() -> Path | None:
    """The folder that imported models go to: RADLENS_MODELS, else one in the cache folder.

    Returns:
        None where there is no cache folder either. It need not exist.
    """
    named, cache = os.environ.get(USER_FOLDER), cache_folder()
    if named:
        return Path(named)
    return None if cache is None else cache / "own"


def user_folder() -> Path | None:
    """The folder of the user's own models: RADLENS_MODELS, else the cache's, where it exists.

    Raises:
        CatalogueError: RADLENS_MODELS names something else.
    """
    name = os.environ.get(USER_FOLDER)
    if not name:
        own = own_models()
        return own if own is not None and (own / "models").is_dir() else None
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


def shipped() -> dict[str, Card]:
    """Every card that ships with RadLens by id, also where a user's own model stands in its place.

    Raises:
        CatalogueError: a card is malformed or its weights are missing.
    """
    return dict(_load(assets()))


def is_own(card: Card) -> bool:
    """Whether a model is from the folder of the user's own models."""
    return folder(card) != assets()


def refresh() -> None:
    """Read the cards again at the next look-up, after one was published."""
    _load.cache_clear()


def get(model: str) -> Card:
    """Card of one model.

    Raises:
        CatalogueError: no such model; the message lists those there are.
    """
    cards = catalogue()
    if model not in cards:
        raise CatalogueError(f"There is no model {model!r}. Models: {', '.join(cards) or 'none'}.")
    return cards[model]


def for_part(part: str) -> list[Card]:
    """Models that read a body part.

    A chest goes to every chest model. A bone part goes to its own model where there is one that is
    at least as good as its rival for several parts, else to the models that read several parts.
    """
    cards = [card for card in catalogue().values() if part in card.parts]
    own = [card for card in cards if card.task == "bone" and card.parts == (part,)]
    better = [card for card in own if card.rival is None or card.rival.difference.value >= 0]
    return better or [card for card in cards if card not in own] or own


def for_parts(parts: Iterable[str]) -> list[Card]:
    """The models that read any of some body parts, each once."""
    return list({card.id: card for part in parts for card in for_part(part)}.values())


def folder(card: Card) -> Path:
    """Folder that a card is from: the folder of the user's own models, or the assets."""
    own = user_folder()
    return own if own is not None and _load(own).get(card.id) == card else assets()


def folder_of(model: str) -> Path:
    """Folder that a model of some id is from, for what was measured of it: as `folder`, by its id.

    A user's own model in the place of a shipped one has none of what was measured of that.
    """
    own = user_folder()
    return own if own is not None and model in _load(own) else assets()


def weights_path(card: Card) -> Path:
    """Path of a model's weights."""
    return folder(card) / "weights" / card.weights.file


def table_path(card: Card) -> Path:
    """Path of a model's held-out predictions."""
    return folder(card) / "held_out" / card.held_out.table


def require_weights(folder: Path, card: Path, weights: WeightsFile) -> None:
    """Refuse a card whose weights are not beside it.

    Args:
        folder: that holds weights/.
        card: file of the card, for the message.
        weights: that the card names.

    Raises:
        CatalogueError: they are missing.
    """
    if not (folder / "weights" / weights.file).is_file():
        raise CatalogueError(
            f"{card.name}: the weights file {weights.file} is missing from "
            f"{folder / 'weights'}. Restore it from the repository, or remove the card."
        )


@functools.lru_cache(maxsize=4)
def _load(folder: Path) -> dict[str, Card]:
    cards = {}
    for path in sorted((folder / "models").glob("*.json")):
        card = read_card(path)
        require_weights(folder, path, card.weights)
        cards[card.id] = card
    return cards

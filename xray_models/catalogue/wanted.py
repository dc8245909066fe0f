"""Models that RadLens has the recipe of and no weights: assets/wanted. Bring or train them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xray_models.catalogue.cards import CatalogueError
from xray_models.catalogue.registry import assets, catalogue
from xray_models.catalogue.schema import build

__all__ = ["Wanted", "wanted"]


@dataclass(frozen=True)
class Wanted:
    """Model without weights.

    Attributes:
        id: of the model, once it is there.
        name: for people.
        parts: body parts that it reads.
        labels: that it tells.
        bring: where the weights can come from, a sentence.
    """

    id: str
    name: str
    parts: tuple[str, ...]
    labels: tuple[str, ...]
    bring: str

    @property
    def sentence(self) -> str:
        """What is missing, and what to do."""
        return f"{self.id}, {self.name}. Its weights are not here. {self.bring}"


def wanted(parts: Iterable[str] | None = None) -> list[Wanted]:
    """Models that are wanted, but for those that the user has brought.

    Args:
        parts: only those that read one of these body parts.

    Raises:
        CatalogueError: a file of assets/wanted is malformed.
    """
    there = catalogue()
    asked = None if parts is None else set(parts)
    return [
        one
        for one in _read(assets() / "wanted")
        if one.id not in there and (asked is None or asked & set(one.parts))
    ]


@functools.cache
def _read(folder: Path) -> tuple[Wanted, ...]:
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CatalogueError(f"{path.name}: cannot be read as JSON ({error}).") from error
        found.append(cast(Wanted, build(Wanted, raw, path.name)))
    return tuple(found)

"""Speed of each model on one film, as `benchmarks/models.py` measured it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from xray_models.catalogue.cards import Card, CatalogueError
from xray_models.catalogue.registry import assets

__all__ = ["COLUMNS", "FILE", "Speed", "speeds"]

FILE = "speed.csv"
"""Name of the table among the assets."""
COLUMNS = ("model", "weights", "milliseconds", "low", "high", "films", "machine")


@dataclass(frozen=True)
class Speed:
    """Time that one model takes for one decoded film, once it is loaded.

    Attributes:
        model: id of the model.
        weights: sha256 of the weights that were timed.
        milliseconds: median.
        low, high: quartiles, in milliseconds.
        films: how many films were timed.
        machine: where: "two cores of an AMD EPYC".
    """

    model: str
    weights: str
    milliseconds: float
    low: float
    high: float
    films: int
    machine: str

    def of(self, card: Card) -> bool:
        """Whether it is of the weights that the card names now."""
        return self.weights == card.weights.sha256


def speeds(path: Path | None = None) -> dict[str, Speed]:
    """Speed of each model that was timed, by id; empty where there is no table.

    Args:
        path: of the table; by default among the assets.

    Raises:
        CatalogueError: the table cannot be used.
    """
    path = path or assets() / FILE
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.DictReader(file)
            if tuple(lines.fieldnames or ()) != COLUMNS:
                raise CatalogueError(f"{path.name}: its columns must be {', '.join(COLUMNS)}.")
            found = [_speed(line) for line in lines]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        if isinstance(error, CatalogueError):
            raise
        raise CatalogueError(
            f"{path.name}: cannot be read as a table of speeds ({error}). Measure anew: "
            "python -m benchmarks.models"
        ) from error
    return {one.model: one for one in found}


def _speed(line: dict[str, str]) -> Speed:
    return Speed(
        line["model"],
        line["weights"],
        float(line["milliseconds"]),
        float(line["low"]),
        float(line["high"]),
        int(line["films"]),
        line["machine"],
    )

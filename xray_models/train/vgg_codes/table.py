"""Table films.csv beside stored codes: file, label, group and hash of each image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from xray_models.datasets import Film
from xray_models.train.vgg_codes.store import CodesError

__all__ = ["Labeled", "read", "write"]

_NAME = "films.csv"
_COLUMNS = ("file", "label", "group", "sha256")


@dataclass(frozen=True, eq=False)
class Labeled:
    """Labeled images with codes.

    Attributes:
        rows: file, label, group, sha256; all str.
        labels: class names in alphabetical order.
    """

    rows: pd.DataFrame
    labels: tuple[str, ...]


def write(folder: Path, films: list[Film], labels: tuple[str, ...]) -> None:
    """Write the table of the films that the folder of codes was last run on."""
    rows = [(film.image, labels[film.truth], film.group, film.facts["sha256"]) for film in films]
    pd.DataFrame(rows, columns=list(_COLUMNS)).to_csv(
        folder / _NAME, index=False, lineterminator="\n"
    )


def read(folder: Path) -> Labeled:
    """Read the table.

    Raises:
        CodesError: it is missing or malformed.
    """
    path = folder / _NAME
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise CodesError(f"{path}: no such file. Run `codes` to its end first.") from None
    except (OSError, ValueError) as error:
        raise CodesError(f"{path}: cannot be read as CSV ({error}).") from error
    if missing := [name for name in _COLUMNS if name not in rows.columns]:
        raise CodesError(f"{path}: missing column(s) {', '.join(missing)}. Run `codes` again.")
    if rows.empty:
        raise CodesError(f"{path}: lists no image. Run `codes` again.")
    return Labeled(rows, tuple(sorted(rows["label"].unique())))

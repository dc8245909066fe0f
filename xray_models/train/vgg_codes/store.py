"""Store of codes on disk: computed once per image, found again by the hash of its file.

A folder with settings.json (what the codes are), codes-00000.npy... (shards, float16 of shape
(images, versions, rows, columns, channels)), and index.csv (hash, shard, row). A shard is written
whole before the index names it, so a killed run loses at most one shard.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from xray_models.networks.vgg_codes import POOLS
from xray_models.train.run_folder.atomic_write import atomic_write

__all__ = ["CodesError", "Settings", "Store"]

_SETTINGS = "settings.json"
_LINE = re.compile(r"[0-9a-f]{64},[0-9]+,[0-9]+")


class CodesError(Exception):
    """Stored codes cannot be used; the message names the folder and says what to do."""


@dataclass(frozen=True)
class Settings:
    """Settings that codes were computed with: codes of others cannot be compared.

    Attributes:
        start: pretrained start of VGG16, see `train.pretrained`.
        input_size: (height, width) in pixels.
        geometry: how images are brought to that size, see `preprocess.resize`.
        scaling: how gray values are scaled, see `preprocess.scale`.
        versions: codes per image: the image itself, its mirror image, then random crops.
    """

    start: str = "hed"
    input_size: tuple[int, int] = (224, 224)
    geometry: str = "fit"
    scaling: str = "hed"
    versions: int = 1


class Store:
    """Codes of images, by the sha256 of their files.

    Args:
        folder: made, where settings are given, with the first codes: who fails before leaves none.
        settings: what the codes are; None takes those of the folder.

    Raises:
        CodesError: there are no codes, or codes of other settings.
    """

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder = folder
        self.settings = _agreed(folder / _SETTINGS, settings)
        self._rows: dict[str, tuple[int, int]] = {}
        index = folder / "index.csv"
        lines = index.read_text(encoding="ascii").splitlines() if index.is_file() else []
        for line in lines:
            # a run killed while writing leaves part of a line; a shard may have been deleted
            if _LINE.fullmatch(line):
                image, shard, row = line.split(",")
                if self._shard(int(shard)).is_file():
                    self._rows[image] = (int(shard), int(row))
        if len(self._rows) != len(lines):
            _replace(index, "".join(f"{self._line(image)}\n" for image in self._rows))

    def __contains__(self, image: str) -> bool:
        return image in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def begin(self) -> None:
        """Make the folder, and write down what its codes are, unless that is done."""
        path = self.folder / _SETTINGS
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(path, json.dumps(asdict(self.settings), indent=2) + "\n")

    def add(self, images: Sequence[str], codes: np.ndarray) -> None:
        """Write a shard.

        Args:
            images: sha256 of each file.
            codes: (images, versions, rows, columns, channels).
        """
        self.begin()
        shard = 1 + max((one for one, _ in self._rows.values()), default=-1)
        with atomic_write(self._shard(shard)) as part:
            np.save(part, codes.astype(np.float16), allow_pickle=False)
        with (self.folder / "index.csv").open("a", encoding="ascii") as file:
            for row, image in enumerate(images):
                self._rows[image] = (shard, row)
                file.write(f"{self._line(image)}\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self, images: Iterable[str], pool: str) -> np.ndarray:
        """Codes of images, as the network on them reads them.

        Args:
            images: sha256 of each file, in the order wanted.
            pool: "mean" over the grid, or "flatten".

        Returns:
            float32 of shape (images, versions, features).

        Raises:
            CodesError: an image has no codes, or a shard is damaged.
            ValueError: for an unknown kind of pooling.
        """
        if pool not in POOLS:
            raise ValueError(f"Unknown pooling {pool!r}. Known: {', '.join(POOLS)}.")
        wanted = list(images)
        if missing := [image for image in wanted if image not in self._rows]:
            raise CodesError(
                f"{self.folder} has no codes of {len(missing)} of {len(wanted)} images. "
                "Run `codes` again on the folder with the images."
            )
        by_shard: dict[int, list[int]] = {}
        for position, image in enumerate(wanted):
            by_shard.setdefault(self._rows[image][0], []).append(position)
        found: np.ndarray | None = None
        for shard, positions in sorted(by_shard.items()):
            inside = self._load(shard)[[self._rows[wanted[one]][1] for one in positions]]
            grid = inside.astype(np.float32)
            flat = grid.mean(axis=(2, 3)) if pool == "mean" else grid.reshape(*grid.shape[:2], -1)
            if found is None:
                found = np.empty((len(wanted), *flat.shape[1:]), np.float32)
            found[positions] = flat
        if found is None:
            raise CodesError(f"No image to read from {self.folder}.")
        return found

    def _load(self, shard: int) -> np.ndarray:
        try:
            return np.asarray(np.load(self._shard(shard), mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError) as error:
            path = self._shard(shard)
            raise CodesError(
                f"{path} is damaged. Delete it and run `codes` again: only its images are redone."
            ) from error

    def _shard(self, shard: int) -> Path:
        return self.folder / f"codes-{shard:05d}.npy"

    def _line(self, image: str) -> str:
        shard, row = self._rows[image]
        return f"{image},{shard},{row}"


def _agreed(path: Path, settings: Settings | None) -> Settings:
    if not path.is_file():
        if settings is None:
            raise CodesError(f"{path.parent} holds no codes. Compute them with `codes` first.")
        return settings
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        stored = Settings(**raw | {"input_size": tuple(raw["input_size"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CodesError(f"{path} cannot be read ({error}). Choose another folder.") from error
    if settings not in (None, stored):
        raise CodesError(
            f"{path.parent} holds codes of other settings: {asdict(stored)}. "
            "Give the same settings, or choose another folder."
        )
    return stored


def _replace(path: Path, text: str) -> None:
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")

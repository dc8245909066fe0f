"""Atomic writing: a file is whole or not there, wherever a program is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["PART", "atomic_write"]

PART = "part-"
"""How the name of a file begins that is still being written."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Lend a path to write to, in the same folder; what is there then takes the place of `path`.

    Args:
        path: of the file. Its ending stays, for writers that look at it.
    """
    part = path.with_name(PART + path.name)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())  # or the new name may reach the disk before what it names
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)

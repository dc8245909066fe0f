"""Check of a data set before anything is trained on it: stop, or go on with what is whole."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from xray_models.datasets.films import Film
from xray_models.datasets.problems import (
    MOST_NAMED,
    DataSetError,
    Problem,
    collecting,
    summary,
)

__all__ = ["Splits", "checked", "log"]

log = logging.getLogger(__name__)

Splits = dict[str, list[Film]]


def checked(read: Callable[[Path], Splits], lenient: bool = False) -> Callable[[Path], Splits]:
    """Reader that also decodes every film once, and tells all problems together.

    What is drawn at random is drawn before films are left out, so that the others stay the same.

    Args:
        read: data folder -> films by split, such as `Recipe.films`.
        lenient: log what is missing or malformed and leave it out; otherwise stop.

    Returns:
        Data folder -> films by split. It raises DataSetError where a table is missing, where a
        split is left without films, or, unless lenient, where anything is missing or malformed.
    """

    def films(data: Path) -> Splits:
        with collecting() as problems:
            splits = read(data)
        flawed = _flawed(splits)
        found = [*problems, *(one for one in flawed.values() if one not in problems)]
        if found and not lenient:
            raise DataSetError(
                f"{summary(found)} Mend the data, or go on without these films (--lenient)."
            )
        for problem in found[:MOST_NAMED]:
            log.warning("left out: %s", problem)
        if len(found) > MOST_NAMED:
            log.warning("left out: %d more", len(found) - MOST_NAMED)
        kept = {
            split: [film for film in some if film.path not in flawed]
            for split, some in splits.items()
        }
        empty = [split for split, some in kept.items() if splits[split] and not some]
        if empty:
            raise DataSetError(
                f"{data}: no film is left for {' and '.join(empty)}. {summary(found)}"
            )
        return kept

    return films


def _flawed(splits: Splits) -> dict[Path, Problem]:
    once = {film.path: film for some in splits.values() for film in some}
    with ThreadPoolExecutor() as pool:
        flaws = tqdm(pool.map(lambda film: film.flaw(), once.values()), "look at films", len(once))
        return {
            path: Problem(*film.where, flaw)
            for (path, film), flaw in zip(once.items(), flaws, strict=True)
            if flaw
        }

"""Identical films: the same content under several names, as public collections have them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

from xray_models.datasets.films import Film

__all__ = ["once"]


def once(names: Iterable[str], films: Mapping[str, Film]) -> dict[str, list[str]]:
    """Names in their order, each film once: the first name it has -> its other names.

    Films are identical when their files hold the same bytes and the same region is shown. Only
    files of the same size are read.

    Args:
        names: of films, all of them in `films`.
        films: by name; a file that is gone is identical to none.
    """
    names = list(names)
    sizes: dict[str, int] = {}
    for name in names:
        try:
            sizes[name] = films[name].path.stat().st_size
        except OSError:
            sizes[name] = -1
    of_size: dict[int, set[object]] = defaultdict(set)
    for name in names:
        of_size[sizes[name]].add(films[name].path)
    seen: dict[object, str] = {}
    found: dict[str, list[str]] = {}
    for name in names:
        film = films[name]
        alone = sizes[name] < 0 or len(of_size[sizes[name]]) == 1
        content: object = film.path if alone else _content(film)
        first = seen.setdefault((content, film.box), name)
        if first == name:
            found[name] = []
        else:
            found[first].append(name)
    return found


def _content(film: Film) -> object:
    try:
        return hashlib.sha256(film.path.read_bytes()).hexdigest()
    except OSError:
        return film.path

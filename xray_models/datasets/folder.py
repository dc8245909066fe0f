"""Folder of labeled images: a sub-folder per class, or a table with file and label.

Files with the same bytes are one image under several names: they share a group, so that no split
can part them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from xray_models.datasets.films import Film, rows
from xray_models.datasets.problems import DataSetError

__all__ = ["LabeledFolder", "read", "sha256", "without"]


@dataclass(frozen=True)
class LabeledFolder:
    """Films, labels and problems of a folder.

    Attributes:
        films: one per file, in the order of their names; truth indexes `labels`, and
            `facts["sha256"]` is the file's hash.
        labels: class names in alphabetical order.
        problems: a sentence per file or line that was left out.
    """

    films: list[Film]
    labels: tuple[str, ...]
    problems: tuple[str, ...]


def read(folder: Path, table: Path | None = None, stop: bool = False) -> LabeledFolder:
    """List the labeled images of a folder. Nothing is decoded yet.

    Args:
        folder: with one sub-folder per class; with a table, files anywhere below it. Files whose
            name begins with a dot are passed over.
        table: CSV with the columns "file" (relative to `folder`), "label" and optionally "group"
            (patient): images of one group are never parted by a split. Without it each file is a
            group of its own.
        stop: raise at the first problem rather than leave the file out.

    Returns:
        The films, each with the group of all films that it must stay with.

    Raises:
        DataSetError: there is no such folder or table, fewer than two labels, or, with `stop`, any
            file or line that cannot be used.
    """
    if not folder.is_dir():
        raise DataSetError(f"{folder}: no such folder. Name the folder that holds the images.")
    problems: list[str] = []
    found: list[tuple[str, str, str]] = []
    for name, label, group, problem in _listed(folder, table):
        if not problem:
            found.append((name, label, group))
        elif stop:
            raise DataSetError(problem)
        else:
            problems.append(problem)

    hashes = {name: sha256(folder / name) for name, _, _ in found}
    said: dict[str, set[str]] = {}
    for name, label, _ in found:
        said.setdefault(hashes[name], set()).add(label)
    kept = []
    for name, label, group in found:
        if len(said[hashes[name]]) > 1:
            labels = " and ".join(sorted(said[hashes[name]]))
            problem = f"{folder / name}: the same image is labeled {labels}. Decide for one."
            if stop:
                raise DataSetError(problem)
            problems.append(problem)
        else:
            kept.append((name, label, group))

    labels_found = tuple(sorted({label for _, label, _ in kept}))
    if len(labels_found) < 2:
        how = "in the column label" if table else "as sub-folders, one per class"
        raise DataSetError(
            f"{table or folder}: {len(labels_found)} label(s) with images found; at least two are "
            f"needed, {how}." + (f" First problem: {problems[0]}" if problems else "")
        )
    joined = _joined([(hashes[name], group) for name, _, group in kept])
    films = [
        Film(
            path=folder / name,
            image=name,
            group=joined[hashes[name]],
            truth=labels_found.index(label),
            facts={"sha256": hashes[name]},
        )
        for name, label, _ in kept
    ]
    return LabeledFolder(films, labels_found, tuple(problems))


def without(listed: LabeledFolder, problems: Mapping[str, str]) -> LabeledFolder:
    """Folder without the files that turned out unreadable.

    Args:
        listed: as `read` gives it.
        problems: sha256 of a file -> why it cannot be read.

    Raises:
        DataSetError: a label is left without any image.
    """
    films = [film for film in listed.films if film.facts["sha256"] not in problems]
    # a copy of an unreadable file is as unreadable
    why = [
        f"{film.path}: {problems[film.facts['sha256']]}"
        for film in listed.films
        if film.facts["sha256"] in problems
    ]
    for index, label in enumerate(listed.labels):
        if all(film.truth != index for film in films):
            raise DataSetError(f"No image labeled {label} can be read. First problem: {why[0]}")
    return replace(listed, films=films, problems=(*listed.problems, *why))


def sha256(path: Path) -> str:
    """Hash of a file's content, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _listed(folder: Path, table: Path | None) -> Iterator[tuple[str, str, str, str]]:
    """File relative to the folder, label, group or "", problem or ""."""
    if table is None:
        for path in sorted(folder.glob("*/**/*")):
            parts = path.relative_to(folder).parts
            if path.is_file() and not any(part.startswith(".") for part in parts):
                yield "/".join(parts), parts[0], "", ""
        return
    seen: set[str] = set()
    for line, row in rows(table, ("file", "label")):
        name, label = row["file"].strip(), row["label"].strip()
        where = f"{table}, line {line}"
        if not name or not label:
            problem = f"{where}: file and label must not be empty."
        elif not (folder / name).resolve().is_relative_to(folder.resolve()):
            problem = f"{where}: {name} lies outside of {folder}."
        elif not (folder / name).is_file():
            problem = f"{where}: {folder / name} does not exist."
        elif name in seen:
            problem = f"{where}: {name} was listed before. List each file once."
        else:
            problem = ""
        seen.add(name)
        yield name, label, (row.get("group") or "").strip(), problem


def _joined(found: list[tuple[str, str]]) -> dict[str, str]:
    """Hash -> group, where images of one group and groups of one image are one (union-find)."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for image, group in found:
        # the hash alone names an image without a group: the same in every folder it lies in
        one, other = root(f"image {image}"), root(f"group {group}" if group else f"image {image}")
        # named groups win, and of these the first in the alphabet, whatever the order of the files
        low, high = sorted((one, other))
        parent[high] = low
    return {image: root(f"image {image}").split(" ", 1)[1] for image, _ in found}

"""Cross-validation by group: every film is predicted by a network that never saw its group."""

from __future__ import annotations

import hashlib

from xray_models.datasets import Film

__all__ = ["SHIPPED", "fold_of", "splits"]

SHIPPED = "fold-1"
"""The training whose weights ship: there are films that they never saw, to explain and to judge."""


def fold_of(group: str, folds: int, seed: int = 0) -> int:
    """Fold of a group, 0 to folds - 1: the same for every model and machine."""
    digest = hashlib.sha256(f"folds:{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % folds


def splits(films: dict[str, list[Film]], folds: int) -> dict[str, dict[str, list[Film]]]:
    """Films of each training of a cross-validation.

    Args:
        films: {"folds": films to cross-validate, "train": films that only ever train (optional),
            but for those of groups that a fold holds out}.
        folds: how many.

    Returns:
        Name of the training ("fold-1", "fold-2", ...) -> {"train", "test"} -> films.
    """
    extra = films.get("train", [])
    number = [fold_of(film.group, folds) for film in films["folds"]]
    found: dict[str, dict[str, list[Film]]] = {}
    for fold in range(folds):
        inside = [film for film, one in zip(films["folds"], number, strict=True) if one == fold]
        held_out = {film.group for film in inside}
        extras = [film for film in extra if film.group not in held_out]
        rest = [film for film, one in zip(films["folds"], number, strict=True) if one != fold]
        found[f"fold-{fold + 1}"] = {"train": extras + rest, "test": inside}
    return found

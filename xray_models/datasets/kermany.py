"""Kermany et al. 2018 (doi 10.17632/rscbjbr9sj.2): chests of children, normal or pneumonia."""

from __future__ import annotations

from pathlib import Path

from xray_models.datasets.films import Film, film_rows
from xray_models.datasets.problems import tell

__all__ = ["LABELS", "films"]

LABELS = ("normal", "bacterial pneumonia", "viral pneumonia")
_TRUTH = {"normal": 0, "bacteria": 1, "virus": 2}
_SPLITS = ("train", "test")


def films(folder: Path, split: str) -> list[Film]:
    """Films of the published split "train" or "test"; truth indexes `LABELS`.

    Exact copies (same md5 of the original) count once. Person numbers of the published test split
    are left out of "train": the numbers restart, and whether they mean the same children is
    unknown.

    Raises:
        DataSetError: the label table is missing or malformed.
    """
    path = folder / "labels.csv"
    filled = ("split", "label", "patient", "md5_of_original")
    table = film_rows(path, filled, filled)
    in_test = {row["patient"] for _, row in table if row["split"] == "test"}
    seen: set[str] = set()
    found = []
    for line, row in table:
        if row["label"] not in _TRUTH:
            known = ", ".join(_TRUTH)
            tell(path, line, f"unknown label {row['label']!r}. Known: {known}.")
            continue
        if row["split"] not in _SPLITS:
            tell(path, line, f"split must be {' or '.join(_SPLITS)}, not {row['split']!r}.")
            continue
        if row["split"] != split or row["md5_of_original"] in seen:
            continue
        if split == "train" and row["patient"] in in_test:
            continue
        seen.add(row["md5_of_original"])
        found.append(
            Film(
                path=folder / row["image"],
                image=row["image"],
                group=f"kermany-{row['patient']}",
                truth=_TRUTH[row["label"]],
                facts={"source": "kermany"},
                listed=(path, line),
            )
        )
    return found

"""Kermany et al. 2018 (doi 10.17632/rscbjbr9sj.2): chests of children, normal or pneumonia."""

from __future__ import annotations

from pathlib import Path

from xray_models.datasets.films import DataSetError, Film, rows

LABELS = ("normal", "bacterial pneumonia", "viral pneumonia")
_TRUTH = {"normal": 0, "bacteria": 1, "virus": 2}


def films(folder: Path, split: str) -> list[Film]:
    """Films of the published split "train" or "test"; truth indexes `LABELS`.

    Exact copies (same md5 of the original) count once. Person numbers of the published test split
    are
    left out of "train": the numbers restart, and whether they mean the same children is unknown.

    Raises:
        DataSetError: the label table is missing or malformed.
    """
    path = folder / "labels.csv"
    table = list(rows(path, ("image", "split", "label", "patient", "md5_of_original")))
    in_test = {row["patient"] for _, row in table if row["split"] == "test"}
    seen: set[str] = set()
    found = []
    for line, row in table:
        if row["label"] not in _TRUTH:
            raise DataSetError(f"{path}, line {line}: unknown label {row['label']!r}.")
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
            )
        )
    return found

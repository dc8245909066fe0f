"""ChestX-ray14 (Wang et al. 2017, arXiv:1705.02315): chests, labels mined from reports."""

from __future__ import annotations

from pathlib import Path

from xray_models.datasets.films import Film, film_rows
from xray_models.datasets.problems import tell

__all__ = ["LABELS", "LEFT_OUT", "NO_FINDING", "films"]

LABELS = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""The 14 findings, in the order of CheXNet (arXiv:1711.05225)."""

NO_FINDING = "No Finding"


LEFT_OUT = {
    "00002827_001.jpg": "No Finding by its label, and shows an opaque half chest",
    "00002658_002.jpg": "an exact copy of 00002658_001.jpg",
}
"""Films whose findings must teach and measure nothing, and why."""

_COLUMNS = ("finding_labels", "patient_id", "age", "sex", "view", "rsna_class", "source")


def films(folder: Path, every: bool = False) -> list[Film]:
    """Films grouped by patient; truth 1 where any finding was reported.

    Args:
        folder: with labels.csv and images/.
        every: with those of `LEFT_OUT`.

    Raises:
        DataSetError: the label table is missing or malformed.
    """
    table = folder / "labels.csv"
    found = []
    for line, row in film_rows(table, _COLUMNS, filled=("finding_labels", "patient_id")):
        labels = row["finding_labels"].split("|")
        unknown = [label for label in labels if label not in (*LABELS, NO_FINDING)]
        if unknown:
            what = f"unknown finding {', '.join(unknown)}. Known: {', '.join(LABELS)}."
            tell(table, line, f"{row['image']} has the {what}")
        elif NO_FINDING in labels and len(labels) > 1:
            tell(table, line, f"{row['image']} has {NO_FINDING} beside findings. Decide for one.")
        elif every or row["image"] not in LEFT_OUT:
            found.append(_film(folder, row, (table, line)))
    return found


def _film(folder: Path, row: dict[str, str], listed: tuple[Path, int]) -> Film:
    return Film(
        path=folder / "images" / row["image"],
        image=row["image"],
        group=f"nih-{row['patient_id']}",
        truth=int(row["finding_labels"] != NO_FINDING),
        facts={
            "source": "nih",
            "findings": row["finding_labels"],
            "view": row["view"],
            "sex": row["sex"],
            "age_band": _age_band(row["age"]),
            "collection": row["source"],
            "rsna": row["rsna_class"],
        },
        listed=listed,
    )


def _age_band(age: str) -> str:
    years = int(age) if age.isdigit() else -1
    for low, high in ((0, 17), (18, 39), (40, 59), (60, 79), (80, 120)):
        if low <= years <= high:
            return f"{low}-{high}"
    return ""

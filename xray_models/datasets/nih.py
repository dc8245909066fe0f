"""ChestX-ray14 (Wang et al. 2017, arXiv:1705.02315): chests, labels mined from reports."""

from __future__ import annotations

from pathlib import Path

from xray_models.datasets.films import Film, rows

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


def films(folder: Path) -> list[Film]:
    """Every film, grouped by patient; truth 1 where any finding was reported.

    Raises:
        DataSetError: the label table is missing or malformed.
    """
    columns = (
        "image",
        "finding_labels",
        "patient_id",
        "age",
        "sex",
        "view",
        "rsna_class",
        "source",
    )
    return [
        Film(
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
        )
        for _, row in rows(folder / "labels.csv", columns)
    ]


def _age_band(age: str) -> str:
    years = int(age) if age.isdigit() else -1
    for low, high in ((0, 17), (18, 39), (40, 59), (60, 79), (80, 120)):
        if low <= years <= high:
            return f"{low}-{high}"
    return ""

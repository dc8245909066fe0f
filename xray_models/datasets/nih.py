"""ChestX-ray14 (Wang et al. 2017, arXiv:1705.02315): chests, labels mined from reports."""

from __future__ import annotations

from pathlib import Path

from xray_models.datasets.films import Film, rows


def films(folder: Path) -> list[Film]:
    """Every film, grouped by patient; truth 1 where any finding was reported.

    Raises:
        DataSetError: the label table is missing or malformed.
    """
    columns = ("image", "finding_labels", "patient_id", "sex", "view")
    return [
        Film(
            path=folder / "images" / row["image"],
            image=row["image"],
            group=f"nih-{row['patient_id']}",
            truth=int(row["finding_labels"] != "No Finding"),
            facts={"source": "nih", "view": row["view"], "sex": row["sex"]},
        )
        for _, row in rows(folder / "labels.csv", columns)
    ]

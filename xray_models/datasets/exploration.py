"""Exploration of a data set of studies before training: counts, views and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from tqdm import tqdm

from xray_models import radiograph
from xray_models.datasets.films import Film

__all__ = ["counts", "describe", "draw", "sizes", "views_per_study"]

_NORMAL, _ABNORMAL = "#4a7fa5", "#c46a3f"
_LABELS = ("normal", "abnormal")


def describe(films: dict[str, list[Film]]) -> pd.DataFrame:
    """Table of the films with the size of each picture; only the files' headers are read.

    Args:
        films: split -> films with the facts `part` and `study`.

    Returns:
        Columns split, part, label ("normal" or "abnormal"), group, study; width and height in
        pixels.

    Raises:
        UnreadableRadiograph: a file is missing or is no radiograph.
    """
    rows = []
    for split, some in films.items():
        for film in tqdm(some, f"sizes of {split}"):
            width, height = radiograph.size(film.path)
            rows.append(
                {
                    "split": split,
                    "part": film.facts["part"],
                    "label": _LABELS[film.truth],
                    "group": film.group,
                    "study": film.facts["study"],
                    "width": width,
                    "height": height,
                }
            )
    return pd.DataFrame(rows)


def counts(films: pd.DataFrame) -> pd.DataFrame:
    """Films, studies and patients by split, part and label, with totals.

    Args:
        films: as `describe` gives them.

    Returns:
        Columns split, part, films, studies, patients, abnormal films, abnormal studies, abnormal
        share (of the studies, 0..1). A patient with several parts counts once in the total "all".
    """
    rows = []
    for split, of_split in films.groupby("split", sort=False):
        parts = [(str(part), some) for part, some in of_split.groupby("part")]
        for part, some in [*parts, ("all", of_split)]:
            abnormal = some[some["label"] == "abnormal"]
            studies = some["study"].nunique()
            rows.append(
                {
                    "split": split,
                    "part": part,
                    "films": len(some),
                    "studies": studies,
                    "patients": some["group"].nunique(),
                    "abnormal films": len(abnormal),
                    "abnormal studies": abnormal["study"].nunique(),
                    "abnormal share": abnormal["study"].nunique() / studies,
                }
            )
    return pd.DataFrame(rows)


def views_per_study(films: pd.DataFrame) -> pd.DataFrame:
    """Studies by number of views: a row per part, a column per number, int."""
    studies = films.groupby(["part", "split", "study"]).size().rename("views").reset_index()
    return pd.crosstab(studies["part"], studies["views"])


def sizes(films: pd.DataFrame) -> pd.DataFrame:
    """Least, median and greatest width and height in pixels, and how many films are upright."""
    upright = films.assign(upright=films["height"] > films["width"])
    found = upright.groupby("part").agg(
        **{
            "narrowest": ("width", "min"),
            "median width": ("width", "median"),
            "widest": ("width", "max"),
            "lowest": ("height", "min"),
            "median height": ("height", "median"),
            "highest": ("height", "max"),
            "upright share": ("upright", "mean"),
        }
    )
    return found.reset_index()


def draw(films: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the figures as PNG: parts and labels, views per study, sizes.

    Args:
        films: as `describe` gives them.
        folder: made if absent.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "parts-and-labels.png": _parts_and_labels(films),
        "views-per-study.png": _views(films),
        "sizes.png": _sizes(films),
    }
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=150)
    return [folder / name for name in figures]


def _parts_and_labels(films: pd.DataFrame) -> Figure:
    splits = list(films["split"].unique())
    figure = Figure(figsize=(5 * len(splits) + 1, 4), layout="constrained")
    for axes, split in zip(figure.subplots(1, len(splits), squeeze=False)[0], splits, strict=True):
        studies = films[films["split"] == split].drop_duplicates("study")
        table = pd.crosstab(studies["part"], studies["label"]).reindex(
            columns=_LABELS, fill_value=0
        )
        axes.barh(table.index, table["normal"], color=_NORMAL, label="normal")
        axes.barh(
            table.index, table["abnormal"], left=table["normal"], color=_ABNORMAL, label="abnormal"
        )
        axes.set(title=str(split), xlabel="studies")
        axes.invert_yaxis()  # parts in alphabetical order from the top
        axes.legend(frameon=False)
    return figure


def _views(films: pd.DataFrame) -> Figure:
    table = views_per_study(films)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.bar([str(number) for number in table.columns], table.sum(), color=_NORMAL)
    axes.set(xlabel="views in a study", ylabel="studies")
    return figure


def _sizes(films: pd.DataFrame) -> Figure:
    parts: Sequence[str] = sorted(films["part"].unique())
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    for part in parts:
        some = films[films["part"] == part]
        axes.scatter(some["width"], some["height"], s=4, alpha=0.3, label=part)
    axes.set(xlabel="width, pixels", ylabel="height, pixels", aspect="equal")
    axes.legend(frameon=False, markerscale=3)
    return figure

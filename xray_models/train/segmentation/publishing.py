"""Publishing of a segmentation's run: half-precision weights, tables of overlap, card."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from xray_models.catalogue import Figure, HeldOut, assets
from xray_models.catalogue.segmenters import (
    SegmenterCard,
    read_segmenter,
    refresh,
)
from xray_models.datasets.lung_masks import EITHER, IGNORED, LEFT, RIGHT, LungFilm
from xray_models.evaluate import segmentation as figures
from xray_models.inference import lungs as reading
from xray_models.inference import weights
from xray_models.networks import segmentation
from xray_models.radiograph import Radiograph
from xray_models.train.run_folder.atomic_write import atomic_write
from xray_models.train.run_folder.checkpoint import BEST
from xray_models.train.run_folder.journal import CONFIG
from xray_models.train.segmentation.loop import dice
from xray_models.train.segmentation.recipe import CLASSES, SegmentationRecipe

__all__ = ["publish"]


def publish(recipe: SegmentationRecipe, data: Path, run: Path) -> SegmenterCard:
    """Write a run's weights, tables and measured card fields under assets/.

    The words of the card (name, limits, use...) are kept from assets/segmenters/MODEL.json, which
    must exist. Films are read as the app reads them, with the weights as they ship, and measured at
    the size of the masks.

    Args:
        recipe: what was trained.
        data: the data folder, as in training.
        run: the run folder, as in training.

    Returns:
        The updated card.

    Raises:
        DataSetError: the data folder is incomplete.
        CatalogueError: the resulting card is not valid.
        OSError: the run or the card is missing.
    """
    card_path = assets() / "segmenters" / f"{recipe.model}.json"
    raw = json.loads(card_path.read_text(encoding="utf-8"))
    config = json.loads((run / CONFIG).read_text(encoding="utf-8"))
    films = recipe.films(data)
    file = assets() / "weights" / f"{recipe.model}.safetensors"
    network = segmentation.build(recipe.architecture, recipe.input_size, len(CLASSES))
    network.load_weights(run / BEST)
    weights.save(network, file)
    raw |= {
        "id": recipe.model,
        "architecture": recipe.architecture,
        "classes": list(CLASSES),
        "input_size": list(recipe.input_size),
        "geometry": recipe.geometry,
        "scaling": recipe.scaling,
        "weights": raw["weights"] | weights.described(file),
        "training": raw["training"]
        | {
            "films": len(films["train"]),
            "groups": len({one.film.group for one in films["train"]}),
            "start": config["start"],
        },
    }
    _write(card_path, raw)  # the films are read by the weights that it names
    card = read_segmenter(card_path)
    split_films = [(split, one) for split in ("validation", "test") for one in films[split]]
    raw["held_out"] = asdict(_measured(card, split_films, f"{recipe.model}.csv"))
    raw["checks"] = {
        name: asdict(
            _measured(card, [("test", one) for one in of(data)], f"{recipe.model}.{name}.csv")
        )
        for name, of in recipe.checks.items()
    }
    _write(card_path, raw)
    refresh()
    return read_segmenter(card_path)


def _measured(card: SegmenterCard, films: list[tuple[str, LungFilm]], name: str) -> HeldOut:
    """Read films, store their table, and compute its figures."""
    rows = [_row(card, split, one) for split, one in tqdm(films, name)]
    path = assets() / "held_out" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, index=False, float_format="%.5f", lineterminator="\n")
    table = figures.load(path)
    judged = table[table["split"] == "test"]
    return HeldOut(
        table=name,
        films=len(judged),
        groups=judged["group"].nunique(),
        figures={
            name: Figure(one.value, one.low, one.high)
            for name, one in figures.estimates(table).items()
        },
    )


def _row(card: SegmenterCard, split: str, one: LungFilm) -> dict[str, object]:
    kinds = one.kinds()
    film = Radiograph(one.film.pixels(), source_format="file")
    called = reading.found(card, film).on_radiograph(kinds.shape)
    counted = kinds != IGNORED
    told_apart = {RIGHT, LEFT} <= set(np.unique(kinds).tolist()) and not (kinds == EITHER).any()
    row: dict[str, object] = {
        "image": one.film.image,
        "group": one.film.group,
        "split": split,
        "source": one.film.facts["source"],
        "dice": _dice(called > 0, kinds),
        "dice_right": np.nan,
        "dice_left": np.nan,
        "area": float((np.isin(kinds, (RIGHT, LEFT, EITHER))).mean()),
        "found": float(((called > 0) & counted).mean()),
    }
    if told_apart:
        for name, kind, side in (("right", RIGHT, reading.RIGHT), ("left", LEFT, reading.LEFT)):
            alone = np.where((kinds == kind) | (kinds == IGNORED), kinds, 0)
            row[f"dice_{name}"] = _dice(called == side, alone)
    return row | {name: one.film.facts.get(name, "") for name in ("finding", "view")}


def _dice(lungs: np.ndarray, kinds: np.ndarray) -> float:
    return float(dice(lungs[None], kinds[None])[0])


def _write(path: Path, raw: dict[str, object]) -> None:
    with atomic_write(path) as part:
        part.write_text(json.dumps(raw, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

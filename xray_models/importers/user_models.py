"""Models of the user's own: weights and cards in a folder that RADLENS_MODELS names."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from safetensors.numpy import save as dump_tensors

from xray_models import BONE_PARTS
from xray_models.catalogue import Card, read_card, refresh
from xray_models.evaluate import card_figures
from xray_models.evaluate.predictions import held_out_table

__all__ = ["NOT_MEASURED", "UserModelError", "add", "parts_of"]

NOT_MEASURED = "imported, not measured here"


class UserModelError(ValueError):
    """A model cannot be put into a user's folder; the message says why."""


def parts_of(model: str) -> tuple[str, tuple[str, ...]]:
    """Task and parts of a model by its id: "bone-wrist", "bone-general", "chest-anything".

    Raises:
        UserModelError: the id tells neither.
    """
    task, _, what = model.partition("-")
    if re.fullmatch(r"[a-z0-9-]+", what):
        if task == "bone" and what in BONE_PARTS:
            return task, (what,)
        if task == "bone" and what == "general":
            return task, BONE_PARTS
        if task == "chest":
            return task, ("chest",)
    known = ", ".join(f"bone-{part}" for part in BONE_PARTS)
    raise UserModelError(
        f"{model!r} does not tell what the model reads. Import as {known}, bone-general, or "
        "chest-NAME (small letters, digits and hyphens)."
    )


def add(
    folder: Path,
    network: keras.Model,
    card: dict[str, Any],
    replace: bool = False,
    held_out: pd.DataFrame | None = None,
) -> Card:
    """Write a network and its card; the weights stay in single precision, as they came.

    Args:
        folder: of the user's own models; made if absent.
        network: built by `xray_models.networks.build` and filled.
        card: the fields of `xray_models.catalogue.Card`; `weights` needs origin and license, the
            rest of it is measured here.
        replace: overwrite a model of the same id.
        held_out: predictions on films that the network never saw, as `held_out_table` describes
            them; the card gets their figures.

    Returns:
        The card as the catalogue reads it.

    Raises:
        UserModelError: the folder has a model of that id already.
        CatalogueError: the card is not valid.
        TableError: the predictions are not valid.
        OSError: the folder cannot be written.
    """
    path = folder / "models" / f"{card['id']}.json"
    if path.exists() and not replace:
        raise UserModelError(f"{path} exists already. Give --replace to overwrite that model.")
    content = dump_tensors(
        {
            variable.path: np.ascontiguousarray(variable.numpy().astype(np.float32))
            for variable in network.weights
            if "seed_generator" not in variable.path
        }
    )
    file = f"{card['id']}.safetensors"
    written = card | {
        "weights": card["weights"]
        | {
            "file": file,
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "precision": "float32, as imported",
        }
    }
    for name in ("models", "weights", *(["held_out"] if held_out is not None else [])):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as unchecked:
        draft = Path(unchecked) / path.name
        if held_out is not None:
            table = Path(unchecked) / f"{card['id']}.csv"
            written |= {"held_out": _measured(draft, written, held_out, table)}
        _write(draft, written)
        read_card(draft)
        weights = Path(unchecked) / file
        weights.write_bytes(content)
        weights.replace(folder / "weights" / file)
        if held_out is not None:
            table.replace(folder / "held_out" / table.name)
        draft.replace(path)
    refresh()
    return read_card(path)


def _write(path: Path, card: dict[str, Any]) -> None:
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _measured(
    draft: Path, card: dict[str, Any], held_out: pd.DataFrame, table: Path
) -> dict[str, Any]:
    """The block of a card about held-out predictions, which are written to a table."""
    held_out.to_csv(table, index=False, float_format="%.5f")
    block: dict[str, Any] = {
        "table": table.name,
        "films": len(held_out),
        "groups": held_out["group"].nunique(),
        "figures": {},
    }
    _write(draft, card | {"held_out": block})
    read = read_card(draft)
    rows = held_out_table.load(table, read.labels, read.multi_label)
    found = card_figures.estimates(rows, read)
    block["figures"] = {
        name: {"value": one.value, "low": one.low, "high": one.high}
        for name, one in found.items()
        if not np.isnan(one.value)
    }
    return block

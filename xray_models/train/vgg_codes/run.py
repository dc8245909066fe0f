"""Run of the network on stored codes: split by group, trained, and judged on what it never saw."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from xray_models.datasets import split_of
from xray_models.networks.vgg_codes import head_network
from xray_models.train.run_folder.atomic_write import atomic_write
from xray_models.train.run_folder.checkpoint import Checkpoints
from xray_models.train.run_folder.journal import CONFIG
from xray_models.train.vgg_codes import table
from xray_models.train.vgg_codes.evaluate import CodesResult, evaluate
from xray_models.train.vgg_codes.fit import Fit, Progress, Run, fit, probabilities
from xray_models.train.vgg_codes.store import CodesError, Settings, Store

__all__ = ["evaluate_run", "train_run"]

_SPLITS = ("train", "validation", "test")
_SPLIT = "split.csv"


def train_run(
    folder: Path,
    run: Path,
    how: Fit,
    pool: str,
    progress: Progress | None = None,
    resume: bool = False,
) -> None:
    """Train on the codes of a folder; 70 % of the groups train, 15 % follow, 15 % are for `test`.

    Args:
        folder: of stored codes.
        run: folder for config.json, split.csv, a checkpoint per epoch, history.csv, metrics.json,
            curves.png and TensorBoard logs.
        how: epochs, batch size, optimizer, dropout, seed (also of the split).
        pool: "mean" of the grid of codes, or "flatten".
        progress: called after every epoch.
        resume: go on after the last finished epoch of an earlier call; without it that is deleted.

    Raises:
        CodesError: there are no codes, too few images of a class to split, or not the images and
            settings of the call that is resumed.
        ResumeError: what an earlier call left cannot be read.
        ValueError: unknown pooling, or fewer films than fill a batch.
    """
    store, labeled = Store(folder), table.read(folder)
    rows = labeled.rows.assign(split=[split_of(one, how.seed) for one in labeled.rows["group"]])
    for label in labeled.labels:
        of_label = rows[rows["label"] == label]
        if absent := [one for one in _SPLITS if (of_label["split"] == one).sum() == 0]:
            raise CodesError(
                f"{label}: {len(of_label)} images in {of_label['group'].nunique()} group(s) leave "
                f"none for {' and '.join(absent)}. Add images, or choose another seed."
            )
    run.mkdir(parents=True, exist_ok=True)
    config: dict[str, object] = {
        "labels": labeled.labels,
        "pool": pool,
        "codes": asdict(store.settings),
        "fit": asdict(how),
    }
    checkpoints = Checkpoints(run)
    if not resume:
        checkpoints.clear()
    if checkpoints.state().epoch:
        _same(config, rows, run)
    else:
        with atomic_write(run / _SPLIT) as part:
            rows.to_csv(part, index=False, lineterminator="\n")

    parts = {name: rows[rows["split"] == name] for name in ("train", "validation")}
    codes = {name: store.read(part["sha256"], pool) for name, part in parts.items()}
    targets = {name: _targets(part, labeled.labels) for name, part in parts.items()}
    fit(
        codes["train"],
        targets["train"],
        how,
        held_out=(codes["validation"], targets["validation"]),
        run=Run(run, config, resume=resume),
        progress=progress,
    )


def evaluate_run(run: Path, folder: Path, epoch: int | None = None) -> CodesResult:
    """Judge a run on images that it never saw, and write predictions.csv into its folder.

    Args:
        run: of `train`.
        folder: of stored codes: those that it was trained on, or others of the same settings.
        epoch: whose checkpoint; the last by default.

    Returns:
        Confusion matrix and figures, over the images whose file and group took no part in the
        training.

    Raises:
        CodesError: the run or the codes are incomplete or do not fit, or no image is left.
    """
    config, seen = _config(run)
    labels, how = tuple(config["labels"]), Fit(**config["fit"])
    store, labeled = Store(folder), table.read(folder)
    trained_on = Settings(**config["codes"] | {"input_size": tuple(config["codes"]["input_size"])})
    if store.settings != trained_on:
        raise CodesError(
            f"{folder} holds codes of {asdict(store.settings)}, but {run} was trained on "
            f"{asdict(trained_on)}. Compute codes with those settings."
        )
    if unknown := [label for label in labeled.labels if label not in labels]:
        raise CodesError(f"{run} knows no label {unknown[0]!r}. It knows: {', '.join(labels)}.")
    used = seen[seen["split"] != "test"]
    new = ~labeled.rows["group"].isin(used["group"]) & ~labeled.rows["sha256"].isin(used["sha256"])
    rows = labeled.rows[new]
    if rows.empty:
        raise CodesError(f"{run} has seen every image or group of {folder}: nothing is left.")

    weights = Checkpoints(run).of(epoch or how.epochs)
    if not weights.is_file():
        raise CodesError(f"{weights}: no such file. {run} has epochs 1 to {how.epochs}.")
    # the image itself, not its other versions
    codes = store.read(rows["sha256"], config["pool"])[:, :1]
    network = head_network(codes.shape[2], len(labels))
    network.load_weights(weights)
    found = probabilities(network, codes)
    truth, called = _indices(rows, labels), found.argmax(axis=1)
    predictions = rows[["file", "group", "label"]].assign(
        called=[labels[one] for one in called],
        **{f"p:{label}": found[:, index] for index, label in enumerate(labels)},
    )
    predictions.to_csv(
        run / "predictions.csv", index=False, float_format="%.5f", lineterminator="\n"
    )
    return evaluate(truth, called, rows["group"].to_numpy(str), labels)


def _config(run: Path) -> tuple[dict, pd.DataFrame]:
    try:
        config = json.loads((run / CONFIG).read_text(encoding="utf-8"))
        return config, pd.read_csv(run / _SPLIT, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise CodesError(f"{run} is no run of `train codes` ({error}).") from error


def _same(config: dict[str, object], rows: pd.DataFrame, run: Path) -> None:
    """Refuse to go on with other films or another recipe: only the epochs may differ."""
    earlier, seen = _config(run)
    for name, now in json.loads(json.dumps(config)).items():
        before = earlier.get(name)
        if name == "fit" and isinstance(before, dict):
            before = before | {"epochs": now["epochs"]}
        if before != now:
            raise CodesError(
                f"{run} was trained with {name} {before}, not {now}. Resume with the same, or "
                "train without --resume to begin anew."
            )
    if seen.to_csv(index=False) != rows.to_csv(index=False):
        raise CodesError(
            f"{run} was trained on other images than there are codes of now. Train without "
            "--resume to begin anew."
        )


def _indices(rows: pd.DataFrame, labels: tuple[str, ...]) -> np.ndarray:
    return np.array([labels.index(label) for label in rows["label"]])


def _targets(rows: pd.DataFrame, labels: tuple[str, ...]) -> np.ndarray:
    return np.eye(len(labels), dtype=np.float32)[_indices(rows, labels)]

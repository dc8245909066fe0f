"""A run folder: what was trained with what, on how many films a class, and how it went."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tensorboard.summary import Writer

from xray_models.train.recipe import Recipe


class Journal:
    """What a run leaves behind, beside its weights.

    config.json, classes.csv and classes.png, history.csv, curves.png, metrics.json and TensorBoard
    logs.

    Args:
        folder: the run folder; it exists.
        fresh: forget what an earlier run left there.
    """

    def __init__(self, folder: Path, fresh: bool) -> None:
        self._folder = folder
        self._lines: list[dict[str, float]] = []
        history = folder / "history.csv"
        if fresh:
            history.unlink(missing_ok=True)
            shutil.rmtree(folder / "tensorboard", ignore_errors=True)
        elif history.is_file():
            with history.open(newline="") as file:
                for row in csv.DictReader(file):
                    line = {name: float(value) for name, value in row.items() if value}
                    self._lines.append(line | {"epoch": int(row["epoch"])})
        self._board = Writer(str(folder / "tensorboard"))

    def begin(self, recipe: Recipe, start: str, machine: dict[str, object]) -> None:
        """Write what this run is made of."""
        functions = ("films", "external", "rule")
        config = {name: value for name, value in asdict(recipe).items() if name not in functions}
        config |= {"start": start, "git_revision": _revision(), "machine": machine}
        _write(self._folder / "config.json", config)

    def classes(self, labels: Sequence[str], films: np.ndarray, drawn: np.ndarray) -> None:
        """Write and draw how many films each class has, and how many an epoch shows of it.

        Args:
            labels: names of the classes.
            films: int, (classes,): films there are.
            drawn: int, (classes,): augmented films of an epoch, after balancing.
        """
        with (self._folder / "classes.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("label", "films", "drawn in an epoch"))
            writer.writerows(zip(labels, films.tolist(), drawn.tolist(), strict=True))
        balance(labels, films, drawn, self._folder / "classes.png")

    def epoch(self, line: dict[str, float]) -> None:
        """Add an epoch's figures; "epoch" is its number."""
        self._lines.append(line)
        with (self._folder / "history.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self._lines[-1]))
            writer.writeheader()
            writer.writerows(self._lines)
        for name, value in line.items():
            if name != "epoch":
                self._board.add_scalar(name, value, int(line["epoch"]))
        self._board.flush()

    def end(self, metrics: dict[str, float]) -> None:
        """Write the run's figures and draw its curves."""
        _write(self._folder / "metrics.json", metrics)
        self._board.close()
        curves(self._lines, self._folder / "curves.png")


def curves(lines: list[dict[str, float]], path: Path) -> None:
    """Draw every logged figure over the epochs as a PNG file."""
    from matplotlib.figure import Figure

    names = [name for name in lines[0] if name != "epoch"] if lines else []
    figure = Figure(figsize=(4 * max(len(names), 1), 3), layout="constrained")
    for name, axes in zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True):
        axes.plot([one["epoch"] for one in lines], [one[name] for one in lines], marker="o")
        axes.set(title=name.replace("_", " "), xlabel="epoch")
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def balance(labels: Sequence[str], films: np.ndarray, drawn: np.ndarray, path: Path) -> None:
    """Draw the films of each class, as they are and as an epoch shows them, as a PNG or SVG file.

    Args:
        labels: names of the classes.
        films: int, (classes,): films there are.
        drawn: int, (classes,): augmented films of an epoch, after balancing.
        path: of the drawing.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 1.4 + 0.5 * len(labels)), layout="constrained")
    axes = figure.subplots()
    at = np.arange(len(labels))
    for shift, counts, name, color in (
        (-0.2, films, "films there are", "#9aa5b1"),
        (0.2, drawn, "shown in an epoch, balanced and augmented", "#0f6e84"),
    ):
        bars = axes.barh(at + shift, counts, 0.38, label=name, color=color)
        axes.bar_label(bars, padding=3)
    axes.set_yticks(at, [label.replace("_", " ") for label in labels])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(path, dpi=120)


def _revision() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    here = Path(__file__).resolve().parent
    asked = subprocess.run(  # noqa: S603 - fixed arguments
        [git, "describe", "--always", "--dirty", "--abbrev=40"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or "unknown"


def _write(path: Path, content: dict[str, object] | dict[str, float]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

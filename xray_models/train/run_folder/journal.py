"""Journal of a run: what was trained with what, on how many films a class, and how it went."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tensorboard.summary import Writer

from xray_models.train.run_folder.atomic_write import atomic_write
from xray_models.train.run_folder.checkpoint import readable

__all__ = ["CONFIG", "METRICS", "Journal", "balance", "curves"]

CONFIG, METRICS = "config.json", "metrics.json"
_HISTORY, _CURVES, _BOARD = "history.csv", "curves.png", "tensorboard"


class Journal:
    """Journal in a run folder, beside the weights.

    config.json, classes.csv and classes.png, history.csv, curves.png, metrics.json and TensorBoard
    logs.

    Args:
        folder: the run folder; it exists.
        epoch: what an earlier call logged up to this epoch is kept; 0 forgets it all.

    Raises:
        ResumeError: the history of those epochs cannot be read.
    """

    def __init__(self, folder: Path, epoch: int) -> None:
        self._folder = folder
        self._lines = _read(folder / _HISTORY, epoch)
        self._board: Writer | None = None

    def begin(self, made_of: Mapping[str, object]) -> None:
        """Write what this run is made of, with the git revision, and go on with its logs.

        Args:
            made_of: what JSON can hold.
        """
        for name in (METRICS, _CURVES):  # they are of a training that ended
            (self._folder / name).unlink(missing_ok=True)
        _write(self._folder / CONFIG, {**made_of, "git_revision": _revision()})
        _table(self._lines, self._folder / _HISTORY)
        shutil.rmtree(self._folder / _BOARD, ignore_errors=True)
        self._board = Writer(str(self._folder / _BOARD))
        for line in self._lines:  # a killed call may have logged an epoch that does not count
            self._show(line)

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
        _table(self._lines, self._folder / _HISTORY)
        self._show(line)

    def last(self) -> dict[str, float]:
        """Figures of the last epoch; nothing before there was one."""
        return dict(self._lines[-1]) if self._lines else {}

    def end(self, metrics: Mapping[str, float]) -> None:
        """Write the run's figures and draw its curves; also for a call that died before it did."""
        if self._board is not None:
            self._board.close()
        if self._lines:
            curves(self._lines, self._folder / _CURVES)
        _write(self._folder / METRICS, metrics)

    def _show(self, line: dict[str, float]) -> None:
        assert self._board is not None, "begin comes first"
        for name, value in line.items():
            if name != "epoch":
                self._board.add_scalar(name, value, int(line["epoch"]))
        self._board.flush()


def curves(lines: list[dict[str, float]], path: Path) -> None:
    """Draw every logged figure over the epochs as a PNG file."""
    from matplotlib.figure import Figure

    names = [name for name in lines[0] if name != "epoch"]
    figure = Figure(figsize=(4 * len(names), 3), layout="constrained")
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


def _read(path: Path, epoch: int) -> list[dict[str, float]]:
    if not epoch or not path.is_file():
        return []
    found = []
    with readable(path), path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            line = {name: float(value) for name, value in row.items() if value}
            found.append(line | {"epoch": int(row["epoch"])})
    return [line for line in found if line["epoch"] <= epoch]


def _table(lines: list[dict[str, float]], path: Path) -> None:
    names = {name: None for line in lines for name in line}  # a set that keeps the order
    with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(names))
        writer.writeheader()
        writer.writerows(lines)


def _write(path: Path, content: Mapping[str, object]) -> None:
    with atomic_write(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

"""Speed of every model on one film: median milliseconds and quartiles, in turns in one run.

    python -m benchmarks.models [--quick] [--json] [--write --machine "two cores of an AMD EPYC"]

A film is given as decoded gray levels of 1841 x 1955 pixels; resizing, scaling, one pass and the
calibrated probabilities are timed, with the model loaded. `--write` puts the table into the assets,
where the page of models takes it from. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from pathlib import Path

import numpy as np
from pydicom.data import get_testdata_file

from xray_models import catalogue, radiograph
from xray_models.catalogue.speed import COLUMNS, FILE, Speed
from xray_models.inference import predict
from xray_models.radiograph import Radiograph

FILMS = 21


def main() -> None:
    """Measure and print, or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer films")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--write", action="store_true", help="write the table into the assets")
    parser.add_argument("--machine", default="", help="what it ran on, in words")
    options = parser.parse_args()
    if options.write and not options.machine:
        parser.error("--write needs --machine: a speed says nothing without it.")

    found = measured(5 if options.quick else FILMS, options.machine)
    if options.write:
        write(found, catalogue.assets() / FILE)
    for one in found:
        row = {"name": f"{one.model}_ms", "milliseconds": one.milliseconds}
        print(
            json.dumps(row)
            if options.json
            else f"{one.model:<18}{one.milliseconds:8.1f} ms ({one.low:.1f} to {one.high:.1f})"
        )


def measured(films: int, machine: str) -> list[Speed]:
    """Speed of every model of the catalogue, each film in turn through all of them.

    Args:
        films: how many; two more before them load and warm.
        machine: in words, for the table.
    """
    content = Path(str(get_testdata_file("RG1_UNCI.dcm", download=False))).read_bytes()
    pixels = radiograph.read(content).pixels
    cards = list(catalogue.catalogue().values())
    times: dict[str, list[float]] = {card.id: [] for card in cards}
    for turn in range(films + 2):
        for card in cards:
            film = Radiograph(np.ascontiguousarray(pixels), "benchmark")  # nothing is kept of it
            began = time.perf_counter()
            predict.probabilities(card, film)
            if turn >= 2:
                times[card.id].append(1000 * (time.perf_counter() - began))
    found = []
    for card in cards:
        low, middle, high = statistics.quantiles(times[card.id], n=4)
        found.append(Speed(card.id, card.weights.sha256, middle, low, high, films, machine))
    return found


def write(found: list[Speed], path: Path) -> None:
    """Write the table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        for one in found:
            numbers = (round(value, 1) for value in (one.milliseconds, one.low, one.high))
            lines.writerow([one.model, one.weights, *numbers, one.films, one.machine])


if __name__ == "__main__":
    main()
